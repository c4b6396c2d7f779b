"""What the pages of renewals show: the due list in its buckets, and the rates of a period."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm.core.calendars import Period
from crm.core.people.models import Member
from crm.core.people.reach import owners_covered

from . import order_verbs, renewal_verbs
from .filters.orders import WORDS, RenewalFilter, RenewalRateFilter
from .metrics import renewals as metrics
from .models import Contract, Renewal

RISKS = dict(Renewal.Risk.choices)
LOSSES = dict(Renewal.Loss.choices)
KINDS = {Renewal.Risk.HIGH: "danger", Renewal.Risk.MEDIUM: "warning", Renewal.Risk.LOW: "success"}


def due(request, query=None) -> RenewalFilter:
    """The due list as it is asked for."""
    member = request.member
    rows = metrics.due(Contract.objects.visible_to(member), member.tenant, member.tenant.today())
    return RenewalFilter(request.GET if query is None else query, rows, request=request)


def rows(contracts: QuerySet) -> QuerySet:
    return contracts.select_related("account", "owner")


def told(contracts: Iterable[Contract], member: Member) -> list[dict]:
    """Each contract with the days left, its risk in words, and what may be done with it."""
    today = member.tenant.today()
    return [
        {
            "contract": one, "days": (one.end_date - today).days, "overdue": one.end_date < today,
            "late": (today - one.end_date).days, "risk": RISKS.get(one.risk, ""), "kind": KINDS.get(one.risk, ""),
            "verbs": order_verbs.offered(renewal_verbs.VERBS, one, member),
        }
        for one in contracts
    ]  # fmt: skip


def around(filters: RenewalFilter) -> dict[str, Any]:
    """The buckets of what the other filters leave, each a link to its rows."""
    query = filters.request.GET.copy()
    query.pop("after", None)
    chosen = (query.pop("bucket", None) or [""])[-1]
    everything = due(filters.request, query)
    found = metrics.buckets(everything.qs, filters.request.member.tenant.today())
    tiles = [(one, WORDS[one.key], _url(query, one.key)) for one in found]
    tabs = [(label, url, chosen == one.key, one.count) for one, label, url in tiles]
    return {
        "filter": filters, "buckets": tiles, "tabs": [(_("All"), f"?{query.urlencode()}", not chosen, ""), *tabs],
        "carry": " ".join(["bucket", *needless(filters.request.member)]),
    }  # fmt: skip


def _url(query, bucket: str) -> str:
    linked = query.copy()
    linked["bucket"] = bucket
    return f"?{linked.urlencode()}"


def needless(member: Member) -> list[str]:
    """Filters with one choice only: a seller who sees his own contracts."""
    covered = owners_covered(member, "contract.read")
    return ["team", "owner"] if covered is not None and len(covered) <= 1 else []


def ended(request, query=None) -> RenewalRateFilter:
    """Contracts whose end falls in the period that is asked for (this year without one), and their outcome."""
    query = (request.GET if query is None else query).copy()
    if "period" not in query:
        query["period"] = str(Period.of(request.member.tenant.today(), "year"))
    rows = metrics.with_outcome(metrics.ending(Contract.objects.visible_to(request.member)), request.member.tenant)
    return RenewalRateFilter(query, rows, request=request)


def rates(filters: RenewalRateFilter) -> dict[str, Any]:
    """Both rates of everything in the period, whatever outcome the rows below are narrowed to."""
    query = filters.data.copy()
    for name in ("after", "outcome"):
        query.pop(name, None)
    everything = ended(filters.request, query)
    chosen = filters.data.get("outcome", "")
    words = [("", _("All")), *RenewalRateFilter.OUTCOMES]
    return {
        "rate": metrics.rate(everything.qs), "losses": LOSSES,
        "tabs": [(label, f"?{query.urlencode()}&outcome={key}", chosen == key) for key, label in words],
        "renewed_url": f"?{query.urlencode()}&outcome={metrics.RENEWED}", "due_url": f"?{query.urlencode()}",
        "carry": " ".join(["outcome", *needless(filters.request.member)]), "words": dict(RenewalRateFilter.OUTCOMES),
    }  # fmt: skip
