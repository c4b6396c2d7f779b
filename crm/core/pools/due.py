"""The same clocks for a set, as SQL: what goes back now, who is reminded today, what goes back tonight.

Local days become one UTC instant per rule here, so the database compares instants only and its
own time zone plays no part (INV-G3). tests/pools prove that these sets agree with `clock.read`.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from crm.core.calendars import day_start, local_date

from .clock import DAY, Rule, rules_of
from .exemptions import exempt_q
from .models import Pool, Poolable

NEVER = Q(pk__in=[])


def on_clock(model: type[Poolable], pool: Pool, now: datetime) -> QuerySet:
    """Held records that go back to `pool` by the clock and that nothing exempts on the local date of `now`."""
    held = model.objects.of(pool.tenant_id).filter(home_pool_id=pool.pk, status__in=model.CLOCKED)
    return held.exclude(exempt_q(model, local_date(now, pool.zone)))


def overdue_q(pool: Pool, now: datetime, ahead: int = 0, only: Rule | None = None) -> Q:
    """Records of which a rule's day difference exceeds its days, or will within `ahead` days."""
    today = local_date(now, pool.zone)
    cutoffs = ((rule, today + (ahead - days) * DAY) for rule, days in rules_of(pool) if only in (None, rule))
    return _any(rule.before(day_start(day, pool.zone)) for rule, day in cutoffs)


def _any(conditions: Iterable[Q]) -> Q:
    found = NEVER
    for condition in conditions:
        found |= condition
    return found


def returning(model: type[Poolable], pool: Pool, now: datetime, only: Rule | None = None) -> QuerySet:
    """What the job takes at `now`: a rule has run out and the reminder was on an earlier local date."""
    reminded = Q(reminded_on__lt=local_date(now, pool.zone)) if pool.remind_days else Q()
    return on_clock(model, pool, now).filter(overdue_q(pool, now, only=only), reminded)


def reminding(model: type[Poolable], pool: Pool, now: datetime) -> QuerySet:
    """Whose owners are reminded at `now`: near the end and not yet reminded today."""
    if not pool.remind_days:
        return model.objects.none()
    overdue = overdue_q(pool, now)
    again = Q(reminded_on__lt=local_date(now, pool.zone)) & ~overdue
    near = overdue_q(pool, now, ahead=pool.remind_days + 1)
    return on_clock(model, pool, now).filter(near).filter(Q(reminded_on__isnull=True) | again)


def tonight(model: type[Poolable], pool: Pool, now: datetime) -> QuerySet:
    """What the job takes at the coming local midnight when it has reminded once before."""
    midnight = day_start(local_date(now, pool.zone) + DAY, pool.zone)
    rows = on_clock(model, pool, midnight).filter(overdue_q(pool, midnight))
    if not pool.remind_days:
        return rows
    return rows.filter(Q(reminded_on__isnull=False) | Q(pk__in=reminding(model, pool, now).values("pk")))
