"""How leads change hands (domain.md 4.1, 6.2): out of a pool, between people, back into a pool."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.calendars import local_date
from crm.core.errors import Forbidden, Refused
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from crm.core.pools import claims
from crm.core.pools.models import OwnerReason, Pool

from ..models import Lead

MOST_AT_ONCE = 200


def claim(lead: Lead, *, by: Member) -> Lead:
    """Take a lead out of its pool into one's own hands (INV-L2 to INV-L5)."""
    return claim_many([lead], by=by)[0]


@transaction.atomic
def claim_many(leads: Iterable[Lead], *, by: Member) -> list[Lead]:
    """Take several leads, all or none; the refusal says how many more may be claimed today."""
    require(by, "lead.claim")
    by_pool = defaultdict(list)
    for lead in leads:
        by_pool[lead.pool or claims.target_of(lead)].append(lead)
    _check_choice(sum(map(len, by_pool.values())))
    taken = {}
    for pool, rows in sorted(by_pool.items(), key=lambda item: item[0].pk):
        taken |= {lead.pk: lead for lead in claims.take(rows, pool, by=by)}
    return list(taken.values())


def _check_choice(count: int) -> None:
    if not count:
        raise ValidationError({"ids": _("Choose at least one lead.")})
    if count > MOST_AT_ONCE:
        raise ValidationError({"ids": _("Choose at most %(most)d leads at once.") % {"most": MOST_AT_ONCE}})


@transaction.atomic
def assign(lead: Lead, *, by: Member, to: Member, override: bool = False, reason: str = "") -> Lead:
    """Give a pooled lead to somebody. It costs no quota and knows no cool-off; `override` passes the holding limit."""
    _require_pooled(lead, by, "lead.assign")
    require(by, "lead.assign", to)
    require_salesperson(to)
    note = _make_room(lead.pool, to, by, override)
    return claims.give(
        lead, to, by=by, verb="assigned", owner_reason=OwnerReason.ASSIGN, at=timezone.now(), reason=reason, data=note
    )


@transaction.atomic
def transfer(lead: Lead, *, by: Member, to: Member, override: bool = False, reason: str = "") -> Lead:
    """Hand a held lead to another owner; its state stays, its clock and response time begin anew."""
    require(by, "lead.transfer", lead)
    require(by, "lead.transfer", to)
    require_salesperson(to)
    if to.pk == lead.owner_id:
        raise ValidationError({"to": _("%(name)s owns this lead already.") % {"name": to}})
    note = _make_room(lead.home_pool, to, by, override)
    former, now = locked_in(lead, *Lead.OWNED).owner, timezone.now()
    values = claims.new_hands(to, OwnerReason.TRANSFER, now)
    return records.update(
        lead, by=by, verb="transferred", reason=reason, data=note, **values, previous_owner=former, released_at=now
    )


def _make_room(pool: Pool | None, to: Member, by: Member, override: bool) -> dict:
    """Check the holding limit, or note that an administrator of the pool overrode it (INV-L4)."""
    if pool is None:
        return {}
    if not override:
        claims.require_room(Lead, pool, to, 1)
        return {}
    if not Pool.objects.of(by.tenant_id).administered_by(by).filter(pk=pool.pk).exists():
        raise Forbidden("pool.manage")
    return {"override": "HOLDING_LIMIT"}


@transaction.atomic
def return_to_pool(lead: Lead, *, by: Member, reason: str) -> Lead:
    """Give a lead up, with a reason; one that comes back often goes to the review queue instead."""
    require(by, "lead.return", lead)
    reason = required(reason)
    locked_in(lead, *Lead.OWNED)
    return claims.release(lead, by=by, verb="returned", reason=reason, at=timezone.now(), counts=True)


@transaction.atomic
def reclaim(lead: Lead, *, by: Member, reason: str) -> Lead:
    """A manager takes a lead back into the pool; this is no return of the owner's and is not counted as one."""
    require(by, "lead.assign", lead)
    reason = required(reason)
    locked_in(lead, *Lead.OWNED)
    return claims.release(lead, by=by, verb="reclaimed", reason=reason, at=timezone.now(), counts=False)


@transaction.atomic
def move_to_pool(lead: Lead, *, by: Member, pool: Pool) -> Lead:
    """Move a lead that nobody holds from its pool to another."""
    _require_pooled(lead, by, "lead.assign")
    require_open_pool(pool, by)
    return records.update(lead, by=by, verb="moved", pool=pool, home_pool=pool)


@transaction.atomic
def approve_return(lead: Lead, *, by: Member) -> Lead:
    """End the review of a lead that came back often: it may be claimed again, and its returns count anew."""
    _require_pooled(lead, by, "lead.assign")
    return records.update(lead, by=by, verb="reviewed", in_review=False, return_count=0)


@transaction.atomic
def protect(lead: Lead, *, by: Member, until: date | None = None, locked: bool = False) -> Lead:
    """Keep a held lead from the clock, up to and including the local date `until`, or for good; neither ends it."""
    require(by, "lead.protect", lead)
    zone = lead.home_pool.zone if lead.home_pool else by.tenant.zone
    if until and until < local_date(timezone.now(), zone):
        raise ValidationError({"until": _("Choose today or a later day.")})
    locked_in(lead, *Lead.OWNED)
    return records.update(lead, by=by, verb="protected", protected_until=until, locked=locked, reminded_on=None)


def required(reason: str) -> str:
    if not (reason := reason.strip()):
        raise ValidationError({"reason": _("Say why, in a few words.")})
    return reason


def require_salesperson(member: Member) -> None:
    if not member.is_active or member.is_system or not may(member, "lead.follow_up"):
        raise ValidationError({"to": _("%(name)s cannot work on leads. Choose a sales person.") % {"name": member}})


def require_open_pool(pool: Pool, by: Member) -> None:
    """The pool takes leads from `by`: it is open, and one of his unless he manages all."""
    if not pool.is_active or not Pool.objects.visible_to(by).filter(pk=pool.pk).exists():
        raise ValidationError({"pool": _("Choose a pool that is open to you.")})


def locked_in(lead: Lead, *states: str) -> Lead:
    """The lead as it is now, locked; refused unless it is in one of `states`."""
    now = records.lock(lead)
    if now.status not in states:
        raise Refused(
            _("“%(lead)s” is “%(status)s” by now: this is not possible any more.")
            % {"lead": now, "status": now.get_status_display()},
            code="INVALID_TRANSITION",
        )
    return now


def _require_pooled(lead: Lead, by: Member, action: str) -> None:
    """The lead lies in a pool that `by` may act on; takes its lock."""
    require(by, action)
    if not Lead.objects.visible_to(by).filter(pk=lead.pk).exists():
        raise Forbidden(action)
    lead.__dict__.update(records.lock(lead).__dict__)
    if lead.status != Lead.Status.POOLED:
        raise Refused(_("“%(lead)s” is not in a pool. Transfer it instead.") % {"lead": lead}, code="NOT_IN_POOL")
