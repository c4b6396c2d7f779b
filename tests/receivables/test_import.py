"""Receivables and receipts from a file: within the contract, posted and allocated like any other, by finance."""

from decimal import Decimal as D

import pytest

from crm.core.imports.registry import offered_to
from receivables.models import Allocation, ArEntry, Receipt, Receivable
from tests.contracts.test_import import FILE as CONTRACTS
from tests.imports.conftest import counts, error_text, stored_elsewhere, take_in

pytestmark = pytest.mark.django_db
OWED = """合同编号,款项,应收金额,到期日
HT-2,预付款,180000,2025-04-10
HT-2,进度款,180000,2025-06-10
HT-2,验收款,180000,2025-08-10
HT-2,尾款,60000,
HT-2,其他,0.01,2025-09-01
HT-9,预付款,1,2025-04-10
"""
PAID = """客户,回款金额,回款日期,合同号,回款方式
乙机械有限公司,180000,2025-04-12,,转账
乙机械有限公司,200000,2025-06-12,HT-2,承兑
乙机械有限公司,1,2025-06-13,HT-1,
乙机械有限公司,1,2999-06-13,,
"""


@pytest.fixture
def owed(acme):
    take_in(acme.admin, "contracts", CONTRACTS, options={"create": ["account"]})
    return take_in(acme.finance, "receivables", OWED)


def test_receivables_add_up_to_the_contract_at_most(acme, owed):
    assert counts(owed) == (4, 0, 0, 2)
    rows = Receivable.objects.of(acme.tenant).order_by("pk")
    assert [row.kind for row in rows] == ["advance", "progress", "acceptance", "retention"]
    assert sum(row.balance for row in rows) == D("600000.00")
    assert ArEntry.objects.of(acme.tenant).filter(type="OPEN").count() == 4
    assert len({row.number for row in rows}) == 4
    text = error_text(owed)
    assert "would owe more than the contract" in text and "is not known" in text


def test_receipts_are_posted_and_allocated(acme, owed):
    paid = take_in(acme.finance, "receipts", PAID)
    assert counts(paid) == (2, 0, 0, 2)
    rules = Allocation.objects.of(acme.tenant).order_by("pk").values_list("rule", "amount")
    assert list(rules) == [("exact", D("180000.00")), ("reference", D("180000.00")), ("reference", D("20000.00"))]
    assert {row.method for row in Receipt.objects.of(acme.tenant)} == {"transfer", "bank_draft"}
    assert counts(take_in(acme.finance, "receipts", PAID)) == (0, 0, 2, 2)


def test_money_is_imported_by_finance(acme):
    keys = {name: {one.key for one in offered_to(getattr(acme, name))} for name in ("finance", "admin", "manager")}
    assert keys["finance"] == {"receivables", "receipts"}
    assert not keys["finance"] & (keys["admin"] | keys["manager"])


__all__ = ["stored_elsewhere"]
