"""The list of quotes: its orders and its tabs."""

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contracts.models import Quote

Status = Quote.Status
OPEN = [Status.DRAFT.value, Status.IN_APPROVAL.value, Status.APPROVED.value, Status.SENT.value]
TABS = (
    (pgettext_lazy("quotes", "Open"), OPEN),
    (Status.ACCEPTED.label, [Status.ACCEPTED.value]),
    (Status.DECLINED.label, [Status.DECLINED.value]),
    (_("All"), []),
)
# Sort key → fields of the keyset.
ORDERS = {"": ("-id",), "valid": ("valid_until", "id"), "amount": ("amount", "id"), "number": ("number", "id")}
ORDERS |= {f"-{key}": tuple(f"-{field}" for field in order) for key, order in list(ORDERS.items()) if key}


def asked(query: QueryDict) -> QueryDict:
    """What the list is asked for; open quotes when nothing is said."""
    if set(query) - {"sort", "after"}:
        return query
    return QueryDict("&".join(f"status={status}" for status in OPEN))


def tabs(query: QueryDict) -> list[tuple]:
    """(label, address, whether it is the current one)."""
    chosen = [state for state in query.getlist("status") if state]
    return [(label, _address(query, states), chosen == states) for label, states in TABS]


def _address(query: QueryDict, states: list[str]) -> str:
    changed = query.copy()
    changed.pop("after", None)
    changed.setlist("status", states or [""])
    return f"?{changed.urlencode()}"
