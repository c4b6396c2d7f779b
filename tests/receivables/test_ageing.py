"""Ageing as of any date: to the day, reproducible, the same from balances and from the ledger (WC-11, INV-R12, R13)."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions import create_account
from crm.core import records
from crm.core.errors import Refused
from receivables import ageing_rules
from receivables.actions import allocation, refunds
from receivables.metrics import ageing
from receivables.metrics.ageing import UNALLOCATED, UNSCHEDULED, Question
from receivables.models import ArEntry, Receipt, Receivable

from .conftest import make_ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(acme):
    """`ask("2024-02-29", by="contract")` → the table as finance sees it."""

    def table(day: str, **values):
        member = values.pop("member", acme.finance)
        return ageing.table(question(member, day, **values))

    return table


def question(member, day: str, **values) -> Question:
    return Question(member, date.fromisoformat(day), **values)


def owe(cast, ledger, number: str, amount: str, due: date | None, contract: int = 0, **values):
    receivable = records.create(
        Receivable, by=cast.system, number=number, contract=ledger.contracts[contract], account=ledger.account,
        legal_entity=ledger.entity, owner=cast.rep, original=D(amount), due_date=due, **values,
    )  # fmt: skip
    day = due or date(2024, 1, 1)
    records.append([
        ArEntry(tenant=cast.tenant, receivable=receivable, type="OPEN", amount=D(amount), effective_date=day)
    ])  # fmt: skip
    return receivable


def amounts(row) -> dict[int, D]:
    return {bucket: amount for bucket, amount in row.sums.items() if amount}


@pytest.mark.parametrize(
    ("day", "bucket"),
    [
        ("2024-01-31", 0), ("2024-02-01", 1), ("2024-02-29", 1), ("2024-03-01", 1), ("2024-03-02", 2),
        ("2024-03-31", 2), ("2024-04-01", 3), ("2024-04-30", 3), ("2024-05-01", 4),
    ],
)  # fmt: skip
def test_wc11_month_ends(acme, ledger, day, bucket):
    """Receivable A, due 2024-01-31 in a leap year, by the ledger."""
    asked = question(acme.finance, day, contracts=[ledger.contracts[0].pk])
    found = {item.id: item.bucket for item in ageing.items(asked)}
    assert found[ledger.A.pk] == bucket == ageing_rules.bucket(ledger.A.due_date, asked.as_of)


def test_wc11_without_a_leap_year(acme, ledger):
    old = owe(acme, ledger, "OLD", "1.00", date(2023, 1, 31))
    for day, bucket in (("2023-03-02", 1), ("2023-03-03", 2)):
        assert [(item.id, item.bucket) for item in ageing.items(question(acme.finance, day))] == [(old.pk, bucket)]


def test_wc11_today_is_the_company_s_day(acme, ledger):
    with time_machine.travel("2024-01-31T16:30:00Z"):
        asked = Question(acme.finance, acme.tenant.today())
        assert (asked.as_of, asked.is_now) == (date(2024, 2, 1), True)
        assert ledger.A.pk in {item.id for item in ageing.items(asked, 1)}


@pytest.fixture
def old_books(acme):
    """The receivables of WC-05, entered on 2024-01-01."""
    with time_machine.travel("2024-01-01T02:00:00Z"):
        return make_ledger(acme)


def pay_a(acme, books):
    """A is paid on 2024-02-10; finance records it on 2024-03-05."""
    from receivables.actions.receipts import post_receipt

    paid = date(2024, 2, 10)
    with time_machine.travel("2024-03-05T02:00:00Z"):
        receipt = post_receipt(
            by=acme.finance, legal_entity=books.entity, amount=D("30000.00"), received_on=paid, automatic=False,
            account=books.account,
        )  # fmt: skip
        allocation.allocate(receipt, {books.A.pk: D("30000.00")}, by=acme.finance, effective=paid)


END_OF_FEBRUARY = datetime(2024, 2, 29, 15, 59, 59, tzinfo=UTC)


def test_wc11_paid_in_february_recorded_in_march(acme, old_books, ask):
    before = ask("2024-02-29", cutoff=END_OF_FEBRUARY)
    pay_a(acme, old_books)
    with time_machine.travel("2024-04-10T02:00:00Z"):
        assert amounts(ask("2024-02-29").total) == {0: D("30000.00"), 2: D("12345.67")}
        assert amounts(ask("2024-02-09").total) == {1: D("42345.67")}
        again = ask("2024-02-29", cutoff=END_OF_FEBRUARY)
    assert amounts(again.total) == {0: D("30000.00"), 1: D("30000.00"), 2: D("12345.67")}
    assert again == before


def test_invr13_a_report_with_its_cut_off_never_changes(acme, old_books, ask):
    """Whatever is entered later, also dated back: payment, due date, write-off, new receivable."""
    reports = [{"by": by, "cutoff": END_OF_FEBRUARY} for by in ageing.GROUPS]
    with time_machine.travel("2024-01-05T02:00:00Z"):
        open_end = owe(acme, old_books, "LATER", "70.00", None)
    before = [ask("2024-02-29", **values) for values in reports]
    assert before[0].total[UNSCHEDULED] == D("70.00")
    pay_a(acme, old_books)
    with time_machine.travel("2024-03-06T02:00:00Z"):
        records.update(open_end, by=acme.system, verb="scheduled", due_date=date(2024, 2, 20))
        records.update(old_books.B, by=acme.system, due_date=date(2023, 2, 20))
        records.update(old_books.B, by=acme.system, due_date=date(2023, 3, 20))
        owe(acme, old_books, "BACK", "5.00", date(2024, 1, 10))
    assert [ask("2024-02-29", **values) for values in reports] == before
    assert amounts(ask("2024-02-29").total) == {1: D("70.00"), 2: D("12350.67"), 4: D("30000.00")}


def test_unscheduled_and_unallocated_stand_beside_and_are_not_netted(acme, ledger, receive, ask):
    owe(acme, ledger, "E", "500.00", None)
    receive("800.00", automatic=False)
    today = acme.tenant.today().isoformat()
    for by in ageing.GROUPS:
        total = ask(today, by=by).total
        assert (total[UNSCHEDULED], total[UNALLOCATED], total.total) == (D("500.00"), D("800.00"), D("122345.67"))


def test_a_customer_with_an_advance_alone_has_a_row(acme, ledger, receive, ask):
    payer = create_account(by=acme.rep, name="Paid ahead")
    receive("9.00", account=payer)
    receive("3.00", account=None)
    table = ask(acme.tenant.today().isoformat())
    rows = {row.key: amounts(row) for row in table.rows}
    assert rows[payer.pk] == {UNALLOCATED: D("9.00")}
    assert rows[None] == {UNALLOCATED: D("3.00")}
    assert table.total[UNALLOCATED] == D("12.00")


DAYS = st.dates(date(2023, 6, 1), date(2024, 5, 31))
OWED = st.lists(st.tuples(st.none() | DAYS, st.integers(1, 10**6)), min_size=1, max_size=5)
PAID = st.lists(st.tuples(DAYS, st.integers(1, 10**6)), max_size=4)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OWED, PAID, DAYS)
def test_invr12_every_cent_is_in_one_bucket(acme, ledger, receive, owed, paid, day):
    """Σ buckets = Σ open scheduled balances, on any day, in any grouping, and each cell is its rows."""
    with transaction.atomic():
        for number, (due, cents) in enumerate(owed):
            owe(acme, ledger, f"R{number}", f"{D(cents) / 100:.2f}", due, contract=number % 3)
        for number, (on, cents) in enumerate(paid):
            _pay(acme, ledger, receive, f"{D(cents) / 100:.2f}", on, number)
        for asked in (Question(acme.finance, day), Question(acme.finance, acme.tenant.today())):
            _check(acme, asked)
        transaction.set_rollback(True)


def _pay(acme, ledger, receive, amount, on, number):
    receipt = receive(amount, received_on=on, automatic=False)
    target = Receivable.objects.of(acme.tenant).order_by("pk")[number]
    try:
        with transaction.atomic():
            effective = max(on, target.entries.get(type="OPEN").effective_date)
            allocation.allocate(receipt, {target.pk: receipt.amount}, by=acme.finance, effective=effective)
    except Refused:
        refunds.request_refund(receipt, by=acme.rep, amount=D("0.01"), reason="r", payee_account="1")


def _check(acme, asked):
    expected = _by_hand(acme, asked.as_of)
    for by in ageing.GROUPS:
        table = ageing.table(ageing.replace(asked, by=by))
        assert amounts(table.total) == expected
        assert {b: sum(row[b] for row in table.rows) for b in expected} == expected
    for bucket, amount in expected.items():
        items = ageing.items(asked, bucket)
        assert sum(item.amount for item in items) == amount
        assert ageing.totals(asked, bucket) == (len(items), amount)


def _by_hand(acme, day) -> dict[int, D]:
    found: dict[int, D] = {}
    for one in Receivable.objects.of(acme.tenant):
        entries = one.entries.filter(effective_date__lte=day)
        bucket = UNSCHEDULED if one.due_date is None else ageing_rules.bucket(one.due_date, day)
        found[bucket] = found.get(bucket, D(0)) + sum(entry.amount for entry in entries)
    for one in Receipt.objects.of(acme.tenant):
        entries = one.entries.filter(effective_date__lte=day)
        found[UNALLOCATED] = found.get(UNALLOCATED, D(0)) + sum(entry.amount for entry in entries)
    return {bucket: amount for bucket, amount in found.items() if amount}


def test_balances_and_ledger_agree_today(acme, ledger, receive, ask):
    receive("75000.00")
    receive("9.00", automatic=False)
    today, now = acme.tenant.today().isoformat(), datetime.now(UTC)
    for by in ageing.GROUPS:
        assert ask(today, by=by) == ask(today, by=by, cutoff=now)
    assert ageing.items(question(acme.finance, today)) == ageing.items(question(acme.finance, today, cutoff=now))


def test_everybody_sees_his_own(acme, ledger, receive, ask):
    receive("9.00", automatic=False)
    for day in ("2024-06-30", acme.tenant.today().isoformat()):
        for member, sees in ((acme.rep, True), (acme.manager, True), (acme.legal, True), (acme.other_rep, False)):
            total = ask(day, member=member).total
            assert (total.total, total[UNALLOCATED]) == ((D("122345.67"), D("9.00")) if sees else (0, 0)), member
            assert bool(ageing.items(question(member, day))) is sees


def test_groups_and_pages(acme, ledger, ask):
    other = create_account(by=acme.other_rep, name="Second buyer")
    records.update(ledger.D, by=acme.system, account=other, owner=acme.other_rep)
    day = acme.tenant.today().isoformat()
    assert [(row.key, row.total) for row in ask(day).rows] == [
        (ledger.account.pk, D("110000.00")), (other.pk, D("12345.67")),
    ]  # fmt: skip
    first = ageing.table(question(acme.finance, day), limit=1)
    second = ageing.table(question(acme.finance, day), limit=1, offset=1)
    assert (first.has_more, second.has_more, second.rows[0].key) == (True, False, other.pk)
    assert first.total == second.total
    assert {row.key for row in ask(day, by="team").rows} == {acme.north.pk, acme.south.pk}
    one = question(acme.finance, day).of(other.pk)
    assert [item.id for item in ageing.items(one)] == [ledger.D.pk]
    assert [row.key for row in ageing.table(one).rows] == [other.pk]


def test_rows_behind_a_cell_go_on_where_they_stopped(acme, ledger):
    asked = question(acme.finance, acme.tenant.today().isoformat())
    owe(acme, ledger, "E", "1.00", date(2024, 1, 31))
    everything = [item.id for item in ageing.items(asked)]
    seen, after = [], None
    while page := ageing.items(asked, after=after, limit=2):
        seen += [item.id for item in page]
        after = page[-1].due, page[-1].id
    assert seen == everything
    assert len(seen) == 5


def test_one_statement_whatever_is_asked(acme, ledger, ask):
    for day in ("2024-06-30", acme.tenant.today().isoformat()):
        for by in ("account", "contract", "entity", "owner"):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                ask(day, by=by)
            assert len(queries) == 1
