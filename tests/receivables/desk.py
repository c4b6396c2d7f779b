"""A bank account, lines on it and receivables, made for tests of matching and the desk."""

from datetime import date
from decimal import Decimal as D
from itertools import count

from accounts.actions import create_account
from contracts.models import Contract
from crm.core import records
from receivables.actions import statements
from receivables.models import Allocation, ArEntry, BankLine, CreditEntry, Incoming, Receivable, StatementFile

_numbers = count(1)


def make_bank(cast, entity):
    number = f"6222{next(_numbers):06d}"
    return statements.create_bank_account(by=cast.finance, legal_entity=entity, name="Main", number=number)


def make_line(cast, bank, amount, who="", account="", memo="", day=date(2024, 1, 20), gaps=()):
    """A line of an imported statement, open at the desk."""
    [line] = make_lines(cast, bank, [(amount, who, account, memo)], day=day, gaps=gaps)
    return line


def make_lines(cast, bank, rows, day=date(2024, 1, 20), gaps=()):
    statement = records.create(
        StatementFile, by=cast.finance, bank_account=bank, name="s.csv", sha256=f"{next(_numbers):064d}",
        status="imported", gaps=list(gaps),
    )  # fmt: skip
    lines = records.append(
        BankLine(tenant=cast.tenant, bank_account=bank, statement=statement, row_key=f"{next(_numbers):064d}", day=day,
                 credit=D(amount), counterparty=who, counterparty_account=account, memo=memo)
        for amount, who, account, memo in rows
    )  # fmt: skip
    records.append(
        Incoming(tenant=cast.tenant, line=line, bank_account=bank, day=line.day, amount=line.credit) for line in lines
    )
    return lines


def make_customer(cast, entity, name: str, contracts):
    """A customer with contracts: {number: [(receivable number, amount, due), …]} → the receivables by number."""
    account = create_account(by=cast.rep, name=name)
    return account, {
        number: receivable
        for contract_number, rows in contracts.items()
        for number, receivable in _contract(cast, entity, account, contract_number, rows).items()
    }


def _contract(cast, entity, account, number: str, rows) -> dict:
    total = sum((D(amount) for _number, amount, _due in rows), D(0))
    contract = records.create(
        Contract, by=cast.rep, title=number, account=account, legal_entity=entity, owner=cast.rep, status="effective",
        base_amount=total, effective_amount=total, number=number,
    )  # fmt: skip
    return {name: open_one(cast, contract, name, amount, due) for name, amount, due in rows}


def open_one(cast, contract, number: str, amount, due) -> Receivable:
    receivable = records.create(
        Receivable, by=cast.system, number=number, contract=contract, account=contract.account, owner=cast.rep,
        legal_entity=contract.legal_entity, original=D(amount), due_date=due,
    )  # fmt: skip
    day = due or date(2024, 1, 1)
    records.append(
        [ArEntry(tenant=cast.tenant, receivable=receivable, type="OPEN", amount=D(amount), effective_date=day)]
    )
    return receivable


def used(receipt) -> dict[str, D]:
    """What a receipt has been used for, by receivable."""
    rows = Allocation.objects.of(receipt.tenant_id).filter(receipt=receipt).select_related("receivable")
    sums: dict[str, D] = {}
    for row in rows:
        sums[row.receivable.number] = sums.get(row.receivable.number, D(0)) + row.amount
    return {number: amount for number, amount in sums.items() if amount}


def ledger_of(tenant) -> list:
    """Everything the ledgers say, without ids and times."""
    allocations = Allocation.objects.of(tenant).values_list(
        "receipt__bank_line", "receivable__number", "amount", "rule", "effective_date", "reverses__amount"
    )
    credits = CreditEntry.objects.of(tenant).values_list("receipt__bank_line", "type", "amount", "effective_date")
    entries = ArEntry.objects.of(tenant).values_list("receivable__number", "type", "amount", "effective_date")
    return [sorted(map(str, rows)) for rows in (allocations, credits, entries)]
