"""The cash calendar by a case done by hand, its snapshots that never change, and numbers that equal their rows."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
import time_machine
from django.db import DatabaseError, transaction

from accounts import actions as accounts
from crm.core import records
from opportunities import actions as opportunities
from opportunities.models import Opportunity
from receivables import cash_jobs
from receivables.actions import allocation
from receivables.actions.receipts import post_receipt
from receivables.cash_measures import SHIPPED, company_delay, measure, plan, usual_terms
from receivables.cash_periods import Span
from receivables.metrics import cash, cash_accuracy
from receivables.models import CashForecast, CashSnapshot, PaymentDelay, Receivable

pytestmark = pytest.mark.django_db
TODAY = date(2024, 3, 20)  # a Wednesday
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel("2024-03-20T04:00:00Z", tick=False):
        yield


def view(member) -> cash.View:
    return cash.View(member, "CNY", TODAY)


def months(member) -> dict[str, cash.Line]:
    return {line.span.text: line for line in cash.calendar(view(member), "month").lines}


def owe(acme, ledger, number: str, amount: str, due, account=None, **values) -> Receivable:
    values = {"owner": acme.rep, **values}
    return records.create(
        Receivable, by=acme.system, number=number, contract=ledger.contracts[0], account=account or ledger.account,
        legal_entity=ledger.entity, original=D(amount), due_date=due, **values,
    )  # fmt: skip


def pay(acme, ledger, receivable, on: date) -> None:
    receipt = post_receipt(
        by=acme.finance, legal_entity=ledger.entity, amount=receivable.original, received_on=on,
        account=receivable.account, automatic=False,
    )  # fmt: skip
    allocation.allocate(receipt, {receivable.pk: receivable.original}, by=acme.finance, effective=on)


@pytest.fixture
def payments(acme, ledger):
    """Buyer pays 5, 10 and 30 days late; Quick pays once, on the day; the company's median of all four is 5 or 10."""
    quick = accounts.create_account(by=acme.rep, name="Quick")
    for n, late in enumerate((5, 10, 30)):
        one = owe(acme, ledger, f"P{n}", "100.00", date(2024, 1, 10))
        pay(acme, ledger, one, date(2024, 1, 10) + late * DAY)
    pay(acme, ledger, owe(acme, ledger, "Q", "100.00", date(2024, 1, 10), account=quick), date(2024, 1, 10))
    measure(acme.tenant, TODAY)
    return quick


def test_the_delay_is_the_customers_median_else_the_companys(acme, ledger, payments):
    delays = {row.account_id: (row.days, row.sample) for row in PaymentDelay.objects.of(acme.tenant)}
    assert delays == {ledger.account.pk: (10, 3), None: (5, 4)}
    assert company_delay(acme.tenant).days == 5


def test_measuring_again_replaces_and_reversals_do_not_count(acme, ledger, payments):
    rows = list(allocation.Allocation.objects.of(acme.tenant).filter(receivable__number__in=["P2"]))
    allocation.unallocate(rows[0], by=acme.finance)
    measure(acme.tenant, TODAY)
    assert PaymentDelay.objects.of(acme.tenant).get(account=None).sample == 3


def test_expected_receivables_by_hand(acme, ledger, payments):
    """A, B, D (Buyer, 10 days) and C; E of Quick, whose one payment is too few: 5 days."""
    owe(acme, ledger, "E", "500.00", date(2024, 4, 28), account=payments)
    owe(acme, ledger, "F", "700.00", None)
    owe(acme, ledger, "G", "900.00", date(2024, 4, 1), disputed=True)
    found = months(acme.finance)
    # A due 01-31, B due 02-29, D due 01-15 are late beyond 10 days: expected today. C due 03-31 → 04-10. E → 05-03.
    assert found["2024-03"].receivables == D("30000.00") + D("30000.00") + D("12345.67")
    assert found["2024-04"].receivables == D("50000.00")
    assert found["2024-05"].receivables == D("500.00")
    assert found["2024-02"].receivables is None
    assert found["2024-03"].planned == D("50000.00")
    assert cash.calendar(view(acme.finance), "month").apart == {
        "undated": D("700.00"), "disputed": D("900.00"), "vague": 0,
    }  # fmt: skip


def test_what_came_in_and_the_sum_of_a_period(acme, ledger, payments):
    found = months(acme.finance)
    assert found["2024-01"].received == D("300.00")  # 01-10, 01-15, 01-20
    assert found["2024-02"].received == D("100.00")
    assert found["2024-04"].received is None
    assert found["2024-03"].total == found["2024-03"].received + found["2024-03"].receivables


def deal(acme, ledger, amount, closes, probability, **values) -> Opportunity:
    made = opportunities.open_opportunity(
        by=acme.rep, account=ledger.account, name="Deal", amount=D(amount), close_date=closes
    )
    records.update(made, by=acme.rep, probability=D(probability))
    made.refresh_from_db()
    return made


def test_open_deals_by_the_shipped_plan_to_the_cent(acme, ledger, payments):
    """100,000.01 × 0.5 = 50,000.01 (half up): 15,000.00 + 15,000.01 + 15,000.00 + 5,000.00, close 04-01, 10 days."""
    assert usual_terms(acme.tenant) == SHIPPED
    one = deal(acme, ledger, "100000.01", date(2024, 4, 1), "0.5")
    assert one.weighted == D("50000.01")
    found = months(acme.finance)
    # 04-01 + 7 + 10 = 04-18; + 60 + 10 = 06-10; + 90 + 10 = 07-10; + 365 + 10 lies beyond the calendar.
    assert found["2024-04"].opportunities == D("15000.00")
    assert found["2024-06"].opportunities + found["2024-07"].opportunities == D("30000.01")
    days = company_delay(acme.tenant).days
    parts = [cash.expected_deals(cash.deals_of(acme.tenant), term, TODAY, days).get().expected for term in SHIPPED]
    assert sum(parts) == one.weighted


def test_a_close_date_of_the_past_counts_from_today_and_vague_deals_stand_apart(acme, ledger, payments):
    deal(acme, ledger, "1000.00", date(2024, 1, 1), "0.5")
    opportunities.open_opportunity(by=acme.rep, account=ledger.account, name="No amount")
    found = cash.calendar(view(acme.finance), "month")
    assert {line.span.text: line.opportunities for line in found.lines}["2024-04"] == D("150.00")  # 03-20 + 17
    assert found.apart["vague"] == 1


def test_the_usual_plan_is_the_median_of_contracts(acme, ledger):
    """Shares 30/70, 40/60, 50/50 of advance and acceptance; days 10, 20, 30 and 100, 110, 120."""
    for row in (ledger.A, ledger.B, ledger.C, ledger.D):
        records.update(row, by=acme.finance, superseded=True)
    for n, contract in enumerate(ledger.contracts):
        records.update(contract, by=acme.rep, sign_date=date(2024, 1, 1))
        share = D("300.00") + 100 * n
        owe(acme, ledger, f"a{n}", str(share), date(2024, 1, 11) + 10 * n * DAY, kind="advance")
        owe(acme, ledger, f"b{n}", str(1000 - share), date(2024, 4, 10) + 10 * n * DAY, kind="acceptance")
        for one in Receivable.objects.of(acme.tenant).filter(number__in=[f"a{n}", f"b{n}"]):
            records.update(one, by=acme.finance, contract=contract)
    measure(acme.tenant, TODAY)
    assert [(t.kind, t.share, t.days, t.sample) for t in usual_terms(acme.tenant)] == [
        ("advance", D("0.4"), 20, 3), ("acceptance", D("0.6"), 110, 3),
    ]  # fmt: skip


def test_a_plan_is_brought_to_exactly_one():
    terms = plan([("a", D("0.333333"), 30, 3), ("b", D("0.333333"), 60, 3), ("c", D("0.333333"), 10, 3)])
    assert [term.kind for term in terms] == ["c", "a", "b"]
    assert (terms[0].start, terms[-1].end) == (0, 1)
    assert sum(term.share for term in terms) == 1


def test_weeks_and_months_hold_the_same_money(acme, ledger, payments):
    by_week = cash.calendar(view(acme.finance), "week").lines
    assert all(line.span.first.weekday() == 0 for line in by_week)
    assert sum(line.receivables or 0 for line in by_week) == D("122345.67")
    assert {line.span.text: line.receivables for line in by_week}["2024-W15"] == D("50000.00")


@pytest.mark.parametrize("by", ["month", "week"])
def test_every_number_equals_its_rows(acme, ledger, payments, by):
    deal(acme, ledger, "100000.01", date(2024, 4, 1), "0.5")
    numbers = 0
    for line in cash.calendar(view(acme.finance), by).lines:
        for what in ("planned", "receivables", "opportunities", "received"):
            behind = cash.behind(view(acme.finance).rows(what, line.span), what, 1000)
            assert sum((row.expected for row in behind.rows), D(0)) == behind.total
            if (number := getattr(line, what)) is not None:
                assert behind.total == number, (what, line.span.text)
                numbers += bool(number)
    assert numbers > 5


def test_everybody_sees_his_reach(acme, ledger, payments):
    owe(acme, ledger, "S", "1000.00", date(2024, 4, 1), owner=acme.other_rep)
    members = ("rep", "peer", "manager", "other_rep")
    seen = {name: months(getattr(acme, name))["2024-04"].receivables for name in members}
    assert seen == {"rep": D("50000.00"), "peer": 0, "manager": D("50000.00"), "other_rep": D("1000.00")}
    assert months(acme.finance)["2024-04"].receivables == D("51000.00")


def test_a_snapshot_is_taken_once_and_never_changes(acme, ledger, payments):
    deal(acme, ledger, "100000.01", date(2024, 4, 1), "0.5")
    kept = cash.take_snapshot(acme.tenant, TODAY)
    before = sorted(CashForecast.objects.of(acme.tenant).values_list("slot", "source", "amount", "count"))
    april = [row for row in before if row[0].month == 4]
    assert sum(row[2] for row in april if row[1] == "receivable") == D("50000.00")
    assert sum(row[2] for row in before if row[1] == "opportunity") == D("50000.01")
    pay(acme, ledger, ledger.C, TODAY)
    assert cash.take_snapshot(acme.tenant, TODAY) is None
    assert sorted(CashForecast.objects.of(acme.tenant).values_list("slot", "source", "amount", "count")) == before
    for rows in (CashForecast.objects.of(acme.tenant), CashSnapshot.objects.of(acme.tenant)):
        for change in (lambda rows=rows: rows.update(tenant=acme.tenant), lambda rows=rows: rows.delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
    assert kept.taken_on == TODAY


def test_the_job_keeps_one_forecast_a_local_day(acme, ledger):
    assert cash_jobs.keep(acme.tenant) is True
    assert cash_jobs.keep(acme.tenant) is False
    with time_machine.travel("2024-03-20T16:30:00Z", tick=False):  # the 21st in Shanghai
        assert cash_jobs.keep(acme.tenant) is True
    days = CashSnapshot.objects.of(acme.tenant).order_by("taken_on").values_list("taken_on", flat=True)
    assert list(days) == [date(2024, 3, 20), date(2024, 3, 21)]


def test_what_was_forecast_against_what_came_in(acme, ledger, payments):
    """Forecast for April on 2024-03-25 (T−7): 50,000.00; 40,000.00 come in: 25 % too much."""
    cash.take_snapshot(acme.tenant, date(2024, 3, 22))
    with time_machine.travel("2024-05-02T04:00:00Z", tick=False):
        post_receipt(by=acme.finance, legal_entity=ledger.entity, amount=D("40000.00"), received_on=date(2024, 4, 9),
                     account=ledger.account, automatic=False)  # fmt: skip
        rows = cash_accuracy.accuracy(cash.View(acme.finance, "CNY", date(2024, 5, 2)))
        april = next(row for row in rows if row.span == Span.of(date(2024, 4, 1), "month"))
        assert april.received == D("40000.00")
        assert april.cells[:3] == [None, None, None]
        assert (april.cells[3].taken_on, april.cells[3].amount, april.cells[3].error) == (
            date(2024, 3, 22), D("50000.00"), D("0.2500"),
        )  # fmt: skip
        peers = cash_accuracy.accuracy(cash.View(acme.peer, "CNY", date(2024, 5, 2)))
        assert next(row for row in peers if row.span == april.span).cells[3].amount == 0


PATHS = [
    "", "?by=week", "rows/receivables/?period=2024-04", "rows/opportunities/?period=x",
    "rows/received/?period=2024-W15", "accuracy/", "delays/",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_pages_answer_and_cost_the_same_for_many(acme, ledger, payments, sign_in, path, django_assert_max_num_queries):
    client = sign_in(acme.rep)
    deal(acme, ledger, "100000.01", date(2024, 4, 1), "0.5")
    assert client.get(f"/acme/cash/{path}").status_code == 200
    with django_assert_max_num_queries(20) as few:
        client.get(f"/acme/cash/{path}")
    for n in range(30):
        owe(acme, ledger, f"M{n}", "10.00", date(2024, 4, 1) + n * DAY)
    with django_assert_max_num_queries(20) as many:
        client.get(f"/acme/cash/{path}")
    assert len(few) == len(many)
    assert client.get("/acme/cash/rows/nonsense/").status_code == 404
    assert sign_in(acme.legal).get(f"/acme/cash/{path}").status_code == 403


def test_rest(acme, ledger, payments, api):
    cash.take_snapshot(acme.tenant, date(2024, 2, 23))
    found = api(acme.finance)("get", "cash-calendar/").json()
    line = next(row for row in found["periods"] if row["period"] == "2024-04")
    assert (line["receivables"], line["received"], found["company_delay_days"]) == ("50000.00", None, 5)
    assert api(acme.finance)("get", "cash-calendar/", {"by": "year"}).status_code == 400
    assert api(acme.finance)("get", "cash-calendar/", {"currency": "XXX"}).status_code == 400
    months_ = api(acme.rep)("get", "cash-calendar/accuracy/").json()["months"]
    assert months_[0]["forecasts"]["7"]["taken_on"] == "2024-02-23"
    assert api(acme.legal)("get", "cash-calendar/").status_code == 403
