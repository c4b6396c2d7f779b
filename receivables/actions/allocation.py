"""核销: money of a receipt used for receivables, and taken back (domain.md 6.16).

Lock order: bank lines, receipts, then receivables, each by id. Ledger rows are added; the caches on receipt
and receivable follow in the same transaction and are guarded by constraints (INV-R2, INV-R3).
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Max, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core import records
from crm.core.errors import Refused, ValidationError
from crm.core.names import company_name
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.matching.sharing import Choice, choose
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
    """Use money of `receipt` for receivables, given as id → amount; all or none. `effective` is today by default.

    Refused with INSUFFICIENT_UNALLOCATED or INSUFFICIENT_BALANCE when somebody was faster.
    """
    require(by, "allocate")
    locked, receivables = _lock(receipt, shares)
    return _post(receipt, locked, receivables, shares, rule, dict.fromkeys(shares, effective or by.tenant.today()), by)


@transaction.atomic
def settle(receipt: Receipt, shares: Mapping[int, Decimal], *, by: Member, rule: str = Rule.MANUAL) -> list[Allocation]:
    """The same as of the day the money came in, or the day the receivable was last touched if that is later."""
    require(by, "allocate")
    locked, receivables = _lock(receipt, shares)
    return _post(receipt, locked, receivables, shares, rule, days_of(shares, locked.received_on, by), by)


def _post(receipt, locked, receivables, shares, rule: str, days: Mapping[int, date], by: Member) -> list[Allocation]:
    for day in sorted({day.replace(day=1): day for day in days.values()}.values()):
        require_open(receipt.legal_entity, day)
    _check(locked, receivables, shares)
    rows = drafts(locked, receivables, shares, rule, days, by)
    book(rows, by=by)
    receipt.__dict__.update(locked.__dict__)
    return rows


def drafts(receipt: Receipt, receivables: Iterable[Receivable], shares: Mapping[int, Decimal], rule: str,
           days: Mapping[int, date], by: Member) -> list[Allocation]:  # fmt: skip
    """The rows of one allocation, not written yet."""
    batch = uuid.uuid4()
    return [
        Allocation(tenant_id=by.tenant_id, receipt=receipt, receivable=one, amount=shares[one.pk], rule=rule,
                   effective_date=days[one.pk], by=by, batch=batch)
        for one in receivables
    ]  # fmt: skip


def book(rows: Sequence[Allocation], *, by: Member) -> None:
    """Write allocations of locked rows, or reversals of some, and what follows: both ledgers and both caches.

    Receipts and receivables that occur twice are one object each. One statement for each table, however many rows.
    """
    back = rows[0].amount < 0
    records.append(rows)
    records.append([_entry(ArEntry, row, back, receivable=row.receivable) for row in rows])
    records.append([_entry(CreditEntry, row, back, receipt=row.receipt) for row in rows])
    for side in ("receivable", "receipt"):
        sums: dict[int, Decimal] = defaultdict(Decimal)
        held = {getattr(row, f"{side}_id"): getattr(row, side) for row in rows}
        for row in rows:
            sums[getattr(row, f"{side}_id")] += row.amount
        changes = [(held[pk], {"allocated": held[pk].allocated + sum}) for pk, sum in sums.items()]
        records.update_many(changes, by=by, verb="unallocated" if back else "allocated")


def _entry(ledger, row: Allocation, back: bool, **whose):
    """The row of one ledger; a reversal has a negative amount and so raises the balance."""
    return ledger(
        tenant_id=row.tenant_id, type=ledger.Type.UNALLOCATE if back else ledger.Type.ALLOCATE, amount=-row.amount,
        effective_date=row.effective_date, by=row.by, source_type="allocation", source_id=row.pk, **whose,
    )  # fmt: skip


def _lock(receipt: Receipt, ids) -> tuple[Receipt, list[Receivable]]:
    locked = records.lock(receipt)
    receivables = records.lock_all(Receivable, ids, receipt.tenant_id)
    if len(receivables) != len(set(ids)):
        raise ValidationError(_("A receivable you chose does not exist any more. Choose another."))
    return locked, receivables


def _check(receipt: Receipt, receivables: Iterable[Receivable], shares: Mapping[int, Decimal]) -> None:
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
            _("%(receipt)s has %(left)s left to allocate.") % {"receipt": receipt, "left": receipt.unallocated},
            code="INSUFFICIENT_UNALLOCATED",
        )


def _check_match(receipt: Receipt, receivable: Receivable) -> None:
    """INV-R6: same legal entity and currency, and the customer himself or a payer approved for him."""
    same = (receipt.legal_entity_id, receipt.currency) == (receivable.legal_entity_id, receivable.currency)
    if same and (receipt.account_id == receivable.account_id or _may_pay_for(receipt, receivable)):
        return
    raise Refused(
        _("%(receivable)s belongs to another customer, legal entity or currency.") % {"receivable": receivable},
        code="MISMATCH",
    )


def _may_pay_for(receipt: Receipt, receivable: Receivable) -> bool:
    key = company_name(receipt.payer).key
    aliases = PayerAlias.objects.of(receipt.tenant_id).filter(account_id=receivable.account_id, is_third_party=True)
    return bool(key) and aliases.filter(name_key=key).exists()


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
    row = _reversal(allocation, amount, receipt, receivable, effective, by, uuid.uuid4())
    book([row], by=by)
    return row


@transaction.atomic
def unallocate_all(receipt: Receipt, *, by: Member) -> list[Allocation]:
    """Take back everything a receipt was used for, as of today."""
    require(by, "allocate")
    locked = records.lock(receipt)
    active = still_active(Allocation.objects.of(by.tenant_id).filter(receipt=locked))
    held = {one.pk: one for one in records.lock_all(Receivable, {row.receivable_id for row in active}, by.tenant_id)}
    today, batch = by.tenant.today(), uuid.uuid4()
    require_open(locked.legal_entity, today)
    rows = [_reversal(row, amount, locked, held[row.receivable_id], today, by, batch) for row, amount in active.items()]
    if rows:
        book(rows, by=by)
    receipt.__dict__.update(locked.__dict__)
    return rows


def _reversal(row: Allocation, amount: Decimal, receipt, receivable, day: date, by: Member, batch) -> Allocation:
    return Allocation(
        tenant_id=by.tenant_id, receipt=receipt, receivable=receivable, amount=-amount, reverses=row, rule=row.rule,
        effective_date=day, by=by, batch=batch,
    )  # fmt: skip


def still_active(rows: QuerySet) -> dict[Allocation, Decimal]:
    """The allocations among `rows` of which something is left, with what is left; reversals must be among them."""
    known = list(rows)
    left = {row.pk: row.amount for row in known if row.reverses_id is None}
    for row in known:
        if row.reverses_id is not None:
            left[row.reverses_id] += row.amount
    return {row: left[row.pk] for row in known if left.get(row.pk, ZERO) > 0}


def remaining(allocation: Allocation) -> Decimal:
    """What of an allocation has not been taken back."""
    back = Allocation.objects.of(allocation.tenant_id).filter(reverses=allocation).aggregate(sum=Sum("amount"))["sum"]
    return allocation.amount + (back or ZERO)


@transaction.atomic
def allocate_automatically(
    receipt: Receipt, *, by: Member, reference: Contract | None = None, effective: date | None = None
) -> list[Allocation]:
    """The order of domain.md 6.16: stated reference, else exact amount, else oldest due; the rest stays an advance.

    With `effective`, the business day is that one, or the last day a receivable was touched if that is later:
    no receivable is paid before it exists.
    """
    require(by, "allocate")
    locked = records.lock(receipt)
    contract_id = reference.pk if reference else locked.contract_id
    choice = choose(locked.unallocated, list(open_for(locked)), contract_id)
    return post_choice(receipt, locked, choice, by=by, effective=effective)


def post_choice(receipt, locked: Receipt, choice: Choice, *, by: Member, effective: date | None) -> list[Allocation]:
    """Allocate what of a choice is still open now that it is locked."""
    held = records.lock_all(Receivable, choice.shares, locked.tenant_id) if choice.shares else []
    shares = choice.within({one.pk: one.balance for one in held})
    if not shares:
        return []
    days = days_of(shares, effective, by) if effective else dict.fromkeys(shares, by.tenant.today())
    return _post(receipt, locked, [one for one in held if one.pk in shares], shares, choice.rule, days, by)


def days_of(ids: Iterable[int], day: date, by: Member) -> dict[int, date]:
    """The business day for each receivable: `day`, but not before its ledger's last entry."""
    last = ArEntry.objects.of(by.tenant_id).filter(receivable__in=list(ids)).order_by().values("receivable_id")
    known = dict(last.annotate(last=Max("effective_date")).values_list("receivable_id", "last"))
    return {pk: max(day, known.get(pk) or day) for pk in ids}


def open_for(receipt: Receipt) -> QuerySet[Receivable]:
    """What money of this receipt may be used for without asking: open, undisputed, oldest due first."""
    rows = open_receivables(receipt.tenant_id, receipt.legal_entity_id, receipt.currency)
    return rows.filter(account_id=receipt.account_id)


def open_receivables(tenant, legal_entity_id: int, currency: str) -> QuerySet[Receivable]:
    rows = Receivable.objects.of(tenant).filter(
        legal_entity_id=legal_entity_id, currency=currency, balance__gt=0, disputed=False, superseded=False
    )
    return rows.order_by(F("due_date").asc(nulls_last=True), "pk")
