"""From a plan to receivables (domain.md 6.15, INV-R1)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core import records
from crm.core.entities.numbering import next_number
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables import plans
from receivables.due_dates import Term, due_date
from receivables.models import ArEntry, Plan, Receivable

Trigger = Receivable.Trigger


@transaction.atomic
def draft_plan(contract: Contract, *, by: Member, mode: str, lines: Sequence[dict]) -> Plan:
    """A plan of `lines`: {amount | percent | neither: the balance, kind, trigger, term, n, date}.

    Refused when the lines cannot be parted to the cent; nothing is owed before the plan is confirmed.
    """
    require(by, "plan.draft", contract)
    part(contract.effective_amount, mode, lines)
    number = Plan.objects.of(by.tenant_id).filter(contract=contract).count() + 1
    return records.create(Plan, by=by, contract=contract, mode=mode, lines=list(lines), number=number)


def part(total: Decimal, mode: str, lines: Sequence[dict]) -> list[Decimal]:
    """The amounts of the lines in order; their sum is `total`."""
    if mode == Plan.Mode.EQUAL:
        return plans.equal(total, len(lines))
    shares = [plans.Share(_decimal(line.get("amount")), _decimal(line.get("percent"))) for line in lines]
    if mode == Plan.Mode.AMOUNT:
        return plans.by_amount(total, [share.amount or Decimal(0) for share in shares])
    if mode == Plan.Mode.PERCENT:
        return plans.by_percent(total, [share.percent or Decimal(0) for share in shares])
    return plans.mixed(total, shares)


def _decimal(value) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


@transaction.atomic
def confirm_plan(plan: Plan, *, by: Member) -> list[Receivable]:
    """Turn a draft into receivables that add up to the contract (INV-R1); finance only."""
    require(by, "plan.confirm")
    contract = records.lock(plan.contract)
    if contract.status not in Contract.LIVE:
        raise Refused(_("Only the plan of an effective contract can be confirmed."), code="CONTRACT_NOT_EFFECTIVE")
    records.move(plan, Plan.Status.CONFIRMED, by=by, verb="confirmed")
    amounts = part(contract.effective_amount, plan.mode, plan.lines)
    pairs = enumerate(zip(plan.lines, amounts, strict=True), start=1)
    return [_open(plan, contract, number, line, amount, by) for number, (line, amount) in pairs]


def _open(plan: Plan, contract: Contract, number: int, line: dict, amount: Decimal, by: Member) -> Receivable:
    today = by.tenant.today()
    values = {name: line[name] for name in ("kind", "trigger", "term", "shift") if line.get(name)}
    receivable = records.create(
        Receivable, by=by, number=next_number(contract.legal_entity, "YS", today), plan=plan, line=number,
        contract=contract, account=contract.account, legal_entity=contract.legal_entity, owner=contract.owner,
        currency=contract.currency, original=amount, term_n=line.get("n", 0), issue_date=today,
        due_date=_first_due(contract, line), **values,
    )  # fmt: skip
    entry = ArEntry(
        tenant_id=by.tenant_id,
        receivable=receivable,
        type=ArEntry.Type.OPEN,
        amount=amount,
        effective_date=today,
        by=by,
    )
    records.append([entry])
    return receivable


def _first_due(contract: Contract, line: dict) -> date | None:
    """The due date as far as it is known on confirmation; other triggers set it when they happen."""
    if line.get("trigger", Trigger.DATE) == Trigger.DATE:
        return date.fromisoformat(line["date"]) if line.get("date") else None
    if line["trigger"] == Trigger.SIGN and contract.sign_date:
        return due_date(
            contract.sign_date, line.get("term", Term.NET_DAYS), line.get("n", 0), line.get("shift", "none")
        )
    return None
