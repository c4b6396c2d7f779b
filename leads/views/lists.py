"""Reading leads: the list with its tabs, and one lead."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from crm.core.people.reach import may, require
from crm.core.pools import claims, clock, exemptions
from crm.core.pools.models import Pool
from crm.core.web.pages import get_visible, keyset_page

from .. import acts
from ..filters import VIEWS, LeadFilter, default_view
from ..models import Lead

RELATED = ("owner", "pool", "home_pool__tenant", "previous_owner")


def leads_of(member):
    """The member's leads with all that a row shows."""
    return exemptions.with_protection(Lead.objects.visible_to(member).select_related(*RELATED))


def present(leads, member) -> list[Lead]:
    """Each with `shown`, its contact data as the member may see it, and `clock`."""
    for lead in leads:
        lead.shown, lead.clock = lead.contact_for(member), clock.read(lead)
    return list(leads)


def index(request: HttpRequest, tenant: str, view: str = "") -> HttpResponse:
    require(request.member, "lead.read")
    asked = request.GET.copy()
    asked["view"] = asked.get("view") or view or default_view(request.member)
    filters = LeadFilter(asked, leads_of(request.member), request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""))
    present(page.rows, request.member)
    context = {"page": page, "filter": filters, "view": asked["view"], **_tabs(request, asked)}
    return render(request, "leads/list.html", context)


def _tabs(request, asked) -> dict:
    """The tabs that this member uses, a tab for each pool, and what may still be claimed from the open one."""
    member = request.member
    pools = list(Pool.objects.visible_to(member).filter(is_active=True).select_related("tenant"))
    wanted = {"mine": "lead.follow_up", "team": "lead.assign", "review": "lead.assign", "all": "lead.read"}
    tabs = [(key, label) for key, label in VIEWS if key in wanted and may(member, wanted[key])]
    pool = pools[0] if len(pools) == 1 else next((pool for pool in pools if str(pool.pk) == asked.get("pool")), None)
    may_claim = asked["view"] == "pool" and may(member, "lead.claim")
    remaining = claims.remaining_today(pool, member) if pool and may_claim else None
    return {"tabs": tabs, "pools": pools, "pool": pool, "may_claim": may_claim, "remaining": remaining}


def detail(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    lead = get_visible(Lead, request, pk, "lead.read", *RELATED, "account", "contact", "opportunity", "merged_into")
    present([lead], request.member)
    offered = list(acts.offered(lead, request.member))
    context = {
        "lead": lead,
        "acts": offered,
        "menu": [act for act in offered if not act.primary],
        "may_convert": acts.may_convert(lead, request.member),
        "may_edit": acts.may_edit(lead, request.member),
        "touches": lead.touches.all()[:20],
    }
    return render(request, "leads/detail.html", context)
