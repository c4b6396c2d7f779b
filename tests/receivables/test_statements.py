"""Bank statements: layouts, encodings, balances, and that every line comes in once (WC-26, domain.md 6.21b)."""

import time
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction

from crm.core.errors import Forbidden, Refused, ValidationError
from receivables.actions import statements
from receivables.models import BankLine, Incoming, StatementFile
from receivables.statements import reading
from receivables.statements.keys import keyed

from .statements import HEADERS, csv, days, movement, upload, workbook

pytestmark = pytest.mark.django_db
MARCH = date(2024, 3, 1)


@pytest.fixture(autouse=True)
def files_elsewhere(settings, tmp_path):
    storages = {name: dict(kept) for name, kept in settings.STORAGES.items()}
    storages["default"]["OPTIONS"] = {"location": str(tmp_path)}
    settings.STORAGES = storages


@pytest.fixture
def bank(acme, ledger):
    return statements.create_bank_account(
        by=acme.finance, legal_entity=ledger.entity, name="ICBC main", number="6222 0001"
    )


def brought(acme, bank, content: bytes, name: str = "statement.csv") -> StatementFile:
    statement = statements.upload_statement(bank, by=acme.finance, file=upload(content, name))
    return statements.import_statement(statement, by=acme.finance)


def counted(acme) -> int:
    return BankLine.objects.of(acme.tenant).count()


def march(first: int, last: int):
    """Movements of days first..last, six a day."""
    for day in range(first, last + 1):
        for n in range(6):
            yield movement(date(2024, 3, day), f"{day * 10 + n}.00", f"Payer {n}", f"62{n}")


def test_wc26_every_line_comes_in_once(acme, bank):
    """80 new; the same file: none; 90 of which 40 overlap: 50 new, and the twins remain two."""
    first = list(march(1, 15))[:78]
    twins = [movement(date(2024, 3, 12), "5000.00", "Twin", "7777", "goods")] * 2
    alone, shared = first[:40], [*first[40:78], *twins]
    file1 = csv([*alone, *shared], balances=False)
    statement = brought(acme, bank, file1)
    assert (statement.lines_new, statement.lines_known) == (80, 0)
    with pytest.raises(Refused) as refusal:
        statements.upload_statement(bank, by=acme.finance, file=upload(file1))
    assert refusal.value.code == "FILE_ALREADY_IMPORTED"
    later = [movement(date(2024, 3, 16 + n % 16), f"{9000 + n}.00", "Later", "888") for n in range(50)]
    statement = brought(acme, bank, csv([*shared, *later], balances=False))
    assert (statement.lines_new, statement.lines_known, counted(acme)) == (50, 40, 130)
    assert BankLine.objects.of(acme.tenant).filter(counterparty="Twin").count() == 2
    assert Incoming.objects.of(acme.tenant).count() == 130


def test_wc26_a_balance_that_does_not_follow_flags_the_file(acme, bank):
    content = csv([movement(day, "10.00", "P") for day in days(MARCH, 6)], broken=3)
    statement = brought(acme, bank, content)
    assert statement.lines_new == 6
    assert [(gap["expected"], gap["found"]) for gap in statement.gaps] == [("1040.00", "1041.00")]
    assert brought(acme, bank, csv([movement(date(2024, 4, 1), "1.00")])).gaps == []


def test_the_bank_s_number_is_the_key_and_a_fee_of_the_same_number_survives(acme, bank):
    rows = [movement(MARCH, "100.00", "A", no="T1"), movement(MARCH, "-0.50", "Fee", no="T1")]
    assert brought(acme, bank, csv(rows)).lines_new == 2
    again = [*rows, movement(date(2024, 3, 2), "7.00", "B", no="T2")]
    assert brought(acme, bank, csv(again)).lines_new == 1


def read(content: bytes) -> reading.Reading:
    return reading.read(upload(content))


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-8", "utf-16"])
def test_encodings_and_a_title_above_the_headers(encoding):
    found = read(csv([movement(MARCH, "12.50", "苏州精工机械有限公司", "6222", "货款")], encoding=encoding))
    assert found.problems == []
    [row] = found.rows
    assert (row.day, row.credit, row.debit, row.balance) == (MARCH, D("12.50"), 0, D("1012.50"))
    assert (row.counterparty, row.counterparty_account, row.memo) == ("苏州精工机械有限公司", "6222", "货款")


def test_a_workbook_newest_first():
    head = ["工商银行历史明细", *[""] * 10]
    rows = [
        ["2024-03-02", "10:00:00", "", "30.00", "1,070.00", "B", "2", "", "", "", ""],
        ["2024-03-01", "09:00:00", "100.00", "", "1,100.00", "A", "1", "", "", "", ""],
    ]
    found = read(workbook([head, list(HEADERS), *rows]))
    assert [(row.counterparty, row.credit, row.debit) for row in found.rows] == [("A", 100, 0), ("B", 0, 30)]
    assert found.gaps == []


LAYOUTS = {
    "icbc": (
        "凭证号,本方账号,对方账号,交易时间,借/贷,借方发生额,贷方发生额,对方行号,摘要,用途,对方单位名称,余额,个性化信息",
        "0,6222,7777,2024-03-01 10:11:12,贷,,500.00,102,转账,HT-1货款,买方公司,1500.00,",
    ),
    "ccb": (
        "账号,账户名称,交易时间,借方发生额（支取）,贷方发生额（收入）,余额,币种,对方户名,对方账号,对方开户机构,"
        "记账日期,摘要,备注,账户明细编号-交易流水号,企业流水号,凭证种类,凭证号",
        "6222,Acme,20240301 10:11:12,0,500.00,1500.00,人民币元,买方公司,7777,某行,20240301,转账,HT-1货款,88-1,,,",
    ),
    "abc": (
        "交易时间戳,交易时间,收入金额,支出金额,本次余额,手续费总额,交易方式,交易行名,交易类别,对方省市,对方账号,对方户名,"
        "交易说明,交易摘要,交易附言",
        "2024030110111200001,2024-03-01 10:11:12,500.00,,1500.00,0,网银,某行,转账,,7777,买方公司,,转账,HT-1货款",
    ),
    "boc": (
        "交易类型[ Transaction Type ],业务类型[ Business type ],付款人开户行名[ Payer account bank ],"
        "付款人账号[ Debit Account No. ],付款人名称[ Payer's Name ],收款人账号[ Payee's Account Number ],"
        "收款人名称[ Payee's Name ],交易日期[ Transaction Date ],交易时间[ Transaction time ],"
        "交易金额[ Trade Amount ],交易后余额[ After-transaction balance ],"
        "交易流水号[ Transaction reference number ],摘要[ Reference ],用途[ Purpose ],交易附言[ Remark ]",
        "来账,转账,某行,7777,买方公司,6222,Acme,20240301,10:11:12,500.00,1500.00,88,转账,,HT-1货款",
    ),
    "cmb": (
        "账号,账号名称,币种,交易日,交易时间,起息日,交易类型,借方金额,贷方金额,余额,摘要,流水号,业务名称,用途,业务摘要,"
        "其它摘要,收/付方名称,收/付方账号,收/付方开户行名",
        "6222,Acme,人民币,20240301,101112,20240301,转账,,500.00,1500.00,转账,88,汇入,HT-1货款,,,买方公司,7777,某行",
    ),
    "bocom": (
        "交易日期,交易时间,借贷标志,发生额,余额,对方账号,对方户名,对方行名,摘要,附言",
        "2024-03-01,10:11:12,贷,500.00,1500.00,7777,买方公司,某行,转账,HT-1货款",
    ),
    "generic": ("Date,Money in,Money out,Counterparty,Memo", "2024-03-01,500.00,,买方公司,HT-1货款"),
}  # fmt: skip


@pytest.mark.parametrize("bank_name", LAYOUTS)
def test_the_layouts_of_the_banks(bank_name):
    headers, row = LAYOUTS[bank_name]
    found = read(f"{headers}\n{row}\n".encode())
    assert (found.profile, found.problems) == (bank_name, [])
    [line] = found.rows
    assert (line.day, line.credit, line.debit, line.counterparty) == (MARCH, D("500.00"), 0, "买方公司")
    assert "HT-1货款" in line.memo
    if bank_name != "generic":
        assert (line.balance, line.counterparty_account, line.time) == (D("1500.00"), "7777", "10:11:12")


def test_money_out_names_the_payee():
    headers, row = LAYOUTS["boc"]
    sides = "7777,买方公司,6222,Acme", "6222,Acme,9,供应商"
    paid = row.replace("来账", "往账").replace("500.00", "-500.00", 1).replace(*sides)
    [line] = read(f"{headers}\n{paid}\n".encode()).rows
    assert (line.credit, line.debit, line.counterparty) == (0, D("500.00"), "供应商")


def test_one_amount_with_a_direction():
    content = "日期,金额,借贷标志,对方户名\n2024-03-01,5.00,贷,A\n2024-03-02,3.00,借,B\n2024-03-03,1.00,?,C\n"
    found = read(content.encode())
    assert [(row.credit, row.debit) for row in found.rows] == [(5, 0), (0, 3)]
    assert [str(problem) for problem in found.problems] == [
        "Row 4: “?” does not say whether money came in or went out."
    ]


def test_an_unknown_layout_is_mapped_by_hand_and_remembered(acme, bank):
    content = b"Tag,Wert,Von\n2024-03-01,5.00,A\n"
    statement = statements.upload_statement(bank, by=acme.finance, file=upload(content))
    with pytest.raises(ValidationError, match="Say which column is"):
        statements.import_statement(statement, by=acme.finance)
    columns = {"day": "Tag", "amount": "Wert", "counterparty": "Von"}
    statements.choose_columns(statement, columns, by=acme.finance)
    assert statements.import_statement(statement, by=acme.finance).lines_new == 1
    assert brought(acme, bank, b"Tag,Wert,Von\n2024-03-02,6.00,A\n").lines_new == 1


def test_rows_that_cannot_be_read_keep_the_whole_file_out(acme, bank):
    content = csv([movement(MARCH, "5.00", "A")]).replace(b"20240301", b"someday")
    statement = statements.upload_statement(bank, by=acme.finance, file=upload(content))
    with pytest.raises(ValidationError, match="Row 3"), transaction.atomic():
        statements.import_statement(statement, by=acme.finance)
    assert counted(acme) == 0


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"MZ\x90\x00" + b"\0" * 99, "s.csv"), (b"<html><script>1</script></html>", "s.csv"), (b"", "s.csv"),
     (b"PK\x03\x04broken", "s.xlsx"), (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "s.csv")],
)  # fmt: skip
def test_hostile_files_are_refused_in_words(acme, bank, content, name):
    with pytest.raises((Refused, ValidationError)):
        statements.upload_statement(bank, by=acme.finance, file=upload(content, name))
    assert StatementFile.objects.of(acme.tenant).count() == 0


def test_only_finance_imports(acme, bank):
    for member in (acme.rep, acme.manager, acme.admin, acme.legal):
        with pytest.raises(Forbidden):
            statements.upload_statement(bank, by=member, file=upload(csv([movement(MARCH, "5.00")])))


def test_five_thousand_lines_in_seconds(acme, bank):
    rows = [movement(MARCH, f"{n + 1}.00", f"P{n % 90}", f"62{n % 90}", f"HT-{n}", no=f"T{n}") for n in range(5000)]
    content = csv(rows)
    started = time.perf_counter()
    assert brought(acme, bank, content).lines_new == 5000
    assert time.perf_counter() - started < 10


def test_keys_tell_identical_rows_of_one_day_apart():
    row = read(csv([movement(MARCH, "5.00", "A")], balances=False)).rows[0]
    keys = [key for key, _row in keyed([row, row, row])]
    assert len(set(keys)) == 3
    assert keys[:2] == [key for key, _row in keyed([row, row])]
