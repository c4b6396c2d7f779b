"""A contract's collection plan: drafted by sales, confirmed by finance, given up only while unused (domain.md 6.15)."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from contracts.models import Batch, Contract, Order
from crm.core import records
from crm.core.entities.numbering import next_number
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.due_dates import Term, due_date
from receivables.models import Adjustment, ArEntry, Plan, Receivable
from receivables.plan_lines import cleaned, part

from . import triggers

Trigger, Status = Receivable.Trigger, Plan.Status
ENDED = (Contract.Status.CLOSED, Contract.Status.EXPIRED, Contract.Status.TERMINATED)
__all__ = ["confirm_plan", "discard_plan", "draft_plan", "edit_plan", "part", "supersede_plan"]


@transaction.atomic
def draft_plan(
    contract: Contract, *, by: Member, mode: str, lines: Sequence[Mapping[str, Any]], order: Order | None = None
) -> Plan:
    """A plan of `lines`: {amount | percent | neither: the balance, kind, trigger, term, n, shift, date}.

    Refused when the lines cannot be parted to the cent; nothing is owed before the plan is confirmed.
    """
    require(by, "plan.draft", contract)
    contract = records.lock(contract)
    _check_scope(contract, order)
    lines = cleaned(lines)
    part(order.amount if order else contract.effective_amount, mode, lines)
    number = Plan.objects.of(by.tenant_id).filter(contract=contract).count() + 1
    return records.create(
        Plan, by=by, verb="drafted", contract=contract, order=order, mode=mode, lines=lines, number=number
    )


def _check_scope(contract: Contract, order: Order | None) -> None:
    """A framework contract is planned order by order, any other as a whole (INV-R1)."""
    if contract.status in ENDED:
        raise Refused(_("This contract has ended; nothing more is planned for it."), code="CONTRACT_ENDED")
    is_framework = contract.kind == Contract.Kind.FRAMEWORK
    if is_framework and order is None:
        raise ValidationError({"order": _("A framework contract is planned order by order. Choose the order.")})
    if order is not None and (not is_framework or order.contract_id != contract.pk):
        raise ValidationError({"order": _("Only an order of a framework contract has a plan of its own.")})


@transaction.atomic
def edit_plan(
    plan: Plan, *, by: Member, mode: str, lines: Sequence[Mapping[str, Any]], expected: int | None = None
) -> Plan:
    """Change a draft; a confirmed plan is replaced by another one."""
    require(by, "plan.draft", plan.contract)
    if records.lock(plan).status != Status.DRAFT:
        raise Refused(_("A confirmed plan is not edited. Draft another one to replace it."), code="PLAN_CONFIRMED")
    lines = cleaned(lines)
    part(plan.total, mode, lines)
    return records.update(plan, by=by, expected=expected, mode=mode, lines=lines)


@transaction.atomic
def discard_plan(plan: Plan, *, by: Member, expected: int | None = None) -> Plan:
    """Put a draft away."""
    require(by, "plan.draft", plan.contract)
    if records.lock(plan).status != Status.DRAFT:
        raise Refused(_("Only a draft can be discarded."), code="PLAN_CONFIRMED")
    return records.move(plan, Status.SUPERSEDED, by=by, verb="discarded", expected=expected)


@transaction.atomic
def confirm_plan(plan: Plan, *, by: Member, expected: int | None = None) -> list[Receivable]:
    """Turn a draft into receivables that add up to the contract or order (INV-R1); finance only.

    The plan confirmed before is given up, which is refused once its receivables are in use.
    """
    require(by, "plan.confirm")
    contract = records.lock(plan.contract)
    if contract.status not in Contract.LIVE:
        raise Refused(_("Only the plan of an effective contract can be confirmed."), code="CONTRACT_NOT_EFFECTIVE")
    if plan.order_id and plan.order.status == Order.Status.CANCELLED:
        raise Refused(_("This order was cancelled; there is nothing to collect."), code="ORDER_CANCELLED")
    _check_dates(plan)
    before = Plan.objects.of(by.tenant_id).filter(contract=contract, order=plan.order_id, status=Status.CONFIRMED)
    for old in before.exclude(pk=plan.pk):
        supersede_plan(old, by=by)
    records.move(plan, Status.CONFIRMED, by=by, verb="confirmed", expected=expected)
    total = plan.order.amount if plan.order_id else contract.effective_amount
    pairs = zip(plan.lines, part(total, plan.mode, plan.lines), strict=True)
    opened = [_open(plan, contract, number, line, amount, by) for number, (line, amount) in enumerate(pairs, start=1)]
    _catch_up(plan, by)
    for one in opened:
        one.refresh_from_db()
    return opened


def _catch_up(plan: Plan, by: Member) -> None:
    """Batches accepted before the plan was confirmed make its lines fall due as later ones do."""
    done = Batch.objects.of(by.tenant_id).filter(order__contract=plan.contract_id, accepted_on__isnull=False)
    if plan.order_id:
        done = done.filter(order=plan.order_id)
    for batch in done.select_related("order__contract").order_by("accepted_on", "pk"):
        triggers.accepted(batch, by, batch.accepted_on)


def _check_dates(plan: Plan) -> None:
    for number, line in enumerate(plan.lines, start=1):
        if line.get("trigger", Trigger.DATE) == Trigger.DATE and not line.get("date"):
            raise Refused(_("Line %(number)s falls due on a date: enter which.") % {"number": number}, code="PLAN_DATE")


@transaction.atomic
def supersede_plan(plan: Plan, *, by: Member, expected: int | None = None) -> Plan:
    """Give up a confirmed plan: its receivables go back to zero by adjustments, as nothing happened to them yet."""
    require(by, "plan.confirm")
    records.lock(plan.contract)
    ids = Receivable.objects.of(by.tenant_id).filter(plan=plan, superseded=False).values_list("pk", flat=True)
    receivables = records.lock_all(Receivable, ids, by.tenant_id)
    for one in receivables:
        if one.allocated or one.written_off or one.invoiced or one.red_pending or _is_asked_for(one):
            raise Refused(
                _("%(receivable)s is paid, invoiced or being invoiced. Take that back first, or use a change order.")
                % {"receivable": one},
                code="PLAN_IN_USE",
            )
    records.move(plan, Status.SUPERSEDED, by=by, verb="superseded", expected=expected)
    for one in receivables:
        _withdraw(one, plan, by)
    return plan


def _is_asked_for(receivable: Receivable) -> bool:
    requests = receivable.invoice_requests.model
    return receivable.invoice_requests.filter(status__in=requests.WAITING).exists()


def _withdraw(receivable: Receivable, plan: Plan, by: Member) -> None:
    today, amount = by.tenant.today(), -receivable.current
    common = {"tenant_id": by.tenant_id, "receivable": receivable, "amount": amount, "effective_date": today, "by": by}
    [row] = records.append([Adjustment(plan=plan, **common)])
    records.append([ArEntry(type=ArEntry.Type.ADJUST, source_type="adjustment", source_id=row.pk, **common)])
    records.update(receivable, by=by, verb="superseded", adjusted=receivable.adjusted + amount, superseded=True)


def _open(plan: Plan, contract: Contract, number: int, line: dict, amount, by: Member) -> Receivable:
    today = by.tenant.today()
    values = {name: line[name] for name in ("kind", "trigger", "term", "shift") if line.get(name)}
    due = _first_due(contract, line)
    receivable = records.create(
        Receivable, by=by, verb="opened", number=next_number(contract.legal_entity, "YS", today), plan=plan,
        line=number, contract=contract, account=contract.account, legal_entity=contract.legal_entity,
        owner=contract.owner, currency=contract.currency, original=amount, term_n=line.get("n", 0),
        issue_date=today if due else None, due_date=due, **values,
    )  # fmt: skip
    common = {"tenant_id": by.tenant_id, "receivable": receivable, "effective_date": today, "by": by}
    records.append([ArEntry(type=ArEntry.Type.OPEN, amount=amount, **common)])
    return receivable


def _first_due(contract: Contract, line: dict) -> date | None:
    """The due date as far as it is known on confirmation; other triggers set it when they happen."""
    if line.get("trigger", Trigger.DATE) == Trigger.DATE:
        return date.fromisoformat(line["date"])
    if line["trigger"] == Trigger.SIGN and contract.sign_date:
        rule = line.get("term", Term.NET_DAYS), line.get("n", 0), line.get("shift", "none")
        return due_date(contract.sign_date, *rule)
    return None
