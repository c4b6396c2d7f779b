"""Accounting periods: what may still be posted on a day, and who closes and opens it (domain.md 4.10, INV-R9).

A posting holds its month open until its transaction ends, so that a month never closes under it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.entities.models import LegalEntity
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.people.models import Member, Team
from crm.core.people.reach import require
from crm.core.people.roles import Role
from receivables.models import Period

from .reasons import said

Status = Period.Status
_late: ContextVar[tuple[Member, str] | None] = ContextVar("late", default=None)


def is_finance_lead(member: Member) -> bool:
    """Finance, and head of a team: who may post into a soft-closed month and open it again."""
    return member.has_role(Role.FINANCE) and Team.objects.of(member.tenant_id).filter(head=member).exists()


@contextmanager
def posting_late(*, by: Member, reason: str) -> Iterator[None]:
    """Postings inside may fall into a soft-closed month; the month's history keeps the reason.

    Forbidden unless `by` is the finance lead. An empty reason changes nothing: the posting is refused as usual.
    """
    if not reason.strip():
        yield
        return
    if not is_finance_lead(by):
        raise Forbidden("period.post_late")
    token = _late.set((by, reason.strip()))
    try:
        yield
    finally:
        _late.reset(token)


def require_open(entity: LegalEntity, day: date) -> None:
    """Refuse a posting whose effective date lies in a closed or soft-closed month of the entity (PERIOD_CLOSED)."""
    month = day.replace(day=1)
    _hold(entity, month, shared=True)
    period = Period.objects.of(entity.tenant_id).filter(legal_entity=entity, month=month).first()
    if period is None or period.status == Status.OPEN:
        return
    late = _late.get()
    if period.status == Status.SOFT_CLOSED and late is not None and late[0].tenant_id == entity.tenant_id:
        records.note(period, by=late[0], verb="posted_late", reason=late[1], data={"day": day.isoformat()})
        return
    raise Refused(
        _("%(month)s is closed for %(entity)s. Post on a day of an open month.") % {"month": period, "entity": entity},
        code="PERIOD_CLOSED", period=period.status,
    )  # fmt: skip


def _hold(entity: LegalEntity, month: date, *, shared: bool) -> None:
    """A lock on the month until the transaction ends: postings share it, closing takes it alone.

    The month may have no row yet, and reading it after the wait must see what was committed meanwhile: so the lock
    is the database's advisory one, in a statement of its own.
    """
    name = f"period {entity.tenant_id} {entity.pk} {month:%Y-%m}"
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(%s)", [key])


@transaction.atomic
def soft_close(entity: LegalEntity, month: date, *, by: Member) -> Period:
    """No more postings but the finance lead's. Only a month that is over."""
    return _move(entity, month, Status.SOFT_CLOSED, by, verb="soft_closed")


@transaction.atomic
def close(entity: LegalEntity, month: date, *, by: Member) -> Period:
    """No more postings at all. Follows the soft close."""
    return _move(entity, month, Status.CLOSED, by, verb="closed")


def _move(entity: LegalEntity, month: date, to: str, by: Member, *, verb: str) -> Period:
    require(by, "period.close")
    if month >= by.tenant.today().replace(day=1):
        raise Refused(_("This month is not over yet. Close it when its last day has passed."), code="MONTH_NOT_OVER")
    return records.move(_locked(entity, month, by), to, by=by, verb=verb)


def _locked(entity: LegalEntity, month: date, by: Member) -> Period:
    """The month's row, alone: nobody posts or closes beside. It is made when it is needed first."""
    if month.day != 1:
        raise ValidationError({"month": _("Name a month by its first day.")})
    _hold(entity, month, shared=False)
    found = Period.objects.of(entity.tenant_id).filter(legal_entity=entity, month=month).first()
    return found or records.create(Period, by=by, legal_entity=entity, month=month)


@transaction.atomic
def open_again(period: Period, *, by: Member, reason: str) -> Period:
    """The finance lead opens a soft-closed month."""
    require(by, "period.close")
    if not is_finance_lead(by):
        raise Forbidden("period.open_again")
    locked = _locked(period.legal_entity, period.month, by)
    if locked.status == Status.CLOSED:
        raise Refused(_("A closed month is opened again by two persons. Ask for it first."), code="NEEDS_TWO")
    return records.move(period, Status.OPEN, by=by, verb="opened_again", reason=said(reason))


@transaction.atomic
def request_reopen(period: Period, *, by: Member, reason: str) -> Period:
    """Finance asks to open a closed month; legal or an administrator decides (two persons)."""
    require(by, "period.close")
    locked = records.lock(period)
    if locked.status != Status.CLOSED:
        raise Refused(_("Only a closed month is opened again this way."), code="INVALID_TRANSITION")
    if locked.reopen_requested_by_id is not None:
        raise Refused(_("Opening this month has been asked for already."), code="ALREADY_REQUESTED")
    reason = said(reason)
    return records.update(
        period, by=by, verb="reopen_requested", reason=reason, reopen_requested_by=by, reopen_reason=reason
    )


@transaction.atomic
def approve_reopen(period: Period, *, by: Member) -> Period:
    """The second person opens the month. Not who asked for it."""
    _hold(period.legal_entity, period.month, shared=False)
    locked = _requested(period, by)
    return records.move(
        period, Status.OPEN, by=by, verb="reopened", reason=locked.reopen_reason, reopen_requested_by=None,
        reopen_reason="",
    )  # fmt: skip


@transaction.atomic
def refuse_reopen(period: Period, *, by: Member, reason: str) -> Period:
    """The second person leaves the month closed."""
    _requested(period, by)
    return records.update(
        period, by=by, verb="reopen_refused", reason=said(reason), reopen_requested_by=None, reopen_reason=""
    )


def _requested(period: Period, by: Member) -> Period:
    """The month that waits for a second person, who `by` must be."""
    require(by, "period.approve_reopen")
    locked = records.lock(period)
    if locked.reopen_requested_by_id is None:
        raise Refused(_("Nobody has asked to open this month."), code="NOT_REQUESTED")
    if locked.reopen_requested_by_id == by.pk:
        raise Forbidden("period.approve_reopen")
    return locked
