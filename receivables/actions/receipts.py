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
from receivables.models import BankLine, CreditEntry, Incoming, Receipt

from .allocation import allocate_automatically, unallocate_all
from .periods import require_open
from .reasons import said


@transaction.atomic
def post_receipt(
    *,
    by: Member,
    legal_entity: LegalEntity,
    amount: Decimal,
    received_on: date,
    automatic: bool = True,
    bank_line: BankLine | None = None,
    **values,
) -> Receipt:
    """Book money that came in and, when its customer is known, allocate it; the rest stays an advance.

    With `bank_line`, refused when less of the line is left (LINE_EXHAUSTED, INV-R10).
    """
    require(by, "receipt.post")
    if amount <= 0:
        raise ValidationError({"amount": _("Enter an amount above zero.")})
    if received_on > by.tenant.today():
        raise ValidationError({"received_on": _("Enter the day the money came, today at the latest.")})
    require_open(legal_entity, received_on)
    if bank_line is not None:
        _use_line(bank_line, amount, by=by, verb="booked")
    receipt = records.create(
        Receipt, by=by, verb="posted", number=next_number(legal_entity, "SK", received_on), legal_entity=legal_entity,
        amount=amount, received_on=received_on, status=Receipt.Status.POSTED, posted_by=by, bank_line=bank_line,
        **values,
    )  # fmt: skip
    enter_credit(receipt, CreditEntry.Type.RECEIPT, amount, by, received_on)
    if automatic and receipt.account_id:
        allocate_automatically(receipt, by=by, effective=received_on)
    return receipt


def _use_line(line: BankLine, amount: Decimal, *, by: Member, verb: str) -> None:
    """Book so much of a bank line's credit, or give it back; the row's lock puts two who try in order (INV-R10)."""
    held = Incoming.objects.of(by.tenant_id).filter(line=line).select_for_update(of=("self",), no_key=True).first()
    if held is None:
        raise ValidationError({"bank_line": _("No money came in by this bank line.")})
    if amount > held.left:
        raise Refused(_("%(left)s of this bank line is left to book.") % {"left": held.left}, code="LINE_EXHAUSTED")
    records.update_many([(held, {"booked": held.booked + amount})], by=by, verb=verb)


@transaction.atomic
def reverse_receipt(receipt: Receipt, *, by: Member, reason: str, release: bool = False) -> Receipt:
    """A dishonoured or mistaken payment. Its allocations must be taken back first; `release` does so here.

    What it booked of a bank line is open again.
    """
    require(by, "receipt.post")
    grounds = said(reason)
    if release:
        unallocate_all(receipt, by=by)
    locked = records.lock(receipt)
    if locked.allocated or locked.reserved or locked.refunded:
        raise Refused(_("Take back its allocations and refunds first."), code="RECEIPT_IN_USE")
    today = by.tenant.today()
    require_open(locked.legal_entity, today)
    records.move(receipt, Receipt.Status.REVERSED, by=by, verb="reversed", reason=grounds)
    enter_credit(receipt, CreditEntry.Type.REVERSE, -receipt.amount, by, today)
    if receipt.bank_line is not None:
        _use_line(receipt.bank_line, -receipt.amount, by=by, verb="given_back")
    return receipt


def enter_credit(receipt: Receipt, type: str, amount: Decimal, by: Member, day: date, source=None) -> None:
    """One row of the receipt's ledger: the signed effect on what is left to allocate."""
    records.append([
        CreditEntry(
            tenant_id=by.tenant_id, receipt=receipt, type=type, amount=amount, effective_date=day, by=by,
            source_type="refund" if source else "", source_id=source.pk if source else None,
        )
    ])  # fmt: skip
