"""委托: somebody else decides for a member in a period of local dates (WC-25)."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from crm.core.people.roles import Role

from .models import Delegation

ANOTHER = _("Choose an active colleague, not the person who is away.")


@transaction.atomic
def delegate(*, by: Member, deputy: Member, start: date, end: date, principal: Member | None = None) -> Delegation:
    """Send the tasks that open from `start` to `end`, both included, to `deputy`; the principal may still act first.

    Administrators may do it for somebody who is away already.
    """
    principal = principal or by
    require(by, "approval.act")
    if principal.pk != by.pk:
        require(by, "approval.reassign")
    _check(principal, deputy, start, end)
    records.lock(principal)
    if _live(principal).filter(start__lte=end, end__gte=start).exists():
        raise Refused(
            _("There is a deputy for some of these days already. End that period first."), code="DELEGATION_OVERLAPS"
        )
    return records.create(Delegation, by=by, principal=principal, deputy=deputy, start=start, end=end)


def _check(principal: Member, deputy: Member, start: date, end: date) -> None:
    if end < start:
        raise ValidationError({"end": _("The last day cannot be before the first.")})
    if end < principal.tenant.today():
        raise ValidationError({"end": _("This period is over. Choose a day from today on.")})
    if deputy.pk == principal.pk or not deputy.is_active or deputy.is_system or Role.PARTNER in deputy.roles:
        raise ValidationError({"deputy": ANOTHER})


def _live(principal: Member):
    return Delegation.objects.of(principal.tenant_id).filter(principal=principal, revoked_at=None)


@transaction.atomic
def revoke(delegation: Delegation, *, by: Member) -> Delegation:
    """End the period now; tasks that the deputy has got stay with him and the principal."""
    require(by, "approval.act")
    if by.pk != delegation.principal_id and not may(by, "approval.reassign"):
        raise Refused(_("Only the person who is away, or an administrator, can end this."), code="NOT_YOURS")
    if records.lock(delegation).revoked_at:
        return delegation
    return records.update(delegation, by=by, verb="revoked", revoked_at=timezone.now())
