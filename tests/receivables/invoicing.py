"""What it takes to invoice: a tax code, a contract with lines and a confirmed plan, a buyer with a valid code."""

from datetime import date
from decimal import Decimal as D

from contracts.models import Contract, ContractLine, TaxCode
from crm.core import records
from receivables.actions import invoices, plans
from receivables.models import Receivable

USCC = "91350100M000100Y43"
BUYER = {"name": "Buyer Ltd", "uscc": USCC}
DAY = date(2024, 2, 1)


def tax_code(cast, code: str, rate: str, **values) -> TaxCode:
    found = TaxCode.objects.of(cast.tenant).filter(code=code).first()
    values = {"name": code, "rate": D(rate), "valid_from": date(2020, 1, 1), **values}
    return found or records.create(TaxCode, by=cast.admin, code=code, **values)


def make_contract(cast, ledger, lines, percents=("30", "30", "30", "10")) -> tuple[Contract, list[Receivable]]:
    """A contract of (amount, tax code) lines, and its receivables by percent of the plan."""
    total = sum(D(amount) for amount, _ in lines)
    contract = records.create(
        Contract, by=cast.rep, title="Service", account=ledger.account, legal_entity=ledger.entity, owner=cast.rep,
        status="effective", base_amount=total, effective_amount=total, sign_date=date(2024, 1, 1),
        number=f"HT-I{Contract.objects.of(cast.tenant).count()}",
    )  # fmt: skip
    for order, (amount, code) in enumerate(lines, start=1):
        ContractLine._base_manager.create(
            tenant=cast.tenant, contract=contract, order=order, description=f"Position {order}", quantity=1,
            unit_price=D(amount), amount=D(amount), tax_code=code,
        )  # fmt: skip
    parts = [{"percent": percent, "trigger": "sign", "n": 7} for percent in percents]
    plan = plans.draft_plan(contract, by=cast.rep, mode="percent", lines=parts)
    return contract, plans.confirm_plan(plan, by=cast.finance)


def number(n: int) -> str:
    return f"{24312000000000000000 + n}"


def issue(cast, contract, amounts, n: int, on: date = DAY, **values):
    """A blue invoice over {receivable: amount}, asked for by the rep and issued by finance."""
    asked = {one.pk: D(amount) for one, amount in amounts.items()}
    [first, *_] = invoices.request_invoice(contract, asked, by=cast.rep, **{"buyer": BUYER, **values})
    digits = number(n) if first.medium == "digital" else f"{10000000 + n}"
    return invoices.issue_invoice(first, by=cast.finance, number=digits, date=on)
