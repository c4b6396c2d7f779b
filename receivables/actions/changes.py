"""A change order carried out in the sub-ledger, all or nothing (domain.md 6.18, INV-R1, R16, R18)."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from contracts.models import ChangeOrder, Contract
from crm.core import records
from crm.core.company.actions import system_member
from crm.core.entities.numbering import next_number
from crm.core.errors import Busy, Refused
from crm.core.people.models import Member
from receivables.changes import Outcome, Step, active_allocations, receivables_of, work_out
from receivables.models import (
    Adjustment,
    Allocation,
    ArEntry,
    InvoiceRequest,
    Plan,
    Receipt,
    Receivable,
)  # fmt: skip

from .allocation import allocate, unallocate
from .periods import require_open
from .refunds import refund_of_change

ZERO = Decimal("0.00")


@transaction.atomic
def apply_change(change: ChangeOrder) -> Outcome:
    """Adjust receivables, free what is overpaid and use it as agreed, ask for red invoices, open new receivables.

    Money moves under the company's system member: the decision, not a role in finance, allows it.
    Everything is effective today, which must lie in an open period (INV-R9).
    """
    contract, system = change.contract, system_member(change.tenant_id)
    require_open(contract.legal_entity, system.tenant.today())
    _lock(contract)
    outcome = work_out(change)
    refuse(outcome)
    for step in outcome.steps:
        _take_back(step, system)
        _adjust(step, change, system)
        _ask_for_red(step, change, system)
    _offset(outcome, system)
    _refund(outcome, change, system)
    _require_balanced(contract)
    return outcome


def refuse(outcome: Outcome) -> None:
    """Raise every refusal of the outcome in one sentence each; the code is the first one's."""
    if outcome.refusals:
        raise Refused(" ".join(sentence for _code, sentence in outcome.refusals), code=outcome.refusals[0][0])


def _lock(contract: Contract) -> None:
    """Receipts, then receivables, as allocations do; a receipt that came in between is waited for another time."""
    rows = receivables_of(contract)
    receipts = _receipts(rows)
    records.lock_all(Receipt, receipts, contract.tenant_id)
    records.lock_all(Receivable, [row.pk for row in rows], contract.tenant_id)
    if not _receipts(rows) <= receipts:
        raise Busy()


def _receipts(rows: list[Receivable]) -> set[int]:
    return {row.receipt_id for each in active_allocations(rows).values() for row, _left in each}


def _take_back(step: Step, system: Member) -> None:
    for row, amount in step.freed:
        unallocate(row, amount, by=system)


def _adjust(step: Step, change: ChangeOrder, system: Member) -> None:
    """The receivable's new amount, as a row of its own and in the sub-ledger."""
    if step.is_new:
        return _open(step, change, system)
    if step.delta:
        row = Adjustment(receivable=step.receivable, amount=step.delta, change=change, **_posted(system))
        records.append([row])
        _enter(step.receivable, ArEntry.Type.ADJUST, step.delta, change, system)
    values: dict[str, Any] = {"due_date": step.due_date} if step.due_date else {}
    adjusted = step.receivable.adjusted + step.delta
    records.update(step.receivable, by=system, verb="adjusted", adjusted=adjusted, reason=change.grounds, **values)


def _open(step: Step, change: ChangeOrder, system: Member) -> None:
    contract, today = change.contract, system.tenant.today()
    plan = Plan.objects.of(contract.tenant_id).filter(
        contract=contract, order=None, status=Plan.Status.CONFIRMED
    ).first()  # fmt: skip
    last = max((row.line for row in receivables_of(contract)), default=0)
    new = step.receivable
    step.receivable = records.create(
        Receivable, by=system, number=next_number(contract.legal_entity, "YS", today), plan=plan, line=last + 1,
        contract=contract, account=contract.account, legal_entity=contract.legal_entity, owner=contract.owner,
        currency=contract.currency, kind=new.kind, due_date=step.due_date, issue_date=today, original=step.delta,
    )  # fmt: skip
    step.receivable.refresh_from_db()
    _enter(step.receivable, ArEntry.Type.OPEN, step.delta, change, system)
    step.delta = ZERO


def _enter(receivable: Receivable, type: str, amount: Decimal, change: ChangeOrder, system: Member) -> None:
    source = {"source_type": "changeorder", "source_id": change.pk}
    records.append([ArEntry(receivable=receivable, type=type, amount=amount, **source, **_posted(system))])


def _posted(system: Member) -> dict:
    return {"tenant_id": system.tenant_id, "effective_date": system.tenant.today(), "by": system}


def _ask_for_red(step: Step, change: ChangeOrder, system: Member) -> None:
    """Red invoices for what is billed too much; until they are issued it stands as pending (INV-R7)."""
    for blue, amount in step.reds:
        records.create(
            InvoiceRequest, by=system, verb="requested", contract=change.contract, receivable=step.receivable,
            amount=amount, is_red=True, blue=blue, reason_code=InvoiceRequest.Reason.REDUCTION, change=change,
            kind=blue.kind, medium=blue.medium, buyer=blue.buyer, note=change.grounds[:300],
        )  # fmt: skip
    if step.reds:
        pending = step.receivable.red_pending + step.red
        records.update(step.receivable, by=system, verb="red_requested", red_pending=pending)


def _offset(outcome: Outcome, system: Member) -> None:
    for receipt, step, amount in outcome.offsets:
        allocate(receipt, {step.receivable.pk: amount}, by=system, rule=Allocation.Rule.CHANGE)


def _refund(outcome: Outcome, change: ChangeOrder, system: Member) -> None:
    """The change's approval is the refund's (architecture.md 5b); the money is reserved at once (INV-R17)."""
    for receipt, amount in outcome.refunds:
        refund_of_change(receipt, by=system, amount=amount, change=change)


def _require_balanced(contract: Contract) -> None:
    """INV-R1 to the cent, for a contract whose plan is confirmed; small differences that were dropped stand apart."""
    plan = Plan.objects.of(contract.tenant_id).filter(contract=contract, order=None, status=Plan.Status.CONFIRMED)
    if contract.kind == Contract.Kind.FRAMEWORK or not plan.exists():
        return
    rows = Receivable.objects.of(contract.tenant_id).filter(contract=contract, superseded=False)
    dropped = Adjustment.objects.of(contract.tenant_id).filter(receivable__contract=contract, is_rounding=True)
    owed = rows.aggregate(sum=Sum(F("original") + F("adjusted")))["sum"] or ZERO
    owed -= dropped.aggregate(sum=Sum("amount"))["sum"] or ZERO
    if owed != contract.effective_amount:
        raise Refused(
            _("The receivables would add up to %(owed)s, the contract to %(amount)s.")
            % {"owed": f"{owed:,.2f}", "amount": f"{contract.effective_amount:,.2f}"}, code="PLAN_SUM",
        )  # fmt: skip
