"""坏账核销: a loss that two persons approve, and its recovery (INV-R16). The contract's amount stays as it is."""

from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.approvals.models import ApprovalTask
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import Allocation, ArEntry, Receipt, Receivable, WriteOff

from .allocation import allocate
from .periods import require_open
from .reasons import said

Status = WriteOff.Status
SOURCE = "writeoff"


@transaction.atomic
def request_write_off(receivable: Receivable, *, by: Member, amount: Decimal, reason: str) -> WriteOff:
    """Ask to give up what is not expected any more; nothing is booked before two persons agreed."""
    require(by, "write_off.request")
    receivable = records.lock(receivable)
    if amount <= 0:
        raise ValidationError({"amount": _("Enter an amount above zero.")})
    _require_left(receivable, amount + _pending(receivable))
    write_off = records.create(
        WriteOff, by=by, verb="requested", receivable=receivable, amount=amount, grounds=said(reason)
    )
    approvals.submit(write_off, by=by, grounds=write_off.grounds)
    write_off.refresh_from_db()
    return write_off


def _pending(receivable: Receivable) -> Decimal:
    rows = WriteOff.objects.of(receivable.tenant_id).filter(receivable=receivable, status=Status.IN_APPROVAL)
    return rows.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def _require_left(receivable: Receivable, amount: Decimal) -> None:
    if amount > receivable.balance:
        raise Refused(
            _("%(receivable)s is open with %(balance)s only.")
            % {"receivable": receivable, "balance": receivable.balance},
            code="INSUFFICIENT_BALANCE",
        )


def approved(write_off: WriteOff, *, by: Member) -> WriteOff:
    """Book it, effective today. Refused (TWO_PERSONS) unless two persons beside the one who asked agreed."""
    if by.pk == write_off.created_by_id:
        raise Forbidden("write_off.approve")
    if len((_approvers(write_off) | {by.pk}) - {write_off.created_by_id}) < 2:
        raise Refused(_("Two persons approve a write-off. Ask somebody else for the second approval."),
                      code="TWO_PERSONS")  # fmt: skip
    receivable, today = records.lock(write_off.receivable), by.tenant.today()
    require_open(receivable.legal_entity, today)
    _require_left(receivable, write_off.amount)
    records.move(write_off, Status.APPROVED, by=by, verb="approved", effective_date=today)
    _enter(write_off, receivable, ArEntry.Type.WRITE_OFF, -write_off.amount, by)
    records.update(receivable, by=by, verb="written_off", written_off=receivable.written_off + write_off.amount)
    return write_off


def _approvers(write_off: WriteOff) -> set[int]:
    tasks = ApprovalTask.objects.of(write_off.tenant_id).filter(
        instance__subject_type=WriteOff._meta.label_lower, instance__subject_id=write_off.pk, status="approved"
    )
    return set(tasks.values_list("decided_by", flat=True))


def dropped(write_off: WriteOff, *, by: Member, status: str) -> WriteOff:
    """Rejected, returned or withdrawn: nothing was booked."""
    return records.move(write_off, Status.REJECTED, by=by, verb="rejected" if status != "withdrawn" else "withdrawn")


@transaction.atomic
def recover(write_off: WriteOff, receipt: Receipt, *, by: Member, amount: Decimal) -> Allocation:
    """Money came in for what was given up: the write-off is reversed by a row of its own, then the receipt is used.

    At most what was written off and not recovered yet.
    """
    require(by, "allocate")
    records.lock(receipt)
    receivable, locked, today = records.lock(write_off.receivable), records.lock(write_off), by.tenant.today()
    if locked.status != Status.APPROVED or not 0 < amount <= locked.unrecovered:
        raise Refused(
            _("%(left)s of this write-off can still be recovered.")
            % {"left": locked.unrecovered if locked.status == Status.APPROVED else Decimal("0.00")},
            code="RECOVERY_TOO_LARGE",
        )
    require_open(receivable.legal_entity, today)
    records.update(write_off, by=by, verb="recovered", recovered=locked.recovered + amount)
    _enter(write_off, receivable, ArEntry.Type.RECOVER, amount, by)
    records.update(receivable, by=by, verb="recovered", written_off=receivable.written_off - amount)
    return allocate(receipt, {receivable.pk: amount}, by=by)[0]


def _enter(write_off: WriteOff, receivable: Receivable, type: str, amount: Decimal, by: Member) -> None:
    original = None
    if type == ArEntry.Type.RECOVER:
        original = ArEntry.objects.of(by.tenant_id).get(
            source_type=SOURCE, source_id=write_off.pk, type=ArEntry.Type.WRITE_OFF
        )
    row = ArEntry(
        tenant_id=by.tenant_id, receivable=receivable, type=type, amount=amount, by=by, source_type=SOURCE,
        source_id=write_off.pk, effective_date=by.tenant.today(), reverses=original,
    )  # fmt: skip
    records.append([row])
