"""What stops the reminders without stopping the ageing: a dispute, a complaint (domain.md 4.6, 6.20)."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import Receivable

from .reasons import said


@transaction.atomic
def raise_dispute(receivable: Receivable, *, by: Member, reason: str) -> Receivable:
    """The customer says that he does not owe it, or not so much."""
    require(by, "receivable.dispute", receivable)
    if records.lock(receivable).disputed:
        raise Refused(_("A dispute is noted already. Clear it first."), code="DISPUTED")
    reason = said(reason)
    return records.update(receivable, by=by, verb="disputed", reason=reason, disputed=True, dispute_reason=reason)


@transaction.atomic
def clear_dispute(receivable: Receivable, *, by: Member, reason: str) -> Receivable:
    """Settled with the customer: reminders go on where they stopped."""
    require(by, "receivable.dispute", receivable)
    if not records.lock(receivable).disputed:
        raise Refused(_("No dispute is noted."), code="NOT_DISPUTED")
    values: dict[str, Any] = {"disputed": False, "dispute_reason": ""}
    return records.update(receivable, by=by, verb="dispute_cleared", reason=said(reason), **values)


@transaction.atomic
def hold(receivable: Receivable, *, by: Member, reason: str) -> Receivable:
    """A complaint about what was delivered is open: no reminder until it is released."""
    require(by, "receivable.dispute", receivable)
    if records.lock(receivable).on_hold:
        raise Refused(_("Reminders are stopped already."), code="ON_HOLD")
    return records.update(receivable, by=by, verb="held", reason=said(reason), on_hold=True)


@transaction.atomic
def release(receivable: Receivable, *, by: Member, reason: str) -> Receivable:
    """The complaint is settled."""
    require(by, "receivable.dispute", receivable)
    if not records.lock(receivable).on_hold:
        raise Refused(_("Reminders are not stopped."), code="NOT_ON_HOLD")
    return records.update(receivable, by=by, verb="released", reason=said(reason), on_hold=False)
