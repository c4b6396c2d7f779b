"""Contracts that come to their end: the due list, the rates, and what is done about each."""

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts import renewal_listing as listing
from contracts.metrics.renewals import ending, with_outcome
from contracts.models import Contract
from contracts.renewal_verbs import VERBS
from crm.core.people.reach import require
from crm.core.web.pages import get_visible, keyset_page

from .orders import OF_CONTRACT, answer

ORDER = ("end_date", "id")
LIST: tuple[str, dict] = ("orders:renewals", {})


@require_safe
def renewals(request, tenant: str):
    require(request.member, "contract.read")
    filters = listing.due(request)
    page = keyset_page(listing.rows(filters.qs), after=request.GET.get("after", ""), order=ORDER)
    context = {"page": page, "rows": listing.told(page, request.member), **listing.around(filters)}
    return render(request, "renewals/list.html", context)


@require_safe
def rate(request, tenant: str):
    """The renewal rate of a period, and the contracts behind it."""
    require(request.member, "contract.read")
    filters = listing.ended(request)
    page = keyset_page(listing.rows(filters.qs), after=request.GET.get("after", ""), order=ORDER)
    return render(request, "renewals/rate.html", {"page": page, "filter": filters, **listing.rates(filters)})


def act(request, tenant: str, pk: int, verb: str):
    get_visible(Contract, request, pk, "contract.read")
    ends = with_outcome(ending(Contract.objects.visible_to(request.member)), request.tenant)
    contract = ends.select_related(*OF_CONTRACT).filter(pk=pk).first()
    if contract is None:
        raise Http404(_("This contract does not run out."))
    return answer(request, VERBS, verb, contract, back=LIST, then=_next_page)


def _next_page(done) -> tuple[str, dict]:
    """To the new draft after renewing, else back to the list."""
    return ("contracts:detail", {"pk": done.pk}) if isinstance(done, Contract) else LIST
