"""Who may take what out of a pool, and how much (domain.md 6.2, INV-L2 to INV-L5).

`take` checks in the order of the specification inside one transaction: member of the pool, record in
the pool, cool-off, daily counter, holding limit, and last the rows themselves. Locks are taken in
that order too, rows by primary key, so two callers never wait for each other in a circle.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.calendars import days_between, local_date
from crm.core.errors import Refused
from crm.core.people.models import Member

from .models import ClaimCounter, OwnerReason, Pool, Poolable

P = TypeVar("P", bound=Poolable)


def take(rows: Sequence[P], pool: Pool, *, by: Member) -> list[P]:
    """Claim `rows` of one pool for `by`, all or none. Call it inside a transaction."""
    now = timezone.now()
    require_member(pool, by)
    for row in rows:
        require_in_pool(row, pool)
        require_rested(row, pool, by, now)
    use_quota(pool, by, len(rows), now)
    require_room(type(rows[0]), pool, by, len(rows))
    for row in _locked(rows):
        require_in_pool(row, pool)
        require_rested(row, pool, by, now)
        give(row, by, by=by, verb="claimed", owner_reason=OwnerReason.CLAIM, at=now)
    return list(rows)


def _locked(rows: Sequence[P]) -> list[P]:
    """The rows brought up to date and locked, in the order of their keys."""
    now = {row.pk: row for row in records.lock_all(type(rows[0]), [row.pk for row in rows], rows[0].tenant_id)}
    for row in rows:
        row.__dict__.update(now[row.pk].__dict__)
    return sorted(rows, key=lambda row: row.pk)


def require_member(pool: Pool, member: Member) -> None:
    if not Pool.objects.of(member.tenant_id).open_to(member).filter(pk=pool.pk).exists():
        raise Refused(
            _("You are not a member of the pool “%(pool)s”. Ask its administrator for a seat.") % {"pool": pool},
            code="NOT_POOL_MEMBER",
        )


def require_in_pool(row: Poolable, pool: Pool) -> None:
    """The row lies in this pool and is free; says who was faster."""
    if row.owner_id is not None:
        raise Refused(
            _("“%(record)s” has been claimed by %(owner)s already. Choose another.")
            % {"record": row, "owner": row.owner},
            code="ALREADY_CLAIMED",
        )
    if row.status != row.POOLED or row.pool_id != pool.pk:
        raise Refused(_("“%(record)s” is not in the pool any more.") % {"record": row}, code="NOT_IN_POOL")
    if row.in_review:
        raise Refused(
            _("“%(record)s” came back often and waits for a manager's review.") % {"record": row}, code="NOT_IN_POOL"
        )


def require_rested(row: Poolable, pool: Pool, member: Member, now: datetime) -> None:
    """Cool-off: the former owner waits until more than K local days have passed (INV-L5)."""
    if row.previous_owner_id != member.pk or row.released_at is None:
        return
    if days_between(row.released_at, now, pool.zone) <= pool.cool_off_days:
        day = local_date(row.released_at, pool.zone) + timedelta(days=pool.cool_off_days + 1)
        raise Refused(
            _("“%(record)s” was yours until lately. You may claim it again from %(day)s on.")
            % {"record": row, "day": date_format(day, "SHORT_DATE_FORMAT")},
            code="COOL_OFF",
            from_day=day.isoformat(),
        )


def use_quota(pool: Pool, member: Member, count: int, now: datetime) -> None:
    """Take `count` claims from the member's quota of the local day; its row stays locked until the end."""
    day = local_date(now, pool.zone)
    counter = ClaimCounter(tenant_id=member.tenant_id, pool=pool, member=member, day=day)
    ClaimCounter._base_manager.bulk_create([counter], ignore_conflicts=True)
    counters = ClaimCounter.objects.of(member.tenant_id).select_for_update(of=("self",))
    counter = counters.get(pool=pool, member=member, day=day)
    remaining = max(pool.daily_claim_limit - counter.count, 0)
    if count > remaining:
        raise Refused(
            _("You may claim %(remaining)d more from “%(pool)s” today (limit %(limit)d). Nothing was claimed.")
            % {"remaining": remaining, "pool": pool, "limit": pool.daily_claim_limit},
            code="DAILY_LIMIT",
            remaining=remaining,
        )
    counter.count += count
    counter.save(update_fields=["count"])


def remaining_today(pool: Pool, member: Member, now: datetime | None = None) -> int:
    """How many more records the member may claim from the pool on the local day of `now`."""
    day = local_date(now or timezone.now(), pool.zone)
    used = ClaimCounter.objects.of(member.tenant_id).filter(pool=pool, member=member, day=day)
    return max(pool.daily_claim_limit - sum(used.values_list("count", flat=True)), 0)


def require_room(model: type[Poolable], pool: Pool, member: Member, count: int) -> None:
    """Holding limit: what the member holds from this pool, with `count` more, stays within it (INV-L4)."""
    Member.objects.of(member.tenant_id).select_for_update(of=("self",), no_key=True).get(pk=member.pk)
    free = max(pool.holding_limit - holdings(model, pool, member), 0)
    if count > free:
        raise Refused(
            _("%(member)s may hold %(limit)d from “%(pool)s” and has room for %(free)d more. Return some first.")
            % {"member": member, "limit": pool.holding_limit, "pool": pool, "free": free},
            code="HOLDING_LIMIT",
            remaining=free,
        )


def holdings(model: type[Poolable], pool: Pool, member: Member) -> int:
    """How many records that came from the pool count as held by the member."""
    states = (*model.OWNED, *model.DEALT) if pool.count_dealt else model.OWNED
    return model.objects.of(member.tenant_id).filter(owner=member, home_pool=pool, status__in=states).count()


def give(row: P, to: Member, *, by: Member, verb: str, owner_reason: str, at: datetime, **note) -> P:
    """Put a pooled row into `to`'s hands: the clock and the response time start at `at` (UTC)."""
    return records.move(row, row.CLOCKED[0], by=by, verb=verb, **new_hands(to, owner_reason, at), **note)


def new_hands(to: Member, owner_reason: str, at: datetime) -> dict:
    """The columns of a record that begins anew with an owner."""
    return {
        "owner": to, "owner_reason": owner_reason, "owned_at": at, "pool": None, "last_followup_at": None,
        "first_response_at": None, "reminded_on": None, "in_review": False,
    }  # fmt: skip


def release(row: P, *, by: Member, verb: str, reason: str, at: datetime, counts: bool) -> P:
    """Put a held row back where it came from; `counts` says whether this adds to its returns."""
    pool, returns = target_of(row), row.return_count + counts
    return records.move(
        row, row.POOLED, by=by, verb=verb, reason=reason, owner=None, pool=pool, home_pool=pool, return_count=returns,
        in_review=counts and returns >= pool.review_from, previous_owner=row.owner, released_at=at,
        owner_reason="", reminded_on=None, protected_until=None, locked=False,
    )  # fmt: skip


def target_of(row: Poolable) -> Pool:
    """The pool a row goes back to: where it came from while that is open, else the default pool."""
    if row.home_pool and row.home_pool.is_active:
        return row.home_pool
    pool = default_pool(row.tenant_id)
    if pool is None:
        raise Refused(_("There is no pool to return this to. Ask an administrator to open one."), code="NO_POOL")
    return pool


def default_pool(tenant) -> Pool | None:
    return Pool.objects.of(tenant).filter(is_default=True, is_active=True).first()
