"""退款: money given back, reserved from the request on (domain.md 4.9, INV-R17, WC-10).

Approval runs through crm.core.approvals; `approved` and `dropped` are what its decision calls. A refund that a contract
change orders was approved with that change.
"""

from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from contracts.models import ChangeOrder
from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.approvals.models import ApprovalTask
from crm.core.entities.numbering import next_number
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import CreditEntry, Receipt, Refund

from .periods import require_open
from .reasons import said
from .receipts import enter_credit

Status = Refund.Status
Entry = CreditEntry.Type


def payer_account(receipt: Receipt) -> str:
    """The account the money came from, as the bank wrote it; empty when the receipt has no bank line."""
    return receipt.bank_line.counterparty_account if receipt.bank_line_id else ""


@transaction.atomic
def request_refund(
    receipt: Receipt, *, by: Member, amount: Decimal, reason: str, payee_account: str = "", **values
) -> Refund:
    """Ask to give money back; it is reserved at once, so that nobody allocates it meanwhile (INV-R17).

    Without `payee_account` it goes to where it came from; another account takes one more approval.
    """
    _require_own(receipt, by)
    refund = _reserve(receipt, by, amount, payee_account, verb="requested", grounds=said(reason), **values)
    approvals.submit(refund, by=by, grounds=refund.grounds)
    refund.refresh_from_db()
    return refund


def _require_own(receipt: Receipt, by: Member) -> None:
    """A receipt without customer is nobody's own: finance alone may give it back."""
    require(by, "refund.request", receipt.account)
    if receipt.account_id is None:
        require(by, "refund.pay")


@transaction.atomic
def refund_of_change(
    receipt: Receipt, *, by: Member, amount: Decimal, change: ChangeOrder, payee_account: str = ""
) -> Refund:
    """What an applied change frees for refund, reserved and approved: the change's approval had a finance node."""
    return _reserve(
        receipt, by, amount, payee_account or change.refund_account, verb="ordered", grounds=change.grounds,
        change=change, status=Status.APPROVED, approved_by_id=_last_approver(change),
    )  # fmt: skip


def _reserve(receipt: Receipt, by: Member, amount: Decimal, account: str, *, verb: str, **values) -> Refund:
    receipt = records.lock(receipt)
    if receipt.status != Receipt.Status.POSTED:
        raise Refused(_("This receipt was reversed; nothing of it can be given back."), code="NOT_POSTED")
    if not 0 < amount <= receipt.unallocated:
        raise Refused(
            _("%(free)s of this receipt can be refunded.") % {"free": receipt.unallocated},
            code="INSUFFICIENT_UNALLOCATED",
        )
    today, known = by.tenant.today(), payer_account(receipt)
    require_open(receipt.legal_entity, today)
    if not (account := account.strip() or known):
        raise ValidationError({"payee_account": _("Enter the account the money goes to: the payer's is not known.")})
    refund = records.create(
        Refund, by=by, verb=verb, number=next_number(receipt.legal_entity, "TK", today), receipt=receipt,
        amount=amount, payee_account=account, other_account=_digits(account) != _digits(known), **values,
    )  # fmt: skip
    records.update(receipt, by=by, verb="reserved", reserved=receipt.reserved + amount)
    enter_credit(receipt, Entry.RESERVE, -amount, by, today, refund)
    return refund


def _digits(account: str) -> str:
    return "".join(account.split()).replace("-", "").upper()


def approved(refund: Refund, *, by: Member) -> Refund:
    """The last approver agreed: never who asked, nor who posted the receipt (INV-C4, domain.md 9)."""
    if by.pk in party(refund):
        raise Forbidden("refund.approve")
    return records.move(refund, Status.APPROVED, by=by, verb="approved", approved_by=by)


def dropped(refund: Refund, *, by: Member, status: str) -> Refund:
    """Rejected, returned or withdrawn: the reserve is free again; a new request asks anew."""
    to = Status.CANCELLED if status == "withdrawn" else Status.REJECTED
    return _release(refund, to, by)


@transaction.atomic
def cancel_refund(refund: Refund, *, by: Member, reason: str) -> Refund:
    """Before it is paid: who asked withdraws it, finance cancels an approved one; the reserve is free again."""
    reason = said(reason)
    if instance := approvals.pending(refund):
        approvals.withdraw(instance, by=by)
        refund.refresh_from_db()
        return refund
    require(by, "refund.pay")
    return _release(refund, Status.CANCELLED, by, reason)


def _release(refund: Refund, to: str, by: Member, reason: str = "") -> Refund:
    receipt, today = records.lock(refund.receipt), by.tenant.today()
    require_open(receipt.legal_entity, today)
    records.move(refund, to, by=by, verb=to, reason=reason)
    records.update(receipt, by=by, verb="released", reserved=receipt.reserved - refund.amount)
    enter_credit(receipt, Entry.RELEASE, refund.amount, by, today, refund)
    return refund


@transaction.atomic
def pay_refund(refund: Refund, *, by: Member, payment_ref: str, paid_on: date) -> Refund:
    """Note the payment, once: not by anybody who approved it, and under a bank reference of its own (INV-R17)."""
    require(by, "refund.pay")
    receipt = records.lock(refund.receipt)
    if by.pk in approvers(refund):
        raise Forbidden("refund.pay")
    if not payment_ref.strip():
        raise ValidationError({"payment_ref": _("Enter the bank's reference of the payment.")})
    if paid_on > by.tenant.today():
        raise ValidationError({"paid_on": _("Enter the day on which the bank paid, not a day to come.")})
    require_open(receipt.legal_entity, paid_on)
    records.move(refund, Status.PAID, by=by, verb="paid", payment_ref=payment_ref.strip(), paid_on=paid_on)
    records.update(
        receipt, by=by, verb="refunded", reserved=receipt.reserved - refund.amount,
        refunded=receipt.refunded + refund.amount,
    )  # fmt: skip
    enter_credit(receipt, Entry.REFUND, Decimal("0.00"), by, paid_on, refund)
    return refund


def party(refund: Refund) -> set[int]:
    """Who may not approve it: who asked, and who posted the receipt."""
    return {pk for pk in (refund.created_by_id, refund.receipt.posted_by_id) if pk}


def approvers(refund: Refund) -> set[int]:
    """Everybody who agreed to it, or to the change that ordered it; also those on whose behalf."""
    tasks = _agreed(refund) | _agreed(refund.change) if refund.change_id else _agreed(refund)
    pairs = [*tasks.values_list("decided_by", "principal"), (refund.approved_by_id, None)]
    return {pk for pair in pairs for pk in pair if pk}


def _agreed(subject):
    return ApprovalTask.objects.of(subject.tenant_id).filter(
        instance__subject_type=subject._meta.label_lower, instance__subject_id=subject.pk, status="approved"
    )


def _last_approver(change: ChangeOrder) -> int | None:
    return _agreed(change).order_by("-decided_at", "-pk").values_list("decided_by", flat=True).first()
