"""Signature, accepted batches and the final acceptance set due dates, once (domain.md 6.15, WC-12)."""

from datetime import date
from decimal import Decimal as D

import pytest

from contracts.models import Batch, Order
from crm.core import records
from receivables.actions import triggers
from receivables.models import Plan, Receivable

pytestmark = pytest.mark.django_db
DAY = date(2024, 1, 31)


@pytest.fixture
def wait(acme, ledger):
    """`wait("sign", "net_days", 7)` → a receivable of the first contract that waits for that moment."""

    def make(trigger: str, term: str, n: int, line: int = 1, plan=None):
        return records.create(
            Receivable, by=acme.system, number=f"W-{trigger}-{line}-{plan and plan.pk}", contract=ledger.contracts[0],
            account=ledger.account, legal_entity=ledger.entity, owner=acme.rep, original=D("100.00"), trigger=trigger,
            term=term, term_n=n, line=line, plan=plan,
        )  # fmt: skip

    return make


@pytest.fixture
def batch(acme, ledger):
    """`batch(order, 1, final=False)` → an accepted batch."""

    def make(order, number: int, final: bool = False):
        return records.create(
            Batch, by=acme.presales, order=order, number=number, planned_on=DAY, is_final=final, status="accepted",
            accepted_on=DAY,
        )  # fmt: skip

    return make


@pytest.fixture
def order(acme, ledger):
    return lambda number: records.create(Order, by=acme.rep, contract=ledger.contracts[0], number=number)


def due(*receivables) -> list:
    for one in receivables:
        one.refresh_from_db()
    return [one.due_date for one in receivables]


def test_signing(acme, ledger, wait):
    first, second = wait("sign", "net_days", 30), wait("date", "net_days", 7)
    contract = ledger.contracts[0]
    assert triggers.signed(contract, acme.rep) == []
    records.update(contract, by=acme.legal, sign_date=DAY)
    triggers.signed(contract, acme.rep)
    assert due(first, second) == [date(2024, 3, 1), None]
    assert first.issue_date == DAY
    records.update(contract, by=acme.legal, sign_date=date(2024, 5, 1))
    assert triggers.signed(contract, acme.rep) == []
    assert due(first) == [date(2024, 3, 1)]


def test_each_batch_moves_the_next_line_and_the_final_one_the_rest(acme, wait, batch, order):
    one, two, three = (wait("batch", "net_days", 15, line) for line in (1, 2, 3))
    accepted, warranty = wait("acceptance", "months", 1, 4), wait("warranty_end", "months", 12, 5)
    order = order("O1")
    triggers.accepted(batch(order, 1), acme.rep, DAY)
    assert due(one, two, three, accepted, warranty) == [date(2024, 2, 15), None, None, None, None]
    triggers.accepted(batch(order, 2, final=True), acme.rep, DAY)
    late = [date(2024, 2, 15)] * 3
    assert due(one, two, three, accepted, warranty) == [*late, date(2024, 2, 29), date(2025, 1, 31)]


def test_a_contract_is_accepted_when_its_last_order_is(acme, wait, batch, order):
    acceptance, warranty = wait("acceptance", "net_days", 15), wait("warranty_end", "months", 12)
    first, second, cancelled = order("O1"), order("O2"), order("O3")
    records.move(cancelled, "cancelled", by=acme.rep, verb="cancelled")
    triggers.accepted(batch(first, 1, final=True), acme.rep, DAY)
    assert due(acceptance, warranty) == [None, None]
    triggers.accepted(batch(second, 1, final=True), acme.rep, DAY)
    assert due(acceptance, warranty) == [date(2024, 2, 15), date(2025, 1, 31)]


def test_the_plan_of_an_order_hears_of_its_order_alone(acme, ledger, wait, batch, order):
    first, second = order("O1"), order("O2")
    plans = [
        records.create(Plan, by=acme.rep, contract=ledger.contracts[0], order=one, lines=[{}])
        for one in (first, second)
    ]
    mine, other = (wait("acceptance", "net_days", 0, 1, plan) for plan in plans)
    triggers.accepted(batch(first, 1, final=True), acme.rep, DAY)
    assert due(mine, other) == [DAY, None]


def test_the_warranty_may_begin_by_itself(acme, ledger, wait):
    retention = wait("warranty_end", "months", 12)
    triggers.warranty_begins(ledger.contracts[0], acme.rep, DAY)
    assert due(retention) == [date(2025, 1, 31)]
