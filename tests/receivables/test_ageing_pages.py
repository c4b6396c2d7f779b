"""The heat table: each number opens exactly its rows; files are safe, complete and noted; rights; statements."""

import csv
import io
import re
from datetime import date
from decimal import Decimal as D
from html import unescape

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions import create_account
from crm.core import records
from crm.core.events.models import Event
from receivables.actions import allocation
from receivables.models import Receivable

from .test_ageing import owe

pytestmark = pytest.mark.django_db
URL = "/acme/ageing/"
NUMBERS = re.compile(r'<a href="(/acme/ageing/rows/\?[^"]+)">\s*<span class="money">([\d,.]+)')


@pytest.fixture
def books(acme, ledger, receive):
    owe(acme, ledger, "E", "500.00", None)
    receive("800.00", automatic=False)
    receipt = receive("30000.00", received_on=date(2024, 2, 10), automatic=False)
    allocation.allocate(receipt, {ledger.A.pk: D("30000.00")}, by=acme.finance, effective=date(2024, 2, 10))
    other = create_account(by=acme.other_rep, name="=cmd|'/c calc'!A1")
    records.update(ledger.D, by=acme.system, account=other, owner=acme.other_rep)
    return ledger


def numbers(page) -> dict[str, D]:
    return {unescape(url): D(text.replace(",", "")) for url, text in NUMBERS.findall(page.content.decode())}


@pytest.mark.parametrize(
    ("day", "by"),
    [("2024-02-05", "account"), ("2024-02-29", "team"), ("", "team"), ("2024-05-01", "owner"), ("", "account"),
     ("", "entity"), ("2024-05-01", "contract")],
)  # fmt: skip
def test_invg8_every_number_opens_exactly_its_rows(acme, books, sign_in, day, by):
    client = sign_in(acme.finance)
    found = numbers(client.get(URL, {"as_of": day, "by": by}))
    assert len(found) > 4
    for url, amount in found.items():
        page = client.get(url)
        items = page.context["items"]
        assert page.context["amount"] == amount == sum(row["item"].amount for row in items), url


def test_a_past_cell_shows_what_was_open_then(acme, books, sign_in):
    client = sign_in(acme.finance)
    query = {"as_of": "2024-02-05", "bucket": "1", "key": books.account.pk}
    text = client.get(f"{URL}rows/", query).content.decode()
    assert books.A.number in re.findall(r">(\w)</a>", text)
    assert books.A.number not in re.findall(
        r">(\w)</a>", client.get(f"{URL}rows/", {**query, "as_of": "2024-02-20"}).content.decode()
    )


def test_a_rep_sees_and_opens_his_own_alone(acme, books, sign_in):
    page = sign_in(acme.other_rep).get(URL)
    assert set(numbers(page).values()) == {D("12345.67")}
    assert sign_in(acme.presales).get(URL).status_code == 403
    rows = sign_in(acme.other_rep).get(f"{URL}rows/", {"key": books.account.pk, "bucket": "all"})
    assert rows.context["items"] == []


def test_files_hold_what_the_member_sees_and_are_noted(acme, books, sign_in):
    client = sign_in(acme.finance)
    assert client.get(f"{URL}export/csv/").status_code == 405
    answer = client.post(f"{URL}export/csv/?as_of=2024-05-01")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert lines[0][1:] == [
        "Not due",
        "1–30 days",
        "31–60 days",
        "61–90 days",
        "Over 90 days",
        "Unscheduled",
        "Advances",
        "Total",
    ]
    assert lines[-1][-1] == "92345.67"
    assert any(line[0].startswith("'=cmd") for line in lines)
    book = openpyxl.load_workbook(io.BytesIO(client.post(f"{URL}export/xlsx/").content))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    event = Event.objects.of(acme.tenant).filter(kind="tenant.ageing_exported").order_by("pk").first()
    assert (event.actor, event.data["kind"], event.data["as_of"]) == (acme.finance, "csv", "2024-05-01")
    own = sign_in(acme.other_rep).post(f"{URL}export/csv/").content.decode()
    assert "Buyer" not in own
    assert client.post(f"{URL}export/exe/").status_code == 400


def test_buckets_are_the_company_s(acme, books, sign_in):
    assert sign_in(acme.rep).get(f"{URL}buckets/").status_code == 403
    client = sign_in(acme.finance)
    assert client.post(f"{URL}buckets/", {"bounds": "0, 60, 30"}).status_code == 422
    assert client.post(f"{URL}buckets/", {"bounds": "0，60"}).status_code == 302
    page = client.get(URL, {"as_of": "2024-03-01"})
    assert [str(title) for title in page.context["titles"]] == ["Not due", "1–60 days", "Over 60 days"]
    assert client.get(f"{URL}rows/?bucket=4").status_code == 400


@pytest.mark.parametrize(
    "query", ["as_of=2999-01-01", "as_of=x", "by=x", "team=99", "after=-1", "bucket=x", "key=x", "recorded=x",
              "owner=abc", "after=2024-01-01_x", "legal_entity=0x1"]
)  # fmt: skip
def test_broken_questions_are_answered(acme, books, sign_in, query):
    client = sign_in(acme.finance)
    assert {client.get(f"{URL}?{query}").status_code, client.get(f"{URL}rows/?{query}").status_code} <= {200, 400}


def test_indicators(acme, books, sign_in):
    page = sign_in(acme.finance).get(f"{URL}indicators/", {"as_of": "2024-03-31"})
    assert page.status_code == 200
    assert len(page.context["rates"]) == 12


@pytest.mark.parametrize("path", ["", "rows/", "rows/?as_of=2024-05-01"])
def test_the_same_number_of_statements_for_one_row_and_thirty(acme, books, sign_in, path):
    client = sign_in(acme.finance)
    client.get(f"{URL}{path}")
    few = statements(client, f"{URL}{path}")
    for n in range(30):
        one = owe(acme, books, f"N{n}", "1.00", date(2024, 3, 1))
        if n % 2:
            records.update(one, by=acme.system, account=create_account(by=acme.rep, name=f"Customer {n}"))
    assert Receivable.objects.of(acme.tenant).count() > 30
    assert statements(client, f"{URL}{path}") == few <= 12


def statements(client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len([one for one in queries.captured_queries if "SAVEPOINT" not in one["sql"]])
