"""A company with 50,000 contracts, 300,000 receivables, 400,000 allocations and a million bank lines.

Six receivables a contract, due month by month; the older two thirds are paid by two receipts each, and of the bank's
lines 400,000 are those receipts, 5,000 wait at the desk and the rest are payments going out. Scaled by `contracts`.
"""

from types import SimpleNamespace

from django.db import transaction

from accounts.models import Account
from bench.rows import analyze, insert, restart_ids, without_limit
from contracts.models import Contract
from crm.core import records
from crm.core.company import actions as company
from crm.core.entities.models import LegalEntity
from crm.core.identity.index import rebuild
from crm.core.people.models import Member, User
from crm.core.tenancy.state import enter
from receivables.models import (
    Allocation,
    ArEntry,
    BankAccount,
    BankLine,
    CreditEntry,
    Incoming,
    Plan,
    Receipt,
    Receivable,
    StatementFile,
)

FIRST = 10_000_000  # ids given here begin where no sequence has come
PER_CONTRACT, PAID_SHARE, SELLERS = 6, 4, 20
TABLES = (Account, Contract, Plan, Receivable, Receipt, Allocation, ArEntry, CreditEntry, BankLine, Incoming)


def found() -> SimpleNamespace:
    """A new company with a person of finance and its sellers."""
    founder = User.objects.create_user("founder@cash.example", "x", name="Founder")
    tenant, admin = company.found_company(name="Cash", slug="cash", founder=founder)
    with enter(tenant), transaction.atomic():
        finance = company.add_member(by=admin, name="Finance", email="finance@cash.example", roles=["finance"])
        for number in range(SELLERS):
            company.add_member(by=admin, name=f"Seller {number}", email=f"s{number}@cash.example", roles=["rep"])
        entity = LegalEntity.objects.of(tenant).first() or records.create(
            LegalEntity, by=admin, name="Cash", code="C", is_default=True
        )
        bank = records.create(BankAccount, by=admin, legal_entity=entity, name="Bank", number="6222000000000000001")
        statement = records.create(StatementFile, by=admin, bank_account=bank, name="old.csv", sha256="0" * 64)
    finance.tenant = tenant
    return SimpleNamespace(tenant=tenant, finance=finance, entity=entity, bank=bank, statement=statement)


def fill(house: SimpleNamespace, contracts: int = 50_000) -> None:
    """Add everything in sets; takes minutes, measured by nobody."""
    with enter(house.tenant), transaction.atomic():
        without_limit()
        sellers = list(Member.objects.of(house.tenant).filter(roles__contains=["rep"]).values_list("pk", flat=True))
        common = {"tenant_id": str(house.tenant.pk)}
        parties = {"legal_entity_id": str(house.entity.pk), "account_id": f"{FIRST} + c % {contracts // 5}"}
        owner = f"(ARRAY{sellers})[1 + c % {len(sellers)}]"
        _documents(common, parties, owner, contracts)
        _ledgers(common, parties, house, contracts)
        _bank(common, house, contracts)
        rebuild(house.tenant, Account)
    analyze(*TABLES)
    for model in TABLES:
        restart_ids(model, FIRST * 10)


def _documents(common, parties, owner: str, contracts: int) -> None:
    firms = f"generate_series(0, {contracts // 5} - 1) AS c"
    insert(Account, firms, {**common, "id": f"{FIRST} + c", "name": "'客户' || c || '机械有限公司'", "owner_id": owner})
    rows = f"generate_series(0, {contracts} - 1) AS c"
    total = "60000.00"
    insert(Contract, rows, {
        **common, **parties, "id": f"{FIRST} + c", "number": "'HT-C-' || c", "title": "'合同 ' || c", "owner_id": owner,
        "base_amount": total, "effective_amount": total, "status": "'performing'", "revision": "1",
        "sign_date": "date '2023-01-01' + (c % 900)::int",
    })  # fmt: skip
    insert(Plan, rows, {**common, "id": f"{FIRST} + c", "contract_id": f"{FIRST} + c", "status": "'confirmed'"})
    slices = f"{rows}, generate_series(0, {PER_CONTRACT} - 1) AS n"
    insert(Receivable, slices, {
        **common, **parties, "id": f"{FIRST} + c * {PER_CONTRACT} + n", "number": f"'YS-' || (c * {PER_CONTRACT} + n)",
        "plan_id": f"{FIRST} + c", "contract_id": f"{FIRST} + c", "owner_id": owner, "line": "n + 1",
        "original": "10000.00", "allocated": f"CASE WHEN n < {PAID_SHARE} THEN 10000.00 ELSE 0 END",
        "due_date": "(date '2023-02-01' + (c % 900)::int + (n * 61)::int)", "issue_date": "date '2023-01-01'",
    })  # fmt: skip


def _ledgers(common, parties, house, contracts: int) -> None:
    dated = {"effective_date": "due_date", "recorded_at": "due_date + interval '12 hours'"}
    mine = f"receivables_receivable WHERE tenant_id = {house.tenant.pk}"
    insert(ArEntry, mine, {
        **common, **dated, "receivable_id": "id", "type": "'OPEN'", "amount": "original",
        "effective_date": "date '2023-01-01'",
    })  # fmt: skip
    paid = f"(SELECT r.*, r.id * 2 + half AS key FROM receivables_receivable r, generate_series(0, 1) AS half" \
           f" WHERE r.tenant_id = {house.tenant.pk} AND r.allocated > 0) AS p"  # fmt: skip
    lines = {"legal_entity_id": str(house.entity.pk), "account_id": "account_id", "amount": "5000.00"}
    insert(BankLine, paid, {
        **common, "id": "key", "bank_account_id": str(house.bank.pk), "statement_id": str(house.statement.pk),
        "row_key": "'paid' || key", "day": "due_date", "credit": "5000.00", "counterparty": "'客户' || account_id",
    })  # fmt: skip
    insert(Incoming, paid, {
        **common, "line_id": "key", "bank_account_id": str(house.bank.pk), "day": "due_date", "amount": "5000.00",
        "booked": "5000.00",
    })  # fmt: skip
    insert(Receipt, paid, {
        **common, **lines, "id": "key", "number": "'SK-' || key", "received_on": "due_date", "status": "'posted'",
        "allocated": "5000.00", "bank_line_id": "key", "contract_id": "NULL::bigint",
    })  # fmt: skip
    insert(Allocation, paid, {
        **common, **dated, "id": "key", "receipt_id": "key", "receivable_id": "id", "amount": "5000.00",
        "rule": "'oldest'",
    })  # fmt: skip
    insert(ArEntry, paid, {**common, **dated, "receivable_id": "id", "type": "'ALLOCATE'", "amount": "-5000.00"})
    for kind, amount in (("RECEIPT", "5000.00"), ("ALLOCATE", "-5000.00")):
        insert(CreditEntry, paid, {**common, **dated, "receipt_id": "key", "type": f"'{kind}'", "amount": amount})


def _bank(common, house, contracts: int) -> None:
    """Payments going out, and the 5,000 that wait: every second one names its contract."""
    out = contracts * (20 - PAID_SHARE * 2)
    base = {
        **common, "bank_account_id": str(house.bank.pk), "statement_id": str(house.statement.pk),
        "row_key": "'more' || g", "day": "date '2025-01-01' + (g % 600)::int",
    }  # fmt: skip
    insert(
        BankLine, f"generate_series(1, {out}) AS g", {**base, "debit": "123.45", "counterparty": "'供应商' || g % 999"}
    )


def waiting_lines(house: SimpleNamespace, lines: int, contracts: int, turn: int = 0) -> list[int]:
    """A statement of `lines` payments that came in: customers by exact name, every second with a contract number."""
    with enter(house.tenant), transaction.atomic():
        by = company.system_member(house.tenant)
        statement = records.create(
            StatementFile, by=by, bank_account=house.bank, name=f"new{turn}.csv", sha256=f"{turn + 1:064d}"
        )
        common = {"tenant_id": str(house.tenant.pk), "bank_account_id": str(house.bank.pk)}
        insert(BankLine, f"generate_series(1, {lines}) AS g", {
            **common, "statement_id": str(statement.pk), "row_key": f"'new{turn}-' || g", "credit": "10000.00",
            "day": f"date '{house.tenant.today()}'",
            "counterparty": f"'客户' || g % {contracts // 5} || '机械有限公司'",
            "memo": "CASE WHEN g % 2 = 0 THEN '合同 HT-C-' || g ELSE '货款' END",
        })  # fmt: skip
        new = f"receivables_bankline WHERE tenant_id = {house.tenant.pk} AND statement_id = {statement.pk}"
        insert(Incoming, new, {**common, "line_id": "id", "day": "day", "amount": "credit"})
        ids = list(BankLine.objects.of(house.tenant).filter(statement=statement).values_list("pk", flat=True))
    analyze(BankLine, Incoming)
    return ids
