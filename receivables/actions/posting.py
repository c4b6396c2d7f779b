"""Many bank lines at once: the same rules, locks and ledger rows as one by one, in a few statements a chunk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby

from django.db import transaction

from crm.core import records
from crm.core.entities.numbering import next_numbers
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.matching import proposals
from receivables.matching.proposals import Proposal
from receivables.matching.signals import Evidence, Payment, gather
from receivables.models import BankLine, CreditEntry, Incoming, Receipt, Receivable

from .allocation import book, days_of, drafts
from .periods import require_open

CHUNK = 500
Decide = Callable[[Payment, Evidence], Proposal | None]


@dataclass
class Outcome:
    """What became of the lines: receipts posted, and how many wait for a person."""

    posted: list[Receipt] = field(default_factory=list)
    waiting: int = 0


def post_lines(
    lines: Iterable[BankLine], *, by: Member, decide: Decide = proposals.certain, flagged: bool = False
) -> Outcome:
    """Post and allocate the lines that `decide` is certain about; the others stay on the desk.

    By default those whose customer is certain (domain.md 6.21b); lines of a statement with gaps are left alone
    unless `flagged`, and so are lines of closed months. Oldest first, in chunks of a savepoint each.
    """
    require(by, "receipt.post")
    require(by, "allocate")
    ids, outcome = sorted({line.pk for line in lines}), Outcome()
    for start in range(0, len(ids), CHUNK):
        with transaction.atomic():
            _post_chunk(ids[start : start + CHUNK], by, decide, flagged, outcome)
    return outcome


def _post_chunk(ids: Sequence[int], by: Member, decide: Decide, flagged: bool, outcome: Outcome) -> None:
    held = [one for one in hold_open(ids, by) if one.booked == 0 and (flagged or not one.line.statement.gaps)]
    _hold_series(held)
    payments = {one.pk: payment_of([one]) for one in held}
    evidence = gather(list(payments.values()), by.tenant_id)
    _lock_owed(evidence, by)
    is_open, decided = _Calendar(), []
    for one in held:
        found = decide(payments[one.pk], evidence) if is_open(one.bank_account.legal_entity, one.day) else None
        if found is not None:
            for owed, amount in found.items:
                owed.balance -= amount
            decided.append((one, found))
    outcome.waiting += len(ids) - len(decided)
    if decided:
        outcome.posted += _post(decided, by)


def hold_open(ids: Iterable[int], by: Member, *, lock: bool = True) -> list[Incoming]:
    """The open amounts of these lines, oldest first, locked in order of their ids."""
    rows = Incoming.objects.of(by.tenant_id).filter(line_id__in=list(ids), left__gt=0, set_aside=False)
    rows = rows.select_related("line__statement", "bank_account__legal_entity").order_by("pk")
    rows = rows.select_for_update(of=("self",), no_key=True) if lock else rows
    return sorted(rows, key=lambda one: (one.day, one.pk))


def payment_of(rows: Sequence[Incoming]) -> Payment:
    account = rows[0].bank_account
    amount = sum((row.left for row in rows), Decimal("0.00"))
    return Payment(tuple(row.line for row in rows), amount, account.legal_entity_id, account.currency)


def _hold_series(held: Iterable[Incoming]) -> None:
    """Lock the series of receipt numbers before any receivable, in the order in which a single receipt locks them."""
    used = {(one.bank_account.legal_entity_id, one.day.year): one for one in held}
    for key in sorted(used):
        next_numbers(used[key].bank_account.legal_entity, "SK", used[key].day, 0)


def _lock_owed(evidence: Evidence, by: Member) -> None:
    """Lock everything that may be used and bring its balances up to date."""
    known = [one for owed in (*evidence.owed.values(), *evidence.by_amount.values()) for one in owed]
    ids = {one.pk for one in known}
    balances = {row.pk: row.balance for row in records.lock_all(Receivable, ids, by.tenant_id)} if ids else {}
    for one in known:
        one.balance = balances.get(one.pk, Decimal("0.00"))


class _Calendar:
    """Whether an entity's day may be posted on, asked once a month."""

    def __init__(self):
        self.known: dict[tuple[int, date], bool] = {}

    def __call__(self, entity, day: date) -> bool:
        key = (entity.pk, day.replace(day=1))
        if key not in self.known:
            try:
                require_open(entity, day)
                self.known[key] = True
            except Refused:
                self.known[key] = False
        return self.known[key]


def _post(decided: Sequence[tuple[Incoming, Proposal]], by: Member) -> list[Receipt]:
    numbers = _numbers([one for one, _found in decided])
    receipts = records.create_many(
        (_receipt(one, found, numbers[one.pk], by) for one, found in decided), by=by, verb="posted"
    )
    records.append(_received(receipt, by) for receipt in receipts)
    records.update_many([(one, {"booked": one.amount}) for one, _found in decided], by=by, verb="booked")
    rows = list(_allocations(receipts, [found for _one, found in decided], by))
    if rows:
        book(rows, by=by)
    return receipts


def _numbers(held: Iterable[Incoming]) -> dict[int, str]:
    """Receipt numbers without gaps, by legal entity and year, in the order of the lines."""
    series = sorted(held, key=lambda one: (one.bank_account.legal_entity_id, one.day.year))
    numbers: dict[int, str] = {}
    for _key, group in groupby(series, key=lambda one: (one.bank_account.legal_entity_id, one.day.year)):
        rows = sorted(group, key=lambda one: (one.day, one.pk))
        given = next_numbers(rows[0].bank_account.legal_entity, "SK", rows[0].day, len(rows))
        numbers |= dict(zip((row.pk for row in rows), given, strict=True))
    return numbers


def _receipt(incoming: Incoming, found: Proposal, number: str, by: Member) -> Receipt:
    line, account = incoming.line, incoming.bank_account
    return Receipt(
        tenant_id=by.tenant_id, number=number, account_id=found.account_id, payer=line.counterparty,
        legal_entity_id=account.legal_entity_id, contract_id=found.contract_id, currency=account.currency,
        amount=incoming.amount, received_on=line.day, bank_line=line, note=line.text[:300],
        status=Receipt.Status.POSTED, posted_by=by,
    )  # fmt: skip


def _received(receipt: Receipt, by: Member) -> CreditEntry:
    return CreditEntry(
        tenant_id=by.tenant_id, receipt=receipt, type=CreditEntry.Type.RECEIPT, amount=receipt.amount,
        effective_date=receipt.received_on, by=by,
    )  # fmt: skip


def _allocations(receipts: Sequence[Receipt], found: Sequence[Proposal], by: Member) -> Iterator:
    """The rows of all, each receivable one object; days as `settle` would have found them one after the other."""
    ids = {pk for one in found for pk in one.shares}
    held = {row.pk: row for row in records.lock_all(Receivable, ids, by.tenant_id)} if ids else {}
    last = days_of(ids, date.min, by) if ids else {}
    for receipt, one in zip(receipts, found, strict=True):
        shares = one.shares
        for pk in shares:
            last[pk] = max(last[pk], receipt.received_on)
        days = {pk: last[pk] for pk in shares}
        yield from drafts(receipt, [held[pk] for pk in sorted(shares)], shares, one.rule, days, by)


__all__ = ["CHUNK", "Outcome", "hold_open", "payment_of", "post_lines"]
