"""The contracts of a customer and of a deal, as parts of their pages."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Account
from contracts.models import Contract
from contracts.page import with_sums
from crm.core.people.reach import may, require
from crm.core.web.pages import get_visible
from opportunities.models import Opportunity

SHOWN = 50


@require_safe
def of_account(request, tenant: str, pk: int):
    get_visible(Account, request, pk, "account.read")
    return _panel(request, f"account={pk}", account=pk)


@require_safe
def of_opportunity(request, tenant: str, pk: int):
    deal = get_visible(Opportunity, request, pk, "opportunity.read")
    return _panel(request, f"account={deal.account_id}&opportunity={pk}", opportunity=pk)


def _panel(request, start: str, **about):
    require(request.member, "contract.read")
    rows = Contract.objects.visible_to(request.member).filter(**about).select_related("owner")[:SHOWN]
    context = {
        "rows": with_sums(rows, request.member),
        "start": start,
        "may_create": may(request.member, "contract.create"),
    }
    return render(request, "contracts/panel.html", context)
