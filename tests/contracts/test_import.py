"""Signed contracts from a file: as they stand, once, and by people who may."""

from datetime import date
from decimal import Decimal as D

import pytest

from accounts.models import Account
from contracts.actions import versions
from contracts.models import Contract
from crm.core.errors import Forbidden
from crm.core.imports.registry import allowed
from tests.imports.conftest import counts, error_text, stored_elsewhere, take_in

pytestmark = pytest.mark.django_db
FILE = """合同编号,合同名称,客户,合同金额,签订日期,到期日期,负责人,状态,税率
HT-1,压缩机采购,甲机械有限公司,"1,234,567.89",2025-03-01,2026-03-01,Rep,执行中,9%
HT-2,,乙机械有限公司,600000,2025-04-01,,Rep,,
HT-1,又一次,甲机械有限公司,1,2025-03-01,,Rep,,
HT-3,草稿,甲机械有限公司,1,2025-03-01,,Rep,草稿,
HT-4,反了,甲机械有限公司,1,2025-03-01,2025-02-01,Rep,已关闭,
"""


@pytest.fixture
def taken(acme):
    return take_in(acme.admin, "contracts", FILE, options={"create": ["account"]})


def test_contracts_come_in_as_they_stand(acme, taken):
    assert counts(taken) == (2, 0, 1, 2)
    first = Contract.objects.of(acme.tenant).get(number="HT-1")
    line = first.lines.get()
    assert (first.effective_amount, first.status, first.sign_date) == (D("1234567.89"), "performing", date(2025, 3, 1))
    assert (line.amount, line.tax_code.code, first.owner) == (D("1234567.89"), "V9", acme.rep)
    version = first.versions.get()
    assert versions.is_intact(version) and version.amount == first.effective_amount
    assert Contract.objects.of(acme.tenant).get(number="HT-2").lines.get().tax_code.code == "V13"
    assert {*Account.objects.of(acme.tenant).values_list("status", flat=True)} == {"active"}


def test_what_is_wrong_comes_back_with_its_reason(taken):
    text = error_text(taken)
    assert "Only signed contracts are imported" in text
    assert "ends before it starts" in text


def test_a_second_run_adds_nothing(acme, taken):
    again = take_in(acme.admin, "contracts", FILE)
    assert counts(again) == (0, 0, 3, 2)
    assert Contract.objects.of(acme.tenant).count() == 2


def test_finance_imports_money_and_nothing_else(acme):
    with pytest.raises(Forbidden):
        allowed(acme.finance, "contracts")
    with pytest.raises(Forbidden):
        allowed(acme.finance, "leads")


__all__ = ["stored_elsewhere"]
