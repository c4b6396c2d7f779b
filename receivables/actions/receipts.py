"""收款单: money that came in, and what is given back (domain.md 4.7, 4.9)."""

from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.entities.models import LegalEntity
from crm.core.entities.numbering import next_number
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import CreditEntry, Receipt, Refund

from .allocation import allocate_automatically
from .periods import require_open

Status = Refund.Status


@transaction.atomic
def post_receipt(
    *, by: Member, legal_entity: LegalEntity, amount: Decimal, received_on: date, automatic: bool = True, **values
) -> Receipt:
    """Book money that came in and, when its customer is known, allocate it; the rest stays an advance."""
    require(by, "receipt.post")
    if amount <= 0:
        raise ValidationError({"amount": _("Enter an amount above zero.")})
    require_open(legal_entity, received_on)
    receipt = records.create(
        Receipt, by=by, verb="posted", number=next_number(legal_entity, "SK", received_on), legal_entity=legal_entity,
        amount=amount, received_on=received_on, status=Receipt.Status.POSTED, posted_by=by, **values,
    )  # fmt: skip
    receipt.refresh_from_db()
    _enter(receipt, CreditEntry.Type.RECEIPT, amount, by, received_on)
    if automatic and receipt.account_id:
        allocate_automatically(receipt, by=by)
    receipt.refresh_from_db()
    return receipt


@transaction.atomic
def reverse_receipt(receipt: Receipt, *, by: Member, reason: str) -> Receipt:
    """A dishonoured payment: only when nothing of it is used any more."""
    require(by, "receipt.post")
    receipt = records.lock(receipt)
    if receipt.allocated or receipt.reserved or receipt.refunded:
        raise Refused(_("Take back its allocations and refunds first."), code="RECEIPT_IN_USE")
    today = by.tenant.today()
    require_open(receipt.legal_entity, today)
    _enter(receipt, CreditEntry.Type.REVERSE, -receipt.amount, by, today)
    return records.move(receipt, Receipt.Status.REVERSED, by=by, verb="reversed", reason=_said(reason))


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
        amount=amount, grounds=_said(reason), payee_account=payee_account, **values,
    )  # fmt: skip
    records.update(receipt, by=by, verb="reserved", reserved=receipt.reserved + amount)
    _enter(receipt, CreditEntry.Type.RESERVE, -amount, by, today, refund)
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
    _enter(receipt, CreditEntry.Type.RELEASE, refund.amount, by, by.tenant.today(), refund)
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
    _enter(receipt, CreditEntry.Type.REFUND, Decimal("0.00"), by, paid_on, refund)
    return refund


def _enter(receipt: Receipt, type: str, amount: Decimal, by: Member, day: date, source=None) -> None:
    """One row of the receipt's ledger: the signed effect on what is left to allocate."""
    records.append([
        CreditEntry(
            tenant_id=by.tenant_id, receipt=receipt, type=type, amount=amount, effective_date=day, by=by,
            source_type="refund" if source else "", source_id=source.pk if source else None,
        )
    ])  # fmt: skip


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValidationError({"reason": _("Say why.")})
    return reason.strip()
