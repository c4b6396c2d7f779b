"""The list of deals: its orders, its tabs, and the sums at its foot."""

from datetime import date
from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.core.people.reach import may, owners_covered

from .cards import with_next
from .filters import OPEN, OpportunityFilter
from .metrics.funnel import SUMS
from .models import Opportunity

# Sort key → fields of the keyset; deals without a date stand after all dates.
ORDERS = {
    "": ("-id",),
    "name": ("name", "id"),
    "amount": ("amount_minor", "id"),
    "close": ("close_or_never", "id"),
    "entered": ("stage_entered_at", "id"),
}
ORDERS |= {f"-{key}": tuple(f"-{field}" for field in order) for key, order in list(ORDERS.items()) if key}


def asked(query: QueryDict) -> QueryDict:
    """What a list is asked for; open deals when nothing is said."""
    return query if set(query) - {"sort", "after"} else QueryDict(f"status={OPEN}")


def order_of(query: QueryDict) -> tuple[str, ...]:
    return ORDERS.get(query.get("sort", ""), ORDERS[""])


def deals(filters: OpportunityFilter) -> QuerySet[Opportunity]:
    """The rows of a list, with what a line shows."""
    rows = with_next(filters.qs.select_related("account", "owner", "stage", "product"))
    return rows.annotate(close_or_never=Coalesce("close_date", Value(date.max)))


def sums(filters: OpportunityFilter) -> dict[str, Any]:
    """Count, amount and weighted amount of all rows that the filter finds, not of one page."""
    return filters.qs.aggregate(**SUMS)


TABS = (*((status.label, [status.value]) for status in Opportunity.Status), (_("All"), []))
# Said by links of the funnel rather than in the filter bar: shown as chips that can be taken off.
CHIPS = ("opened", "reached", "furthest", "with_amount", "with_date", "account", "amount_min", "amount_max")


def context(filters: OpportunityFilter, query: QueryDict) -> dict[str, Any]:
    """What the page around the rows shows: tabs by status, chips, and which filters to keep out of the bar."""
    return {
        "tabs": tabs(query),
        "chips": chips(filters, query),
        "carry": " ".join(["sort", "status", *CHIPS, *needless(filters)]),
        "may_create": may(filters.member, "opportunity.create"),
    }


def tabs(query: QueryDict) -> list[tuple[Any, str, bool]]:
    """(label, address, whether it is the current one)."""
    chosen = [state for state in query.getlist("status") if state]
    return [(label, with_values(query, "status", states or [""]), chosen == states) for label, states in TABS]


def chips(filters: OpportunityFilter, query: QueryDict) -> list[tuple[Any, str, str]]:
    """(label, value, address without it) of the filters that links set."""
    found = [name for name in CHIPS if query.get(name) and name not in filters.errors]
    return [(filters.filters[name].label, said(filters, name), with_values(query, name, [])) for name in found]


def needless(filters: OpportunityFilter) -> list[str]:
    """Filters with one choice only: a seller who sees his own deals, a company with one pipeline."""
    covered = owners_covered(filters.member, "opportunity.read")
    alone = covered is not None and len(covered) <= 1
    return [*(["team", "owner"] if alone else []), *(["pipeline"] if len(filters.ladders) < 2 else [])]


def said(filters: OpportunityFilter, name: str) -> str:
    """A filter's value in words."""
    value = filters.form.cleaned_data[name]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    choices = dict(getattr(filters.form.fields[name], "choices", ()) if name in ("reached", "furthest") else ())
    return choices.get(value) or getattr(value, "label", value)


def with_values(query: QueryDict, name: str, values: list[str]) -> str:
    """The address of the list with another value of one filter, from its first page."""
    changed = query.copy()
    changed.pop("after", None)
    changed.setlist(name, values)
    return f"?{changed.urlencode()}"
