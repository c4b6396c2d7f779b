"""When a record goes back to its pool (domain.md 6.2): one table of rules, read by Python and by SQL.

A rule counts whole local calendar days, in the pool's zone, from a base; the record goes back when
more than N have passed, so at the local midnight that starts day base+N+1. With reminders on it
waits until it was reminded on an earlier local day (INV-L7).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.db.models.lookups import LessThan
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.calendars import day_start, days_between, local_date, passes_at

from .exemptions import Exemption, exemption_of
from .models import Pool, Poolable

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """`days` names the pool's column (null: off), `since` the columns of which the latest is the base,
    `until` a column that ends the rule once it is filled."""

    key: str
    days: str
    since: tuple[str, ...]
    label: str | Promise
    resets: str | Promise
    until: str = ""

    def base(self, record: Poolable) -> datetime | None:
        """The instant from which the days are counted; None when the rule does not apply."""
        if self.until and getattr(record, self.until):
            return None
        return max((at for name in self.since if (at := getattr(record, name))), default=None)

    def before(self, instant: datetime) -> Q:
        """The same for a set: the rule applies and its base lies before `instant`."""
        # PostgreSQL's GREATEST passes over nulls.
        base = Greatest(*self.since) if len(self.since) > 1 else F(self.since[0])
        applies = Q(**{f"{self.until}__isnull": True}) if self.until else Q()
        return Q(LessThan(base, instant)) & applies


RULES = (
    Rule(
        "no_followup", "no_followup_days", ("owned_at", "last_followup_at"),
        _("days without a follow-up"), _("a follow-up by the owner: a call, visit, meeting, demonstration or message"),
    ),
    Rule(
        "no_first_contact", "no_first_contact_days", ("owned_at",),
        _("days without a first contact"), _("the first follow-up by the owner"), until="first_response_at",
    ),
    Rule("no_deal", "no_deal_days", ("owned_at",), _("days without a deal"), _("a deal, or protection by a manager")),
)  # fmt: skip


def rules_of(pool: Pool) -> Iterator[tuple[Rule, int]]:
    """The rules that are switched on, with their days."""
    return ((rule, days) for rule in RULES if (days := getattr(pool, rule.days)))


@dataclass(frozen=True)
class Clock:
    """What a record's clock says at one instant. `returns_at` is a UTC instant; None: it does not go back.

    `remaining_days` is N minus the days passed: 0 on the last day, negative when the return waits
    for a reminder.
    """

    returns_at: datetime | None = None
    rule: Rule | None = None
    days: int | None = None
    base: datetime | None = None
    remaining_days: int | None = None
    exemption: Exemption | None = None

    @property
    def is_close(self) -> bool:
        """Whether the return is at most three days away."""
        return self.remaining_days is not None and self.remaining_days <= 3

    def is_due(self, now: datetime) -> bool:
        return self.returns_at is not None and self.returns_at <= now


def read(record: Poolable, now: datetime | None = None, pool: Pool | None = None) -> Clock:
    """The clock of a held record, by the rules of the pool it came from (or of `pool`, edited and unsaved)."""
    now = now or timezone.now()
    pool = pool or record.home_pool
    if record.status not in record.OWNED:
        return Clock()
    today = local_date(now, pool.zone) if pool else timezone.localdate(now)
    if exemption := exemption_of(record, today):
        return Clock(exemption=exemption)
    assert pool is not None  # or NO_POOL had exempted it
    return _earliest(record, now, pool)


def _earliest(record: Poolable, now: datetime, pool: Pool) -> Clock:
    running = ((rule, days, base) for rule, days in rules_of(pool) if (base := rule.base(record)))
    first = min(running, key=lambda one: passes_at(one[2], one[1], pool.zone), default=None)
    if first is None:
        return Clock()
    rule, days, base = first
    remaining = days - days_between(base, now, pool.zone)
    returns_at = _after_reminder(record, passes_at(base, days, pool.zone), local_date(now, pool.zone), pool)
    return Clock(returns_at, rule, days, base, remaining)


def _after_reminder(record: Poolable, due_at: datetime, today: date, pool: Pool) -> datetime:
    """The rule's instant, or the first midnight after the reminder that has to come before it."""
    if not pool.remind_days:
        return due_at
    window = local_date(due_at, pool.zone) - (pool.remind_days + 1) * DAY
    reminded_on = record.reminded_on or max(today, window)
    return max(due_at, day_start(reminded_on + DAY, pool.zone))


def needs_reminder(record: Poolable, now: datetime, pool: Pool | None = None) -> bool:
    """Whether a reminder is due today: within the last `remind_days` and on the last day, once a day,
    and once more when the days have run out without any."""
    pool = pool or record.home_pool
    clock = read(record, now, pool)
    if clock.remaining_days is None or clock.remaining_days > pool.remind_days or not pool.remind_days:
        return False
    if record.reminded_on is None:
        return True
    return clock.remaining_days >= 0 and record.reminded_on < local_date(now, pool.zone)
