"""A receivable's state, derived from its balances and the day, by one table for Python and SQL (domain.md 4.6)."""

from datetime import date
from operator import eq, gt, lt

from django.db import models
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from receivables.models import Receivable


class State(models.TextChoices):
    PLANNED = "planned", _("Planned")
    OPEN = "open", _("Open")
    OVERDUE = "overdue", _("Overdue")
    SETTLED = "settled", _("Settled")
    CANCELLED = "cancelled", _("Cancelled")
    WRITTEN_OFF = "written_off", _("Written off")


# States in which something is left to collect.
WAITING = {State.PLANNED, State.OPEN, State.OVERDUE}


class Flag(models.TextChoices):
    """What may hold beside the state."""

    PARTLY_PAID = "partly_paid", _("Partly paid")
    DISPUTED = "disputed", _("Disputed")


TODAY = object()
# The first rule whose conditions all hold names the state. A condition is (column, comparison, value).
RULES = (
    (State.CANCELLED, (("current", "exact", 0),)),
    (State.WRITTEN_OFF, (("balance", "exact", 0), ("written_off", "gt", 0))),
    (State.SETTLED, (("balance", "exact", 0),)),
    (State.PLANNED, (("due_date", "exact", None),)),
    (State.OVERDUE, (("due_date", "lt", TODAY),)),
    (State.OPEN, ()),
)
COMPARE = {"exact": eq, "gt": gt, "lt": lt}


def state_of(receivable: Receivable, today: date) -> State:
    """The state on a business day of the company."""

    def holds(name, comparison, value) -> bool:
        return COMPARE[comparison](getattr(receivable, name), today if value is TODAY else value)

    return next(state for state, conditions in RULES if all(holds(*one) for one in conditions))


def flags_of(receivable: Receivable) -> list[Flag]:
    partly = 0 < receivable.allocated < receivable.current and receivable.balance > 0
    return [*([Flag.PARTLY_PAID] if partly else []), *([Flag.DISPUTED] if receivable.disputed else [])]


def with_state(rows: QuerySet[Receivable], today: date) -> QuerySet[Receivable]:
    """Rows with the column `state`, the same as `state_of`."""
    cases = [When(_q(conditions, today), then=Value(state.value)) for state, conditions in RULES[:-1]]
    state = Case(*cases, default=Value(RULES[-1][0].value), output_field=models.CharField())
    return rows.alias(owed=F("original") + F("adjusted")).annotate(state=state)


def flagged(flag: str) -> Q:
    if flag == Flag.DISPUTED:
        return Q(disputed=True)
    return Q(allocated__gt=0, balance__gt=0)


def _q(conditions, today: date) -> Q:
    lookups = {}
    for name, comparison, value in conditions:
        column = "owed" if name == "current" else name
        lookup = f"{column}__isnull" if value is None else f"{column}__{comparison}"
        lookups[lookup] = True if value is None else today if value is TODAY else value
    return Q(**lookups)
