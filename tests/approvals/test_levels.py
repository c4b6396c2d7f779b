"""Which levels decide (domain.md 6.8, WC-25)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm.core.approvals.levels import cumulative, deciding_amount, route, standard_levels, thresholds
from crm.core.approvals.subjects import Facts

TODAY = date(2026, 6, 30)


def levels(amount, nodes=None, **facts) -> list[str]:
    amount = None if amount is None else Decimal(amount)
    return [node["key"] for node in route(nodes or standard_levels(), Facts(amount=amount, **facts))]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0.00", ["manager"]),
        ("99999.99", ["manager"]),
        ("100000.00", ["manager", "finance"]),
        ("499999.99", ["manager", "finance"]),
        ("500000.00", ["manager", "finance", "legal"]),
        ("999999.99", ["manager", "finance", "legal"]),
        ("1000000.00", ["manager", "finance", "legal", "gm"]),
        (None, ["manager", "finance", "legal", "gm"]),
    ],
)
def test_a_level_is_entered_at_its_threshold(amount, expected):
    assert levels(amount) == expected


def test_a_rise_over_a_threshold_is_decided_by_the_new_total():
    amount = deciding_amount(Decimal(30_000), approved_total=Decimal(480_000), on=TODAY)
    assert amount == Decimal(510_000)
    assert levels(amount) == ["manager", "finance", "legal"]


def test_three_small_changes_count_together():
    """−40 000 three times in 60 days on 450 000: the third is decided as 120 000."""
    total, earlier, seen = Decimal(450_000), [], []
    for days_ago in (60, 30, 0):
        on = TODAY - timedelta(days=days_ago)
        seen.append(deciding_amount(Decimal(-40_000), approved_total=total, on=on, earlier=earlier))
        earlier.append((on, Decimal(-40_000)))
        total -= 40_000
    assert seen == [Decimal(40_000), Decimal(80_000), Decimal(120_000)]
    assert [levels(amount) for amount in seen] == [["manager"], ["manager"], ["manager", "finance"]]


def test_only_the_last_ninety_days_count():
    at = lambda days: [(TODAY - timedelta(days=days), Decimal(70_000))]  # noqa: E731
    assert cumulative(Decimal(-1), at(89), on=TODAY) == 70_001
    assert cumulative(Decimal(-1), at(90), on=TODAY) == 1
    assert cumulative(Decimal(-1), at(-1), on=TODAY) == 1


def test_the_thresholds_are_the_flows_own():
    assert thresholds(standard_levels()) == [100_000, 500_000, 1_000_000]
    steps = [Decimal(20_000)]
    assert deciding_amount(Decimal(1), approved_total=Decimal(19_999), on=TODAY, steps=steps) == 20_000
    assert deciding_amount(Decimal(1), approved_total=Decimal(19_999), on=TODAY) == 1


def node(**when):
    return [{"key": "it", "name": "It", "assignee": {}, "when": when}]


@pytest.mark.parametrize(
    ("when", "facts", "applies"),
    [
        ({"max_amount": "100"}, {"amount": Decimal("99.99")}, True),
        ({"max_amount": "100"}, {"amount": Decimal(100)}, False),
        ({"below_floor": True}, {"below_floor": True}, True),
        ({"below_floor": True}, {}, False),
        ({"nonstandard": True}, {"nonstandard": True}, True),
        ({"money": True}, {}, False),
        ({"min_discount": "0.15"}, {"discount": Decimal("0.15")}, True),
        ({"min_discount": "0.15"}, {"discount": Decimal("0.1499")}, False),
        ({"min_discount": "0.15"}, {}, False),
        ({"team": [7, 8]}, {"team_id": 8}, True),
        ({"team": 7}, {"team_id": 9}, False),
        ({"min_amount": "5", "nonstandard": True}, {"amount": Decimal(9)}, False),
        ({"min_amount": "5", "nonstandard": True, "match": "any"}, {"amount": Decimal(9)}, True),
        ({"min_amount": "5", "nonstandard": True, "match": "any"}, {"amount": Decimal(4)}, False),
    ],
)
def test_conditions(when, facts, applies):
    assert bool(route(node(**when), Facts(**facts))) is applies


def test_facts_survive_json():
    facts = Facts(amount=Decimal("10.50"), discount=Decimal("0.1"), money=True, team_id=3)
    assert Facts.from_plain(facts.plain()) == facts
