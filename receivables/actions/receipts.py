"""收款单: money that came in (domain.md 4.7)."""

from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.entities.models import LegalEntity
from crm.core.entities.numbering import next_number
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import CreditEntry, Receipt

from .allocation import allocate_automatically
from .periods import require_open


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
    enter_credit(receipt, CreditEntry.Type.RECEIPT, amount, by, received_on)
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
    enter_credit(receipt, CreditEntry.Type.REVERSE, -receipt.amount, by, today)
    return records.move(receipt, Receipt.Status.REVERSED, by=by, verb="reversed", reason=said(reason))


def enter_credit(receipt: Receipt, type: str, amount: Decimal, by: Member, day: date, source=None) -> None:
    """One row of the receipt's ledger: the signed effect on what is left to allocate."""
    records.append([
        CreditEntry(
            tenant_id=by.tenant_id, receipt=receipt, type=type, amount=amount, effective_date=day, by=by,
            source_type="refund" if source else "", source_id=source.pk if source else None,
        )
    ])  # fmt: skip


def said(reason: str) -> str:
    if not reason.strip():
        raise ValidationError({"reason": _("Say why.")})
    return reason.strip()
