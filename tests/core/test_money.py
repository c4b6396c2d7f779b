"""Amounts: strict reading, half-up rounding, and sums that add up (domain.md 0.1, 6.10, WC-15)."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from crm.core.money import (
    JSON_AMOUNT,
    LARGEST,
    from_json,
    from_minor,
    minor_units,
    money,
    read_amount,
    round_half_up,
    to_json,
    weighted,
)

amounts = st.decimals(-LARGEST, LARGEST, places=2)


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [("0.005", 2, "0.01"), ("-0.005", 2, "-0.01"), ("2.345", 2, "2.35"), ("2.344999", 2, "2.34"), ("2.5", 0, "3")],
)
def test_half_up(value, places, expected):
    assert str(round_half_up(Decimal(value), places)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12", "12.00"), ("12.3", "12.30"), ("-12.34", "-12.34"), (5, "5.00"), (Decimal("1E+2"), "100.00"),
     ("-0.00", "0.00"), (Decimal("1.2300"), "1.23"), (LARGEST, "9999999999999999.99")],
)  # fmt: skip
def test_money_reads(value, expected):
    assert str(money(value)) == expected


@pytest.mark.parametrize(
    "value",
    ["", " 1", "1,000.00", "1.234", "1e3", "NaN", "Infinity", "１２", "0x1", "--1", "1.", ".5", Decimal("NaN"),
     Decimal("-Infinity"), Decimal("sNaN"), Decimal("0.001"), LARGEST + 1, "9" * 5000, 10**400],
)  # fmt: skip
def test_money_refuses(value):
    with pytest.raises(ValidationError):
        money(value)


@pytest.mark.parametrize("value", [1.0, True, None, b"1", float("nan")])
def test_floats_have_no_way_in(value):
    for act in (money, round_half_up, minor_units, lambda v: weighted(v, 10), lambda v: weighted(Decimal(1), v)):
        with pytest.raises(TypeError):
            act(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("¥1,234.5", "1234.50"), ("１２００ 元", "1200.00"), ("-3,000.00", "-3000.00"), ("-¥5", "-5.00"), ("7.", "7.00"),
     ("RMB 1 000 000", "1000000.00"), ("0.125", "0.13"), ("人民币12元整", "12.00"), ("$0.30000000000000004", "0.30")],
)  # fmt: skip
def test_amounts_as_people_write_them(text, expected):
    assert str(read_amount(text)) == expected


@pytest.mark.parametrize("text", ["", "元", "1,23.00", "12,34,567", "1.2.3", "十元", "5万", "1e9", "9" * 30, "٣"])
def test_what_is_no_amount_is_said(text):
    with pytest.raises(ValidationError):
        read_amount(text)


@given(amounts)
def test_json_and_minor_units_are_exact(amount):
    assert JSON_AMOUNT.fullmatch(to_json(amount))
    assert from_json(to_json(amount)) == amount
    assert from_minor(minor_units(amount)) == amount


@pytest.mark.parametrize("sent", ["1", "1.5", "1.234", "+1.00", " 1.00", "1.00\n", "", 1.5, 1, None, "NaN", "１.00"])
def test_json_amounts_are_text_with_two_places(sent):
    with pytest.raises(ValidationError):
        from_json(sent)


@pytest.mark.parametrize(
    ("amount", "percent", "expected"),
    [("2000000", 10, "200000.00"), ("1500000", 30, "450000.00"), ("1000000", 50, "500000.00"),
     ("600000", 80, "480000.00"), ("400000", 100, "400000.00"), ("333.33", 10, "33.33"), ("0.05", 10, "0.01"),
     ("100", Decimal("33.333333"), "33.33")],
)  # fmt: skip
def test_weighted(amount, percent, expected):
    assert str(weighted(Decimal(amount), percent)) == expected


def test_three_weighted_deals_add_up_to_what_is_shown():
    assert sum(weighted(Decimal("333.33"), 10) for _ in range(3)) == Decimal("99.99")


@pytest.mark.parametrize("percent", [-1, 101, Decimal("100.01")])
def test_a_probability_is_a_percentage(percent):
    with pytest.raises(ValidationError):
        weighted(Decimal(1), percent)
