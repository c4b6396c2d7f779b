"""What a change of a contract does to its receivables, worked out before anything is written (domain.md 6.18).

The preview prints an `Outcome`, the application carries out the same one: there is one rule for both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from contracts.models import ChangeOrder, Contract
from crm.core.errors import ValidationError
from crm.core.money import money
from receivables.actions.refunds import payer_account
from receivables.models import Allocation, Invoice, InvoiceRequest, InvoiceShare, Receipt, Receivable

ZERO = Decimal("0.00")
Excess = ChangeOrder.Excess


@dataclass
class Step:
    """One receivable, or one to be opened: what the change adds to it and what becomes of its money."""

    receivable: Receivable
    delta: Decimal = ZERO
    due_date: date | None = None
    # Allocations taken back, newest first, and what is used for it again.
    freed: list[tuple[Allocation, Decimal]] = field(default_factory=list)
    regained: Decimal = ZERO
    # Red invoices to ask for: the blue invoice and the amount.
    reds: list[tuple[Invoice, Decimal]] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return self.receivable.pk is None

    @property
    def before(self) -> Decimal:
        return ZERO if self.is_new else self.receivable.current

    @property
    def after(self) -> Decimal:
        return self.before + self.delta

    @property
    def allocated(self) -> Decimal:
        return self.receivable.allocated - sum((amount for _row, amount in self.freed), ZERO) + self.regained

    @property
    def balance(self) -> Decimal:
        return self.after - self.allocated - self.receivable.written_off

    @property
    def over(self) -> Decimal:
        """What is paid or written off beyond the new amount."""
        return max(self.receivable.allocated + self.receivable.written_off - self.after, ZERO)

    @property
    def red(self) -> Decimal:
        return sum((amount for _blue, amount in self.reds), ZERO)


@dataclass
class Outcome:
    steps: list[Step]
    freed: dict[Receipt, Decimal] = field(default_factory=dict)
    offsets: list[tuple[Receipt, Step, Decimal]] = field(default_factory=list)
    refunds: list[tuple[Receipt, Decimal]] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)

    @property
    def touched(self) -> list[Step]:
        return [step for step in self.steps if step.delta or step.due_date or step.regained]


def receivables_of(contract: Contract) -> list[Receivable]:
    """The contract's receivables in the order of the plan."""
    rows = Receivable.objects.of(contract.tenant_id).filter(contract=contract, superseded=False)
    return list(rows.order_by("plan_id", "line", "pk"))


def work_out(change: ChangeOrder) -> Outcome:
    """The whole effect of a change on receivables, allocations, refunds and invoices, as things stand now."""
    contract = change.contract
    steps, refusals = _steps(contract, change.effects)
    outcome = Outcome(steps, refusals=refusals)
    _check_sum(outcome, change)
    _check_each(outcome)
    if not outcome.refusals:
        _free(outcome)
        _use(outcome, change)
        _ask_for_reds(outcome)
    return outcome


def _steps(contract: Contract, effects: Iterable[Mapping[str, Any]]) -> tuple[list[Step], list[tuple[str, str]]]:
    steps = {row.pk: Step(row) for row in receivables_of(contract)}
    opened, refusals = [], []
    for effect in effects:
        delta, due = money(str(effect["delta"])), effect.get("due_date") or None
        due = date.fromisoformat(due) if due else None
        if effect.get("receivable") is None:
            opened.append(_new(contract, effect, delta, due))
        elif step := steps.get(int(effect["receivable"])):
            step.delta, step.due_date = step.delta + delta, due
        else:
            refusals.append(("FOREIGN_RECEIVABLE", _("A receivable of the change is not one of this contract.")))
    return [*steps.values(), *opened], refusals


def _new(contract: Contract, effect: Mapping[str, Any], delta: Decimal, due: date | None) -> Step:
    kind = effect.get("kind") or Receivable.Kind.OTHER
    if kind not in Receivable.Kind.values:
        raise ValidationError({"effects": _("Choose what kind of receivable the new one is.")})
    row = Receivable(
        tenant_id=contract.tenant_id, contract=contract, account_id=contract.account_id, owner_id=contract.owner_id,
        legal_entity_id=contract.legal_entity_id, currency=contract.currency, kind=kind, due_date=due, original=ZERO,
    )  # fmt: skip
    return Step(row, delta, due)


def _check_sum(outcome: Outcome, change: ChangeOrder) -> None:
    """INV-R1 after the change: what the receivables lose or gain is what the contract does."""
    if change.contract.kind == Contract.Kind.FRAMEWORK:
        if any(step.delta for step in outcome.steps):
            sentence = _("The receivables of a framework follow its orders. Change the orders instead.")
            outcome.refusals.append(("FRAMEWORK", sentence))
        return
    if not outcome.steps:
        return
    moved = sum((step.delta for step in outcome.steps), ZERO)
    if moved != change.delta:
        sentence = _("The receivables change by %(moved)s, the contract by %(delta)s. Both must be the same.")
        outcome.refusals.append(("EFFECTS_SUM", sentence % {"moved": f"{moved:,.2f}", "delta": f"{change.delta:,.2f}"}))


def _check_each(outcome: Outcome) -> None:
    for step in outcome.steps:
        if not step.delta:
            continue
        if step.is_new and step.delta <= 0:
            outcome.refusals.append(("BELOW_ZERO", _("A new receivable needs an amount above zero.")))
        elif step.after < 0:
            words = _("%(receivable)s is %(before)s only: it cannot be lowered by %(delta)s.")
            outcome.refusals.append(("BELOW_ZERO", words % _amounts(step)))
        elif step.after < step.receivable.written_off:
            words = _("%(written)s of %(receivable)s has been written off: it cannot be lowered to %(after)s.")
            outcome.refusals.append(("WRITTEN_OFF", words % _amounts(step)))


def _amounts(step: Step) -> dict[str, Any]:
    amounts = {"before": step.before, "delta": -step.delta, "after": step.after, "written": step.receivable.written_off}
    return {"receivable": step.receivable, **{name: f"{amount:,.2f}" for name, amount in amounts.items()}}


def _free(outcome: Outcome) -> None:
    """Take back the newest allocations until nothing is paid beyond the new amount (LIFO)."""
    over = [step for step in outcome.steps if not step.is_new and step.over]
    active = active_allocations([step.receivable for step in over])
    for step in over:
        left = step.over
        for row, remaining in active[step.receivable.pk]:
            if left:
                amount = min(left, remaining)
                step.freed.append((row, amount))
                outcome.freed[row.receipt] = outcome.freed.get(row.receipt, ZERO) + amount
                left -= amount


def active_allocations(receivables: Iterable[Receivable]) -> dict[int, list[tuple[Allocation, Decimal]]]:
    """Receivable id → its allocations with what has not been taken back, newest first."""
    rows = [row.pk for row in receivables]
    found: dict[int, list[tuple[Allocation, Decimal]]] = defaultdict(list)
    if not rows:
        return found
    tenant = next(iter(receivables)).tenant_id
    all_rows = Allocation.objects.of(tenant).filter(receivable__in=rows).select_related("receipt").order_by("-pk")
    back: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for row in all_rows:
        if row.reverses_id:
            back[row.reverses_id] += row.amount
        elif (remaining := row.amount + back[row.pk]) > 0:
            found[row.receivable_id].append((row, remaining))
    return found


def _use(outcome: Outcome, change: ChangeOrder) -> None:
    """What happens to the money that was freed; what OFFSET cannot use stays with the receipt."""
    if change.excess == Excess.REFUND:
        outcome.refunds = list(outcome.freed.items())
        if not all(change.refund_account or payer_account(receipt) for receipt in outcome.freed):
            sentence = _("Enter the account to refund to: the payer's own is not known.")
            outcome.refusals.append(("REFUND_ACCOUNT", sentence))
    if change.excess != Excess.OFFSET:
        return
    waiting = [step for step in outcome.steps if step.balance > 0 and not step.receivable.disputed]
    waiting.sort(key=_oldest_first)
    for receipt, free in outcome.freed.items():
        for step in waiting:
            if (amount := min(free, step.balance)) > 0:
                outcome.offsets.append((receipt, step, amount))
                step.regained += amount
                free -= amount


def _oldest_first(step: Step) -> tuple:
    row = step.receivable
    return (row.due_date is None, row.due_date or date.max, row.pk is None, row.pk or 0)


def _ask_for_reds(outcome: Outcome) -> None:
    """INV-R7: what is billed beyond the new amount must be asked back, the newest blue invoice first."""
    for step in outcome.steps:
        billed = step.receivable.invoiced - step.receivable.red_pending
        left = billed - step.after if step.delta < 0 else ZERO
        for blue, rest in blues(step.receivable) if left > 0 else ():
            if left and rest > 0:
                step.reds.append((blue, min(left, rest)))
                left -= min(left, rest)
        if left > 0:
            words = _("%(receivable)s is billed above its new amount, but no invoice is left to correct.")
            outcome.refusals.append(("NO_BLUE_INVOICE", words % {"receivable": step.receivable}))


def blues(receivable: Receivable) -> list[tuple[Invoice, Decimal]]:
    """The receivable's blue invoices, newest first, each with what no red invoice or request has taken back."""
    standing = InvoiceShare.objects.of(receivable.tenant_id).filter(invoice__voids__isnull=True)
    shares = standing.filter(receivable=receivable).select_related("invoice")
    left: dict[int, Decimal] = defaultdict(lambda: ZERO)
    invoices: dict[int, Invoice] = {}
    for share in shares.order_by(F("invoice__date").desc(), "-invoice_id"):
        left[share.invoice.blue_id or share.invoice_id] += share.amount
        if not share.invoice.is_red:
            invoices[share.invoice_id] = share.invoice
    asked = InvoiceRequest.objects.of(receivable.tenant_id).filter(
        receivable=receivable, is_red=True, status__in=InvoiceRequest.WAITING
    )
    for request in asked:
        left[request.blue_id] -= request.amount
    return [(invoice, left[pk]) for pk, invoice in invoices.items()]
