"""What waits for delivery, and its answers."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from contracts import order_verbs as verbs
from contracts.actions.handover import DECIDES, inbox
from crm.core.people.reach import require
from crm.core.web.pages import keyset_page

from .orders import answer, contract_or_404


@require_safe
def handovers(request, tenant: str):
    """Contracts offered to the member, or to people whom he leads; and those that were taken over."""
    require(request.member, DECIDES)
    taken = request.GET.get("state") == "accepted"
    page = keyset_page(inbox(request.member, taken=taken), after=request.GET.get("after", ""))
    rows = [(one, [] if taken else verbs.offered(verbs.HANDOVER, one, request.member)) for one in page]
    return render(request, "orders/handovers.html", {"page": page, "rows": rows, "taken": taken, "waiting": not taken})


def act(request, tenant: str, pk: int, verb: str):
    contract = contract_or_404(request, pk)
    return answer(request, verbs.HANDOVER, verb, contract, back=("contracts:detail", {"pk": pk}))
