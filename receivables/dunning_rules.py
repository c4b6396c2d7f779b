"""When which reminder is due, and what it costs: the arithmetic of domain.md 6.20 (WC-28, INV-R14).

All dates are business dates of the company. Nothing here reads the database; `receivables.dunning_selection`
says the same for a set in SQL, and tests/receivables hold the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.money import round_half_up

NONE = -1


class Level(models.IntegerChoices):
    """The rungs of the ladder. A policy may leave rungs out; it never changes their order."""

    PRE_DUE = 0, _("Before it is due")
    DUE = 1, _("On the due date")
    OVERDUE_1 = 2, _("Overdue 1")
    OVERDUE_2 = 3, _("Overdue 2")
    OVERDUE_3 = 4, _("Overdue 3")
    COLLECTION = 5, _("Collection")
    LEGAL = 6, _("Legal step")


class Recipient(models.TextChoices):
    OWNER = "owner", _("Owner")
    CUSTOMER = "customer", _("Customer")
    MANAGER = "manager", _("Manager")
    FINANCE = "finance", _("Finance")


@dataclass(frozen=True)
class Step:
    """One rung: `days` relative to the due date (negative: before), and who hears of it."""

    level: int
    days: int
    to: tuple[str, ...] = ()

    @classmethod
    def read(cls, stored: dict) -> "Step":
        return cls(int(stored["level"]), int(stored["days"]), tuple(stored["to"]))

    @property
    def stored(self) -> dict:
        return {"level": self.level, "days": self.days, "to": list(self.to)}

    @property
    def label(self) -> str:
        return str(Level(self.level).label)


OWNER, CUSTOMER, MANAGER, FINANCE = Recipient.values
# domain.md 6.20: the manager from overdue 2, finance from overdue 3; the legal step never goes to the customer.
DEFAULT_STEPS = (
    Step(Level.PRE_DUE, -7, (OWNER, CUSTOMER)),
    Step(Level.DUE, 0, (OWNER, CUSTOMER)),
    Step(Level.OVERDUE_1, 1, (OWNER, CUSTOMER)),
    Step(Level.OVERDUE_2, 15, (OWNER, CUSTOMER, MANAGER)),
    Step(Level.OVERDUE_3, 30, (OWNER, CUSTOMER, MANAGER, FINANCE)),
    Step(Level.COLLECTION, 60, (OWNER, CUSTOMER, MANAGER, FINANCE)),
    Step(Level.LEGAL, 90, (OWNER, MANAGER, FINANCE)),
)


def entry(steps: Sequence[Step], offset: int) -> Step | None:
    """Where a cycle begins `offset` days after the due date: the step of that day, at most the first overdue one.

    So money that is overdue when it is first met (an import, an un-allocation) starts at overdue 1, and nobody
    is told “due in 7 days” about a day that has passed.
    """
    first_overdue = next((step for step in steps if step.days > 0), None)
    begins = [step for step in steps if step.days <= 0 or step is first_overdue]
    return max((step for step in begins if step.days <= offset), key=lambda step: step.days, default=None)


def following(steps: Sequence[Step], level: int) -> Step | None:
    """The next rung above `level`; none is skipped."""
    return next((step for step in steps if step.level > level), None)


def gap(steps: Sequence[Step], level: int, step: Step, min_gap: int) -> int:
    """Days that must lie between the notice of `level` and that of `step`.

    `min_gap`, so that a run after a standstill does not flood; less where the policy itself sets the two closer
    (due on day 0, overdue 1 on day 1).
    """
    before = next((one for one in steps if one.level == level), None)
    return min(min_gap, step.days - before.days) if before else min_gap


def next_step(
    steps: Sequence[Step], *, level: int, due: date, last: date | None, today: date, min_gap: int
) -> Step | None:
    """The one step that a receivable at `level` (NONE: no notice in this cycle) takes today, if any."""
    offset = (today - due).days
    step = entry(steps, offset) if level == NONE else following(steps, level)
    if step is None or step.days > offset:
        return None
    return step if last is None or last <= today - timedelta(days=gap(steps, level, step, min_gap)) else None


def late_fee(balance: Decimal, daily_rate: Decimal, days: int) -> Decimal:
    """round(balance × daily rate × days overdue, 2), once per notice and from the due date on: not added up."""
    return round_half_up(balance * daily_rate * max(days, 0))
