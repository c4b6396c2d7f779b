"""Derived sums of contracts, and what makes planned receivables fall due (domain.md 6.15)."""

from datetime import date
from decimal import Decimal as D

import pytest
import time_machine

from crm.core import records
from receivables.figures import figures, figures_of

pytestmark = pytest.mark.django_db


@time_machine.travel("2024-02-10T04:00:00Z")
def test_the_sums_of_a_contract(acme, ledger, receive):
    receive("10000.00", contract=ledger.contracts[0])
    assert figures(ledger.contracts[0]) == {
        "planned": D("60000.00"), "invoiced": D("0.00"), "collected": D("10000.00"), "balance": D("50000.00"),
        "overdue": D("20000.00"),
    }  # fmt: skip


@time_machine.travel("2024-01-31T16:30:00Z")
def test_overdue_begins_at_the_company_s_midnight(ledger):
    assert figures(ledger.contracts[0])["overdue"] == D("30000.00")


def test_many_contracts_cost_one_statement(acme, ledger, django_assert_num_queries):
    empty = records.create(
        type(ledger.contracts[0]), by=acme.rep, title="None", account=ledger.account, legal_entity=ledger.entity,
        owner=acme.rep,
    )  # fmt: skip
    records.update(ledger.D, by=acme.system, superseded=True)
    ledger.contracts[0].tenant = acme.tenant
    with django_assert_num_queries(1):
        found = figures_of([*ledger.contracts, empty])
    assert [found[contract.pk]["planned"] for contract in [*ledger.contracts, empty]] == [
        D("60000.00"), D("50000.00"), D("0.00"), D("0.00"),
    ]  # fmt: skip
    assert figures_of([]) == {}


def test_a_day_before_the_due_date_nothing_is_overdue(ledger):
    with time_machine.travel(date(2024, 1, 14)):
        assert {one["overdue"] for one in figures_of(ledger.contracts).values()} == {D("0.00")}
