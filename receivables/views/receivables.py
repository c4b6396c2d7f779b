"""Receivables: the list, one of them with its sub-ledger, and the panels on the pages of others."""

from django.db.models import Sum
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Account
from contracts.models import Contract
from crm.core.people.reach import may, require
from crm.core.web.pages import get_visible, keyset_page
from opportunities.models import Opportunity

from .. import figures, listing
from ..filters import ReceivableFilter
from ..models import Receipt, Receivable

RELATED = ("account", "owner", "contract__opportunity", "legal_entity", "plan__contract", "plan__order")


@require_safe
def receivables(request, tenant: str):
    require(request.member, "receivable.read")
    asked = listing.asked(request.GET)
    filters = ReceivableFilter(asked, listing.receivables_of(request.member), request=request)
    found, order = listing.in_order(filters, request.GET)
    page = keyset_page(found, after=request.GET.get("after", ""), order=order)
    context = {"page": page, "rows": listing.rows(page, request.member), "filter": filters}
    context |= {"sums": listing.sums(filters), **listing.context(filters, asked)}
    return render(request, "receivables/list.html", context)


@require_safe
def detail(request, tenant: str, pk: int):
    receivable = get_visible(Receivable, request, pk, "receivable.read", *RELATED)
    context = {"row": listing.Row(receivable, request.tenant.today()), "receivable": receivable}
    context["may_request"] = receivable.billable > 0 and may(request.member, "invoice.request", receivable.contract)
    return render(request, "receivables/detail.html", {**context, **listing.story(receivable)})


@require_safe
def contract_panel(request, tenant: str, pk: int):
    """Plan, receivables and progress, as a part of the contract's page."""
    require(request.member, "receivable.read")
    contract = get_visible(Contract, request, pk, "contract.read", "account")
    return render(request, "receivables/contract_panel.html", listing.of_contract(contract, request.member))


@require_safe
def account_panel(request, tenant: str, pk: int):
    """What a customer owes, and what of its money is not used yet."""
    require(request.member, "receivable.read")
    account = get_visible(Account, request, pk, "account.read")
    return _panel(request, listing.receivables_of(request.member).filter(account=account), account=account)


@require_safe
def opportunity_panel(request, tenant: str, pk: int):
    """What came of a deal: the receivables of its contracts."""
    require(request.member, "receivable.read")
    deal = get_visible(Opportunity, request, pk, "opportunity.read")
    found = listing.receivables_of(request.member).filter(contract__opportunity=deal)
    return _panel(request, found)


def _panel(request, found, account=None):
    """Sums of all, and the first of what is still to be collected."""
    today, open_rows = request.tenant.today(), found.filter(balance__gt=0).order_by("due_date", "pk")
    context = {"account": account, "figures": figures.read(found.aggregate(**figures.sums(today)))}
    context["rows"] = listing.rows(open_rows.select_related("contract")[:20], request.member)
    if account is not None and may(request.member, "receipt.read"):
        posted = Receipt.objects.visible_to(request.member).filter(account=account, status=Receipt.Status.POSTED)
        context["advances"] = posted.aggregate(sum=Sum("unallocated"))["sum"] or 0
    return render(request, "receivables/panel.html", context)
