"""Worked cases of plans, due dates, buckets, provision and DSO (domain.md 7)."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.capitals import rmb_capitals
from crm.core.errors import Refused
from crm.core.taxes import from_gross, from_net, total, within_tolerance
from receivables import ageing_rules, plans
from receivables.due_dates import Shift, Term, due_date

AMOUNTS = st.decimals(min_value="0.00", max_value="99999999.99", places=2)


def amounts(text: str) -> list[D]:
    return [D(part) for part in text.split()]


@pytest.mark.parametrize(
    ("whole", "percents", "expected"),
    [
        ("100000.01", "30 30 30 10", "30000.00 30000.00 30000.00 10000.01"),
        ("999999.99", "30 30 30 10", "300000.00 300000.00 300000.00 99999.99"),
        ("100.00", "33.33 33.33 33.34", "33.33 33.33 33.34"),
    ],
)
def test_wc01_percent_plans(whole, percents, expected):
    assert plans.by_percent(D(whole), amounts(percents)) == amounts(expected)


def test_wc01_equal_plans():
    assert plans.equal(D("100000.00"), 12) == [D("8333.33")] * 11 + [D("8333.37")]
    assert plans.equal(D("100.00"), 3) == amounts("33.33 33.33 33.34")


@pytest.mark.parametrize(
    ("whole", "percents", "code"),
    [("0.05", "30 30 30 10", "PLAN_BALANCE_NEGATIVE"), ("100.00", "30 30 30", "PLAN_PERCENT")],
)
def test_wc01_refusals(whole, percents, code):
    with pytest.raises(Refused) as refusal:
        plans.by_percent(D(whole), amounts(percents))
    assert refusal.value.code == code


@given(AMOUNTS, st.integers(1, 60))
def test_parts_always_add_up(whole, parts):
    lines = plans.equal(whole, parts)
    assert sum(lines) == whole
    assert len(lines) == parts


@pytest.mark.parametrize(
    ("gross", "rate", "net", "tax"),
    [
        ("100.00", "0.13", "88.50", "11.50"),
        ("10000.00", "0.09", "9174.31", "825.69"),
        ("10000.00", "0.06", "9433.96", "566.04"),
        ("10000.00", "0.03", "9708.74", "291.26"),
        ("10000.00", "0.01", "9900.99", "99.01"),
        ("60000.00", "0.06", "56603.77", "3396.23"),
        ("6000.00", "0.06", "5660.38", "339.62"),
    ],
)
def test_wc02_vat_from_gross(gross, rate, net, tax):
    line = from_gross(D(gross), D(rate))
    assert (line.net, line.tax) == (D(net), D(tax))
    assert within_tolerance(line, D(rate))


def test_wc02_totals_are_sums_of_lines():
    document = total([from_gross(D("33.33"), D("0.13"))] * 3)
    assert (document.net, document.tax) == (D("88.50"), D("11.49"))
    assert from_net(D("88.50"), D("0.13")).gross == D("100.01")
    rest = from_gross(D("60000.00"), D("0.06")) + -from_gross(D("6000.00"), D("0.06"))
    assert (rest.net, rest.tax) == (D("50943.39"), D("3056.61"))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1409.50", "壹仟肆佰零玖元伍角"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("1000000.00", "壹佰万元整"),
        ("100000001.00", "壹亿零壹元整"),
        ("10010.01", "壹万零壹拾元零壹分"),
        ("100.10", "壹佰元壹角"),
        ("0.50", "伍角"),
        ("0.05", "伍分"),
        ("594000.00", "伍拾玖万肆仟元整"),
        ("0.00", "零元整"),
        ("-5.00", "负伍元整"),
    ],
)
def test_wc03_capitals(amount, text):
    assert rmb_capitals(D(amount)) == f"人民币{text}"


@pytest.mark.parametrize(
    ("base", "term", "n", "expected"),
    [
        (date(2024, 1, 31), Term.NET_DAYS, 30, date(2024, 3, 1)),
        (date(2024, 1, 31), Term.MONTHS, 1, date(2024, 2, 29)),
        (date(2023, 1, 31), Term.MONTHS, 1, date(2023, 2, 28)),
        (date(2023, 12, 31), Term.MONTHS, 2, date(2024, 2, 29)),
        (date(2024, 1, 15), Term.END_OF_MONTH, 30, date(2024, 3, 1)),
        (date(2024, 1, 15), Term.MONTH_END_AFTER, 1, date(2024, 2, 29)),
    ],
)
def test_wc12_due_dates(base, term, n, expected):
    assert due_date(base, term, n) == expected


def test_a_due_date_can_avoid_days_without_work():
    saturday = date(2024, 6, 15)
    assert due_date(saturday, Term.NET_DAYS, 0, Shift.NEXT) == date(2024, 6, 17)
    assert due_date(saturday, Term.NET_DAYS, 0, Shift.PREVIOUS) == date(2024, 6, 14)


@pytest.mark.parametrize(
    ("on", "days", "name"),
    [
        (date(2024, 1, 31), 0, "current"), (date(2024, 2, 1), 1, "1-30"), (date(2024, 2, 29), 29, "1-30"),
        (date(2024, 3, 1), 30, "1-30"), (date(2024, 3, 2), 31, "31-60"), (date(2024, 3, 31), 60, "31-60"),
        (date(2024, 4, 1), 61, "61-90"), (date(2024, 4, 30), 90, "61-90"), (date(2024, 5, 1), 91, "90+"),
    ],
)  # fmt: skip
def test_wc11_buckets(on, days, name):
    due = date(2024, 1, 31)
    assert ageing_rules.age(due, on) == days
    assert ageing_rules.BUCKETS[ageing_rules.bucket(due, on)] == name


def test_wc13_provision():
    def need(balances, rates):
        rows = dict(enumerate(amounts(balances)))
        return ageing_rules.provision(rows, {key: D(rate) / 100 for key, rate in enumerate(rates.split())})

    a = need("500000.00 120000.33 80000.00 33333.33 20000.01", "0.5 2 5 10 50")
    assert list(a.values()) == amounts("2500.00 2400.01 4000.00 3333.33 10000.01")
    assert sum(a.values()) == D("22233.35")
    assert sum(need("15000 7500 4000 2500", "0.5 2.2 2.7 4.5").values()) == D("460.50")
    assert sum(need("15000000 7500000 4000000 2500000 1000000", "0.3 1.6 3.6 6.6 10.6").values()) == D("580000")
    assert need("0.99", "1.5") == {0: D("0.01")}
    assert ageing_rules.charge(D("20000.00"), D("22233.35"), D("1500.00"), D("200.00")) == D("3533.35")


def test_wc14_dso_and_collection_rate():
    assert ageing_rules.dso_simple(D(200000), D(2000000), 365) == D("36.50")
    months = [(D(100000), 31), (D(80000), 29), (D(70000), 31)]
    assert ageing_rules.dso_count_back(D(212000), months) == ageing_rules.CountBack(D("74.17"))
    assert ageing_rules.dso_count_back(D(300000), months) == ageing_rules.CountBack(D("91.00"), is_more=True)
    assert ageing_rules.collection_rate(D(410000), D(600000)) == D("68.33")
