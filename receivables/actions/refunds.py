"""退款: money given back, reserved from the request on (domain.md 4.9, INV-R17, WC-10)."""

from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.entities.numbering import next_number
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import CreditEntry, Receipt, Refund

from .periods import require_open
from .receipts import enter_credit, said

Status = Refund.Status


@transaction.atomic
def request_refund(
    receipt: Receipt, *, by: Member, amount: Decimal, reason: str, payee_account: str, **values
) -> Refund:
    """Ask to give money back; it is reserved at once, so that nobody allocates it meanwhile (INV-R17)."""
    require(by, "refund.request")
    receipt = records.lock(receipt)
    if not 0 < amount <= receipt.unallocated:
        raise Refused(
            _("%(free)s of this receipt can be refunded.") % {"free": receipt.unallocated},
            code="INSUFFICIENT_UNALLOCATED",
        )
    today = by.tenant.today()
    refund = records.create(
        Refund, by=by, verb="requested", number=next_number(receipt.legal_entity, "TK", today), receipt=receipt,
        amount=amount, grounds=said(reason), payee_account=payee_account, **values,
    )  # fmt: skip
    records.update(receipt, by=by, verb="reserved", reserved=receipt.reserved + amount)
    enter_credit(receipt, CreditEntry.Type.RESERVE, -amount, by, today, refund)
    return refund


@transaction.atomic
def approve_refund(refund: Refund, *, by: Member) -> Refund:
    """Separation of duties: not the one who asked, nor the one who posted the receipt (INV-C4, domain.md 9)."""
    require(by, "refund.pay")
    if by.pk in (refund.created_by_id, refund.receipt.posted_by_id):
        raise Forbidden("refund.approve")
    return records.move(refund, Status.APPROVED, by=by, verb="approved", approved_by=by)


@transaction.atomic
def drop_refund(refund: Refund, *, by: Member, to: str = Status.REJECTED, reason: str = "") -> Refund:
    """Reject or cancel: the reserve is free again."""
    require(by, "refund.pay")
    receipt = records.lock(refund.receipt)
    records.move(refund, to, by=by, verb=to, reason=reason)
    records.update(receipt, by=by, verb="released", reserved=receipt.reserved - refund.amount)
    enter_credit(receipt, CreditEntry.Type.RELEASE, refund.amount, by, by.tenant.today(), refund)
    return refund


@transaction.atomic
def pay_refund(refund: Refund, *, by: Member, payment_ref: str, paid_on: date) -> Refund:
    """Note the payment, once: not by who approved it, and under a bank reference of its own (INV-R17)."""
    require(by, "refund.pay")
    receipt = records.lock(refund.receipt)
    if by.pk == refund.approved_by_id:
        raise Forbidden("refund.pay")
    if not payment_ref.strip():
        raise ValidationError({"payment_ref": _("Enter the bank's reference of the payment.")})
    require_open(receipt.legal_entity, paid_on)
    records.move(refund, Status.PAID, by=by, verb="paid", payment_ref=payment_ref.strip(), paid_on=paid_on)
    records.update(
        receipt, by=by, verb="refunded", reserved=receipt.reserved - refund.amount,
        refunded=receipt.refunded + refund.amount,
    )  # fmt: skip
    enter_credit(receipt, CreditEntry.Type.REFUND, Decimal("0.00"), by, paid_on, refund)
    return refund
