"""核销: money of a receipt used for receivables, and taken back (domain.md 6.16).

Lock order: the receipt, then the receivables by id. Ledger rows are added; the caches on receipt and
receivable follow in the same transaction and are guarded by constraints (INV-R2, INV-R3).
"""

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core import records
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import Allocation, ArEntry, CreditEntry, PayerAlias, Receipt, Receivable

from .periods import require_open

Rule = Allocation.Rule
ZERO = Decimal("0.00")


@transaction.atomic
def allocate(
    receipt: Receipt,
    shares: Mapping[int, Decimal],
    *,
    by: Member,
    rule: str = Rule.MANUAL,
    effective: date | None = None,
) -> list[Allocation]:
    """Use money of `receipt` for receivables, given as id → amount; all or none.

    Refused with INSUFFICIENT_UNALLOCATED or INSUFFICIENT_BALANCE when somebody was faster.
    """
    require(by, "allocate")
    locked, receivables = _lock(receipt, shares)
    effective = effective or by.tenant.today()
    require_open(locked.legal_entity, effective)
    _check(locked, receivables, shares)
    batch = uuid.uuid4()
    rows = [
        Allocation(tenant_id=by.tenant_id, receipt=locked, receivable=one, amount=shares[one.pk], rule=rule,
                   effective_date=effective, by=by, batch=batch)
        for one in receivables
    ]  # fmt: skip
    records.append(rows)
    for row, receivable in zip(rows, receivables, strict=True):
        _book(row, receivable, locked, by)
    receipt.__dict__.update(locked.__dict__)
    return rows


def _lock(receipt: Receipt, ids) -> tuple[Receipt, list[Receivable]]:
    locked = records.lock(receipt)
    receivables = records.lock_all(Receivable, ids, receipt.tenant_id)
    if len(receivables) != len(set(ids)):
        raise ValidationError(_("A receivable you chose does not exist any more. Choose another."))
    return locked, receivables


def _check(receipt: Receipt, receivables: list[Receivable], shares: Mapping[int, Decimal]) -> None:
    if receipt.status != Receipt.Status.POSTED:
        raise Refused(_("Post the receipt before you allocate it."), code="NOT_POSTED")
    if any(amount <= 0 for amount in shares.values()):
        raise ValidationError(_("Enter amounts above zero."))
    for one in receivables:
        _check_match(receipt, one)
        if shares[one.pk] > one.balance:
            raise Refused(
                _("%(receivable)s is open with %(balance)s only.") % {"receivable": one, "balance": one.balance},
                code="INSUFFICIENT_BALANCE",
            )
    if sum(shares.values()) > receipt.unallocated:
        raise Refused(
            _("%(receipt)s has %(free)s left to allocate.") % {"receipt": receipt, "free": receipt.unallocated},
            code="INSUFFICIENT_UNALLOCATED",
        )


def _check_match(receipt: Receipt, receivable: Receivable) -> None:
    """INV-R6: one legal entity, one currency, and the customer's own money or an approved payer's."""
    same = (receivable.legal_entity_id, receivable.currency) == (receipt.legal_entity_id, receipt.currency)
    if not same or not (receivable.account_id == receipt.account_id or _may_pay_for(receipt, receivable)):
        raise Refused(
            _("%(receivable)s belongs to another customer, legal entity or currency.") % {"receivable": receivable},
            code="MISMATCH",
        )


def _may_pay_for(receipt: Receipt, receivable: Receivable) -> bool:
    aliases = PayerAlias.objects.of(receipt.tenant_id).filter(account_id=receivable.account_id, is_third_party=True)
    return bool(receipt.payer) and aliases.filter(name=receipt.payer).exists()


def _book(row: Allocation, receivable: Receivable, receipt: Receipt, by: Member) -> None:
    """The entries of both ledgers and the caches; a reversal has a negative amount."""
    back = row.amount < 0
    common = {"tenant_id": by.tenant_id, "amount": -row.amount, "effective_date": row.effective_date, "by": by,
              "source_type": "allocation", "source_id": row.pk}  # fmt: skip
    records.append([ArEntry(receivable=receivable, type=_type(ArEntry.Type, back), **common)])
    records.append([CreditEntry(receipt=receipt, type=_type(CreditEntry.Type, back), **common)])
    verb = "unallocated" if back else "allocated"
    records.update(receivable, by=by, verb=verb, allocated=receivable.allocated + row.amount)
    records.update(receipt, by=by, verb=verb, allocated=receipt.allocated + row.amount)


def _type(types, back: bool) -> str:
    return types.UNALLOCATE if back else types.ALLOCATE


@transaction.atomic
def unallocate(
    allocation: Allocation, amount: Decimal | None = None, *, by: Member, effective: date | None = None
) -> Allocation:
    """Take back an allocation or a part of it by an opposite row; a reversal cannot be reversed (INV-R5)."""
    require(by, "allocate")
    receipt, [receivable] = _lock(allocation.receipt, [allocation.receivable_id])
    if allocation.reverses_id is not None:
        raise Refused(_("This is a reversal already. Allocate the money again instead."), code="IS_REVERSAL")
    left = remaining(allocation)
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise Refused(_("%(left)s of this allocation can be taken back.") % {"left": left}, code="REVERSAL_TOO_LARGE")
    effective = effective or by.tenant.today()
    require_open(receipt.legal_entity, effective)
    row = Allocation(
        tenant_id=by.tenant_id, receipt=receipt, receivable=receivable, amount=-amount, reverses=allocation,
        rule=allocation.rule, effective_date=effective, by=by, batch=uuid.uuid4(),
    )  # fmt: skip
    records.append([row])
    _book(row, receivable, receipt, by)
    return row


def remaining(allocation: Allocation) -> Decimal:
    """What of an allocation has not been taken back."""
    back = Allocation.objects.of(allocation.tenant_id).filter(reverses=allocation).aggregate(sum=Sum("amount"))["sum"]
    return allocation.amount + (back or ZERO)


@transaction.atomic
def allocate_automatically(receipt: Receipt, *, by: Member, reference: Contract | None = None) -> list[Allocation]:
    """The order of domain.md 6.16: stated reference, else exact amount, else oldest due; the rest stays an advance."""
    require(by, "allocate")
    receipt = records.lock(receipt)
    rule, chosen = _choose(receipt, reference or receipt.contract)
    shares, left = {}, receipt.unallocated
    for receivable in records.lock_all(Receivable, [one.pk for one in chosen], receipt.tenant_id) and chosen:
        if left > 0 and receivable.balance > 0:
            shares[receivable.pk] = min(left, receivable.balance)
            left -= shares[receivable.pk]
    return allocate(receipt, shares, by=by, rule=rule) if shares else []


def _choose(receipt: Receipt, reference: Contract | None) -> tuple[str, list[Receivable]]:
    """The rule that applies and the receivables it takes, in their order."""
    rows = Receivable.objects.of(receipt.tenant_id).filter(
        account_id=receipt.account_id, legal_entity_id=receipt.legal_entity_id, currency=receipt.currency,
        balance__gt=0, disputed=False, superseded=False,
    ).order_by(F("due_date").asc(nulls_last=True), "pk")  # fmt: skip
    if reference is not None:
        return Rule.REFERENCE, list(rows.filter(contract=reference))
    if exact := rows.filter(balance=receipt.unallocated).first():
        return Rule.EXACT, [exact]
    return Rule.OLDEST, list(rows.filter(due_date__isnull=False))
