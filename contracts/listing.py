"""The list of contracts: its tabs, and the sums at its foot."""

from typing import Any

from django.db.models import Count, Sum
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core.people.reach import may

Status = Contract.Status
TABS = (
    (_("All"), []),
    (_("Being prepared"), [Status.DRAFT, Status.IN_APPROVAL, Status.APPROVED, Status.SIGNED]),
    (_("In force"), list(Contract.LIVE)),
    (_("Done"), [Status.COMPLETED, Status.CLOSED]),
    (_("Ended early"), [Status.EXPIRED, Status.TERMINATED]),
)


def context(filters, request) -> dict[str, Any]:
    """What stands around the rows; the sums are of all that the filter finds, not of one page."""
    return {
        "tabs": tabs(request.GET),
        "sums": filters.qs.aggregate(count=Count("pk"), amount=Sum("effective_amount")),
        "may_create": may(request.member, "contract.create"),
    }


def tabs(query: QueryDict) -> list[tuple[Any, str, bool]]:
    """(label, address, whether it is the current one)."""
    chosen = sorted(state for state in query.getlist("status") if state)
    return [(label, _with(query, states), chosen == sorted(states)) for label, states in TABS]


def _with(query: QueryDict, states: list[str]) -> str:
    changed = query.copy()
    changed.pop("after", None)
    changed.setlist("status", states)
    return f"?{changed.urlencode()}"
