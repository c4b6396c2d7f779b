"""Deals: the list, one deal, and what is done with it."""

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from .. import actions, listing, verbs
from ..cards import card, card_of
from ..facts import facts
from ..filters import OpportunityFilter
from ..forms import NewOpportunityForm, OpportunityForm
from ..models import Opportunity

RELATED = ("account", "owner", "stage", "pipeline", "product", "created_by")


@require_safe
def deals(request, tenant: str):
    require(request.member, "opportunity.read")
    asked = listing.asked(request.GET)
    filters = OpportunityFilter(asked, Opportunity.objects.visible_to(request.member), request=request)
    rows, order = listing.deals(filters), listing.order_of(request.GET)
    page = keyset_page(rows, after=request.GET.get("after", ""), order=order)
    context = {
        "page": page,
        "cards": [card(row, request.member) for row in page],
        "filter": filters,
        "sums": listing.sums(filters),
    }
    return render(request, "opportunities/list.html", {**context, **listing.context(filters, asked)})


def deal_or_404(request, pk: int) -> Opportunity:
    return get_visible(Opportunity, request, pk, "opportunity.read", *RELATED)


@require_safe
def detail(request, tenant: str, pk: int):
    """Everything about one deal; what was done about it loads into its own panel."""
    deal = deal_or_404(request, pk)
    context = {
        "deal": deal, "card": card_of(pk, request.member), "verbs": verbs.offered(deal, request.member),
        "may_edit": may(request.member, "opportunity.update", deal),
        "may_move": deal.is_open and may(request.member, "opportunity.move", deal),
        "state": deal.status if deal.is_closed else "",
    }  # fmt: skip
    return render(request, "opportunities/detail.html", {**context, **facts(deal, request.member)})


def create(request, tenant: str):
    require(request.member, "opportunity.create")
    data = request.POST if request.method == "POST" else None
    form = NewOpportunityForm(data, member=request.member, initial=request.GET.dict())
    if deal := attempt(form, lambda: actions.open_opportunity(by=request.member, **form.values)):
        return go(request, "opportunities:detail", pk=deal.pk)
    return form_page(request, "opportunities/form.html", form, title=_("New deal"))


def edit(request, tenant: str, pk: int):
    deal = deal_or_404(request, pk)
    require(request.member, "opportunity.update", deal)
    form = OpportunityForm(request.POST if request.method == "POST" else None, instance=deal, member=request.member)
    if attempt(
        form,
        lambda: actions.update_opportunity(deal, by=request.member, expected=form.expected, **form.values),
    ):
        return go(request, "opportunities:detail", pk=pk)
    return form_page(request, "opportunities/form.html", form, title=deal.name, deal=deal)


def act(request, tenant: str, pk: int, verb: str):
    """The questions of a verb (GET), and the verb itself (POST)."""
    deal, asked = deal_or_404(request, pk), verbs.VERBS.get(verb)
    if asked is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = asked.form(data, member=request.member, initial=asked.form.start(deal))
    if attempt(form, lambda: asked.act(deal, by=request.member, expected=form.expected, **form.values)):
        return go(request, "opportunities:detail", pk=pk)
    require(request.member, asked.permission_for(deal), deal)
    return form_page(request, "opportunities/act.html", form, deal=deal, verb=asked)


@require_safe
def panel(request, tenant: str, account: int):
    """The deals of a customer, as a part of its page."""
    require(request.member, "opportunity.read")
    get_visible(Account, request, account, "account.read")
    rows = Opportunity.objects.visible_to(request.member).filter(account=account).select_related("stage", "owner")
    context = {"deals": rows[:50], "account": account, "may_create": may(request.member, "opportunity.create")}
    return render(request, "opportunities/panel.html", context)
