"""What is done with pools themselves: rules, seats, opening and closing (domain.md 9: administrators)."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as plain
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import Member, Team
from crm.core.people.reach import require

from .models import Pool, Poolable, PoolSeat


def open_first_pool(tenant, system: Member) -> None:
    """A new company's pool, named in its language; the rules of domain.md 10.4 are the columns' defaults."""
    with translation.override(tenant.locale):
        create_pool(by=system, name=plain("Public pool"), is_default=True)


@transaction.atomic
def create_pool(*, by: Member, **values) -> Pool:
    require(by, "pool.manage")
    if values.get("is_default"):
        _give_up_default(by)
    return records.create(Pool, by=by, **values)


@transaction.atomic
def update_pool(pool: Pool, *, by: Member, expected: int | None = None, **values) -> Pool:
    """Change a pool's rules; they hold for its records from the next run of the job on."""
    require(by, "pool.manage")
    if values.get("is_default") and not pool.is_default:
        _give_up_default(by)
    if pool.is_default and values.get("is_default") is False:
        raise ValidationError({"is_default": _("One pool has to receive what has none. Choose another as default.")})
    if pool.is_active and values.get("is_active") is False:
        _require_empty(pool)
    return records.update(pool, by=by, expected=expected, **values)


def _give_up_default(by: Member) -> None:
    for pool in Pool.objects.of(by.tenant_id).filter(is_default=True):
        records.update(pool, by=by, is_default=False)


def _require_empty(pool: Pool) -> None:
    if pool.is_default:
        raise ValidationError({"is_active": _("The default pool stays open. Choose another as default first.")})
    if any(rows.exists() for rows in contents(pool)):
        raise Refused(_("“%(pool)s” is not empty. Move its records to another pool first.") % {"pool": pool},
                      code="POOL_NOT_EMPTY")  # fmt: skip


def contents(pool: Pool) -> Iterator[QuerySet]:
    """What lies in the pool, one queryset for each kind of record."""
    return (model.objects.of(pool.tenant_id).filter(pool=pool) for model in Poolable.__subclasses__())


@transaction.atomic
def give_seat(pool: Pool, *, by: Member, member: Member | None = None, team: Team | None = None,
              is_admin: bool = False) -> None:  # fmt: skip
    """Let a member, or a team with the teams below it, claim from the pool; again to change `is_admin`."""
    require(by, "pool.manage")
    if (member is None) == (team is None):
        raise ValidationError(_("Choose either a person or a team."))
    if member and not member.is_active:
        raise ValidationError({"member": _("%(name)s has left. Choose somebody else.") % {"name": member}})
    about: dict[str, Any] = {"about": pool, "by": by, "data": {"name": str(member or team), "is_admin": is_admin}}
    seats = PoolSeat.objects.of(by.tenant_id).filter(pool=pool, member=member, team=team)
    records.unlink(seats.exclude(is_admin=is_admin), verb="seat_taken", **about)
    records.link(PoolSeat, verb="seat_given", pool=pool, member=member, team=team, is_admin=is_admin, **about)


def take_seat(seat: PoolSeat, *, by: Member) -> None:
    require(by, "pool.manage")
    rows = PoolSeat.objects.of(by.tenant_id).filter(pk=seat.pk)
    records.unlink(rows, about=seat.pool, by=by, verb="seat_taken", data={"name": str(seat.member or seat.team)})
