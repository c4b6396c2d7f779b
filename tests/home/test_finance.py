"""The home of finance and the board: every number equals the rows its link shows; everybody within his reach."""

from datetime import date, timedelta
from decimal import Decimal as D
from urllib.parse import parse_qs, urlparse

import pytest
import time_machine

from crm.core import records
from crm.home import finance, worklist
from receivables import due
from receivables.actions import allocation
from receivables.actions.receipts import post_receipt
from receivables.cash_periods import Span
from receivables.metrics import board as figures
from receivables.models import Receivable
from tests.receivables.conftest import make_ledger

pytestmark = pytest.mark.django_db
MARCH = Span.of(date(2024, 3, 1), "month")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel("2024-03-20T04:00:00Z", tick=False):  # a Wednesday
        yield


@pytest.fixture
def ledger(acme):
    return make_ledger(acme)


def owe(acme, ledger, number, amount, due_date, **values):
    values = {"owner": acme.rep, **values}
    return records.create(
        Receivable, by=acme.system, number=number, contract=ledger.contracts[0], account=ledger.account,
        legal_entity=ledger.entity, original=D(amount), due_date=due_date, **values,
    )  # fmt: skip


@pytest.fixture
def week(acme, ledger):
    """Due yesterday, today, on Sunday, on Monday: overdue, in the week twice, next week."""
    for n, day in enumerate((19, 20, 24, 25)):
        owe(acme, ledger, f"W{n}", "10.00", date(2024, 3, day))


def test_overdue_and_the_week_by_the_companys_day(acme, ledger, week):
    numbers = {row.number for row in due.due_this_week(acme.finance).rows}
    assert numbers == {"W1", "W2"}
    assert {row.number for row in due.overdue(acme.finance).rows} == {"A", "B", "D", "W0"}
    with time_machine.travel("2024-03-20T16:30:00Z", tick=False):  # the 21st in Shanghai
        assert "W1" in {row.number for row in due.overdue(acme.finance).rows}


def test_rep_manager_and_finance_see_the_same_rows(acme, ledger, week):
    own = {row.pk for row in due.overdue(acme.rep).rows}
    assert (
        own == {row.pk for row in due.overdue(acme.manager).rows} == {row.pk for row in due.overdue(acme.finance).rows}
    )
    owe(acme, ledger, "S", "10.00", date(2024, 3, 1), owner=acme.other_rep)
    assert {row.pk for row in due.overdue(acme.manager).rows} == own
    assert due.overdue(acme.finance).rows.count() == len(own) + 1
    assert [row.number for row in worklist.overdue(acme.other_rep)] == ["S"]
    assert worklist.overdue(acme.finance) == []


def test_each_number_links_to_exactly_its_rows(acme, ledger, week, sign_in):
    client = sign_in(acme.finance)
    tiles = {str(tile.label): tile for tile in finance.tiles(acme.finance)}
    assert len(tiles) == 7
    assert all(isinstance(tile.count, int) for tile in tiles.values())
    for tile in tiles.values():
        assert client.get(tile.url).status_code == 200, tile.url
    overdue = tiles[str(finance._overdue(acme.finance).label)]
    assert overdue.amounts == [("CNY", D("72355.67"))]
    page = client.get(overdue.url).context["page"]
    assert sum(row.one.balance if hasattr(row, "one") else row.balance for row in page.rows) == D("72355.67")
    assert len(page.rows) == overdue.count == 4
    assert parse_qs(urlparse(overdue.url).query)["state"] == ["overdue"]


def test_finance_lands_on_its_home(acme, ledger, week, sign_in):
    client = sign_in(acme.finance)
    assert client.get("/acme/").url == "/acme/finance/"
    assert "72,355.67" in client.get("/acme/finance/").content.decode()
    for member in (acme.rep, acme.manager, acme.legal):
        assert sign_in(member).get("/acme/finance/").status_code == 403


def test_a_reps_today_shows_his_own(acme, ledger, week, sign_in):
    page = sign_in(acme.rep).get("/acme/today/").content.decode()
    assert "W0" in page
    assert "W2" in page
    assert "W0" not in sign_in(acme.peer).get("/acme/today/").content.decode()


@pytest.fixture
def deals(acme, ledger):
    """March: C1 and C2 signed by rep; C3 is a draft; 1,000.00 collected of which 400.00 were taken back."""
    for contract, values in zip(
        ledger.contracts,
        ({"sign_date": date(2024, 3, 1)}, {"sign_date": date(2024, 3, 31)}, {"sign_date": date(2024, 3, 5)}),
        strict=True,
    ):
        records.update(contract, by=acme.rep, **values)
    records.update(ledger.contracts[2], by=acme.rep, status="draft")
    receipt = post_receipt(by=acme.finance, legal_entity=ledger.entity, amount=D("1000.00"),
                           received_on=date(2024, 3, 2), account=ledger.account, automatic=False)  # fmt: skip
    used = allocation.allocate(receipt, {ledger.A.pk: D("1000.00")}, by=acme.finance, effective=date(2024, 3, 2))
    allocation.unallocate(used[0], D("400.00"), by=acme.finance)
    owe(acme, ledger, "S", "77.00", date(2024, 3, 1), owner=acme.other_rep)


def test_the_board_by_hand(acme, deals):
    lines, total = figures.by_member(figures.Board(acme.finance, "CNY"), MARCH)
    found = {line.name: {what: value for what, value, _count in line.cells} for line in lines}
    assert found == {
        "Rep": {"signed": D("110000.00"), "collected": D("600.00"), "overdue": D("71745.67")},
        "Other Rep": {"signed": 0, "collected": 0, "overdue": D("77.00")},
    }
    assert total.sums["overdue"] == D("71822.67")
    months = {
        line.key.text: line.sums for line in figures.by_month(figures.Board(acme.finance, "CNY"), date(2024, 3, 20))
    }
    assert (months["2024-03"]["signed"], months["2024-03"]["collected"]) == (D("110000.00"), D("600.00"))
    assert months["2024-02"]["signed"] == 0


def test_a_manager_sees_his_team(acme, deals):
    lines, _total = figures.by_member(figures.Board(acme.manager, "CNY"), MARCH)
    assert [line.name for line in lines] == ["Rep"]


def test_every_figure_equals_its_rows(acme, deals, sign_in):
    board, client = figures.Board(acme.finance, "CNY"), sign_in(acme.finance)
    lines, _total = figures.by_member(board, MARCH)
    for line in lines:
        for what, value, count in line.cells:
            page = client.get(f"/acme/board/{what}/?month=2024-03&owner={line.key}").context
            assert (page["total"], page["count"]) == (value, count)
            assert sum((row.value for row in page["rows"]), D(0)) == value


PATHS = ["finance/", "board/", "board/signed/?month=2024-03", "board/collected/?month=x", "board/overdue/?owner=a"]


@pytest.mark.parametrize("path", PATHS)
def test_pages_cost_the_same_for_many(acme, ledger, deals, sign_in, path, django_assert_max_num_queries):
    client = sign_in(acme.finance)
    assert client.get(f"/acme/{path}").status_code == 200
    with django_assert_max_num_queries(30) as few:
        client.get(f"/acme/{path}")
    for n in range(30):
        owe(acme, ledger, f"M{n}", "10.00", date(2024, 1, 1) + n * DAY)
    with django_assert_max_num_queries(30) as many:
        client.get(f"/acme/{path}")
    assert len(few) == len(many)


def test_who_may_not(acme, sign_in):
    assert sign_in(acme.legal).get("/acme/board/").status_code == 403
    assert sign_in(acme.rep).get("/acme/board/nonsense/").status_code == 404
