"""Days of sales outstanding and collection rate from real rows, exact (WC-14)."""

from datetime import date
from decimal import Decimal as D

import pytest

from crm.core import records
from crm.core.calendars import Period
from receivables.actions import allocation
from receivables.ageing_rules import CountBack
from receivables.metrics.ageing import Question
from receivables.metrics.collection import collection
from receivables.metrics.dso import dso
from receivables.models import Invoice

from .test_ageing import owe

pytestmark = pytest.mark.django_db
FEBRUARY = Period.parse("2024-02")


def invoice(ledger, number: str, day: date, gross: str, blue=None):
    row = Invoice(
        tenant_id=ledger.account.tenant_id, number=number, date=day, account=ledger.account, gross=D(gross),
        contract=ledger.contracts[0], legal_entity=ledger.entity, net=D(gross), tax=D(0), blue=blue,
        is_red=blue is not None,
    )  # fmt: skip
    return records.append([row])[0]


@pytest.fixture
def quarter(acme, ledger):
    """Open 212,000.00 as of 2024-03-31; invoiced 70,000, 80,000 and 100,000 from January to March."""
    owe(acme, ledger, "X", "89654.33", date(2024, 3, 1))
    owe(acme, ledger, "UNSCHEDULED", "1000.00", None)
    invoice(ledger, "1", date(2024, 1, 31), "70000.00")
    invoice(ledger, "2", date(2024, 2, 1), "80000.00")
    blue = invoice(ledger, "3", date(2024, 3, 31), "100500.00")
    invoice(ledger, "4", date(2024, 3, 31), "-500.00", blue)
    invoice(ledger, "5", date(2024, 4, 1), "999.00")


def test_wc14_count_back(acme, quarter):
    found = dso(Question(acme.finance, date(2024, 3, 31)))
    assert found.receivable == D("212000.00")
    assert found.months[:4] == [
        (date(2024, 3, 1), D("100000.00")), (date(2024, 2, 1), D("80000.00")), (date(2024, 1, 1), D("70000.00")),
        (date(2023, 12, 1), D(0)),
    ]  # fmt: skip
    assert found.count_back == CountBack(D("74.17"))
    assert found.invoiced == D("250000.00")


def test_wc14_more_than_all_months_is_not_extrapolated(acme, ledger, quarter):
    owe(acme, ledger, "Y", "100000.00", date(2024, 3, 1))
    found = dso(Question(acme.finance, date(2024, 3, 31)))
    assert found.count_back.is_more
    assert found.count_back.days == 731  # 24 whole months up to March 2024


def test_wc14_simple(acme, ledger):
    owe(acme, ledger, "X", "200000.00", date(2023, 12, 1))
    for month in range(1, 9):
        invoice(ledger, str(month), date(2023, month, 5), "250000.00")
    found = dso(Question(acme.finance, date(2023, 12, 31)))
    assert (found.days, found.simple) == (365, D("36.50"))


def test_the_running_month_counts_as_far_as_it_has_passed(acme, ledger, quarter):
    found = dso(Question(acme.finance, date(2024, 3, 10)))
    assert found.days == 10 + 29 + 31 + 31 + 30 + 31 + 30 + 31 + 31 + 30 + 31 + 30


def test_others_see_nothing_of_it(acme, quarter):
    found = dso(Question(acme.other_rep, date(2024, 3, 31)))
    assert (found.receivable, found.invoiced, found.simple) == (0, 0, None)


def test_wc14_collection_rate(acme, ledger, receive):
    """Due in February 600,000.00; 410,000.00 of it came in within the month, the rest earlier, later or not at all."""
    big = owe(acme, ledger, "X", "570000.00", date(2024, 2, 10))
    for amount, on in (("380000.00", date(2024, 2, 12)), ("30000.00", date(2024, 2, 29)), ("7.00", date(2024, 3, 1))):
        receipt = receive(amount, received_on=on, automatic=False)
        allocation.allocate(receipt, {big.pk: receipt.amount}, by=acme.finance, effective=on)
    other = receive("10.00", received_on=date(2024, 2, 12), automatic=False)
    allocation.allocate(other, {ledger.A.pk: D("10.00")}, by=acme.finance, effective=date(2024, 2, 12))
    found = collection(acme.finance, FEBRUARY)
    assert (found.due, found.collected, found.rate) == (D("600000.00"), D("410000.00"), D("68.33"))
    assert collection(acme.finance, Period.parse("2022-02")).rate is None
    assert collection(acme.other_rep, FEBRUARY).due == 0
