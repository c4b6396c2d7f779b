"""Derived states, the list and its sums, one receivable's page, the panels on the pages of others."""

from datetime import date
from decimal import Decimal as D

import pytest
import time_machine
from django.db.models import F, Sum

from crm.core import records
from crm.core.tenancy.state import leave
from opportunities import actions as opportunities
from receivables import listing
from receivables.filters import STATES, ReceivableFilter
from receivables.models import Receivable
from receivables.states import State, flags_of, state_of, with_state

from .invoicing import issue, make_contract, tax_code

pytestmark = pytest.mark.django_db
DAY = date(2024, 2, 10)


@pytest.fixture
def today():
    with time_machine.travel("2024-02-10T04:00:00Z"):
        yield DAY


def make(acme, ledger, number: str, **values) -> Receivable:
    values = {"original": D("100.00"), "due_date": DAY, "owner": acme.rep, **values}
    return records.create(
        Receivable, by=acme.system, number=number, contract=ledger.contracts[0], account=ledger.account,
        legal_entity=ledger.entity, **values,
    )  # fmt: skip


CASES = {
    "planned": {"due_date": None},
    "open": {"due_date": DAY},
    "overdue": {"due_date": date(2024, 2, 9)},
    "settled": {"allocated": D("100.00")},
    "cancelled": {"adjusted": D("-100.00")},
    "written_off": {"allocated": D("60.00"), "written_off": D("40.00")},
}


@pytest.mark.parametrize(("state", "values"), CASES.items())
def test_one_definition_for_python_and_sql(acme, ledger, today, state, values):
    one = make(acme, ledger, "X", **values)
    assert state_of(one, today) == state
    rows = with_state(Receivable.objects.of(acme.tenant), today)
    assert {row.number: row.state for row in rows}["X"] == state
    assert all(row.state == state_of(row, today) for row in rows)


def test_a_receivable_is_overdue_from_the_company_s_next_midnight(acme, ledger, sign_in):
    for moment, expected in (("2024-01-31T15:59:00Z", False), ("2024-01-31T16:00:00Z", True)):
        with time_machine.travel(moment), leave():
            found = sign_in(acme.finance).get("/acme/receivables/?state=overdue").content.decode()
        assert (f"/receivables/{ledger.A.pk}/" in found) is expected


def test_flags_hold_beside_the_state(acme, ledger, today):
    one = make(acme, ledger, "X", allocated=D("1.00"), disputed=True)
    assert flags_of(one) == ["partly_paid", "disputed"]
    assert flags_of(make(acme, ledger, "Y", allocated=D("100.00"))) == []


@pytest.fixture
def many(acme, ledger, today):
    for number, values in enumerate(CASES.values()):
        make(acme, ledger, f"M{number}", **values)
    make(acme, ledger, "P", allocated=D("1.00"), disputed=True)
    make(acme, ledger, "other", owner=acme.other_rep)
    make(acme, ledger, "gone", superseded=True, adjusted=D("-100.00"))
    return ledger


@pytest.mark.parametrize("state", [value for value, _ in STATES])
@pytest.mark.parametrize("who", ["rep", "manager", "finance", "other_rep"])
def test_inv_g8_sums_equal_the_rows_behind_them(acme, many, state, who):
    member = getattr(acme, who)
    filters = ReceivableFilter({"state": state}, listing.receivables_of(member), member=member)
    found, sums = list(filters.qs), listing.sums(filters)
    assert sums["count"] == len(found)
    assert sums["planned"] == sum(row.current for row in found)
    assert sums["balance"] == sum(row.balance for row in found)
    assert sums["overdue"] == sum(row.balance for row in found if row.due_date and row.due_date < DAY)


def test_each_state_finds_its_own(acme, many):
    def numbers(**query):
        rows = ReceivableFilter(query, listing.receivables_of(acme.finance), member=acme.finance).qs
        return {row.number for row in rows}

    assert {n for n in numbers(state="overdue") if n[0] == "M"} == {"M2"}
    assert {n for n in numbers(state="unsettled") if n[0] == "M"} == {"M1", "M2"}
    assert numbers(state="disputed") == numbers(state="partly_paid") - {"M5"} == {"P"}
    assert numbers(owner=str(acme.other_rep.pk)) == {"other"}
    assert numbers(team=str(acme.south.pk)) <= {"other"}
    assert numbers(due="2024-03-01..2024-03-31") == {"C"}
    assert numbers(amount_min="30000", amount_max="30000.00") == {"A", "B"}
    assert numbers(contract=str(many.contracts[1].pk)) == {"C"}
    assert numbers(account=str(many.account.pk)) >= {"A", "P"}
    assert numbers(q="HT-3") == {"D"}
    assert numbers(q="Buyer") >= {"A", "P"}


def test_the_list_costs_the_same_for_one_row_and_thirty(acme, ledger, sign_in, today, django_assert_max_num_queries):
    client, counts = sign_in(acme.finance), []
    with leave():
        client.get("/acme/receivables/")
    for number in range(31):
        if number in (0, 30):
            with leave(), django_assert_max_num_queries(100) as asked:
                assert client.get("/acme/receivables/?state=").status_code == 200
            counts.append([q for q in asked.captured_queries if "SAVEPOINT" not in q["sql"]])
        make(acme, ledger, f"N{number}")
    assert len(counts[0]) == len(counts[1]) <= 12


def test_pages_follow_each_other_by_due_date(acme, ledger, sign_in, today, monkeypatch):
    monkeypatch.setattr("crm.core.web.pages.PAGE_SIZE", 50)
    for number in range(60):
        make(acme, ledger, f"K{number:02}", due_date=None if number > 50 else date(2024, 2, 10 + number % 9))
    client = sign_in(acme.finance)
    with leave():
        first = client.get("/acme/receivables/?state=").context
        second = client.get("/acme/receivables/", {"state": "", "after": first["page"].next}).context
    seen = [row.one for row in [*first["rows"], *second["rows"]]]
    assert len({one.pk for one in seen}) == 64
    dates = [one.due_date or date.max for one in seen]
    assert dates == sorted(dates)


def test_a_rep_sees_his_own_and_others_see_nothing(acme, ledger, sign_in, today):
    for member, status in ((acme.rep, 200), (acme.finance, 200), (acme.manager, 200), (acme.other_rep, 404),
                           (acme.presales, 403)):  # fmt: skip
        client = sign_in(member)
        with leave():
            assert client.get(f"/acme/receivables/{ledger.A.pk}/").status_code == status


def test_a_receivable_tells_its_whole_story(acme, ledger, receive, sign_in, django_assert_max_num_queries):
    deal = opportunities.open_opportunity(by=acme.rep, account=ledger.account, name="The deal")
    contract, rows = make_contract(acme, ledger, [("400.00", tax_code(acme, "X6", "0.06"))])
    records.update(contract, by=acme.rep, opportunity=deal)
    blue = issue(acme, contract, {rows[0]: "50.00"}, 1)
    receipt = receive("60.00", contract=contract)
    client = sign_in(acme.finance)
    with leave(), django_assert_max_num_queries(30) as asked:
        answer = client.get(f"/acme/receivables/{rows[0].pk}/")
    page = answer.content.decode()
    for shown in (contract.number, "The deal", blue.number, receipt.number, "60.00"):
        assert shown in page
    assert len([q for q in asked.captured_queries if "SAVEPOINT" not in q["sql"]]) <= 20


def test_panels_on_other_pages(acme, ledger, receive, sign_in, today):
    deal = opportunities.open_opportunity(by=acme.rep, account=ledger.account, name="The deal")
    records.update(ledger.contracts[0], by=acme.rep, opportunity=deal)
    receive("777.77", automatic=False)
    for member, sees in ((acme.rep, True), (acme.finance, True)):
        client = sign_in(member)
        with leave():
            account = client.get(f"/acme/receivables/of-account/{ledger.account.pk}/").content.decode()
            contract = client.get(f"/acme/receivables/of-contract/{ledger.contracts[0].pk}/").content.decode()
        assert ("42,345.67" in account and "777.77" in account) is sees  # A and D are overdue
        assert "60,000.00" in contract
    client = sign_in(acme.rep)
    with leave():
        page = client.get(f"/acme/receivables/of-opportunity/{deal.pk}/").content.decode()
        assert "60,000.00" in page and "30,000.00" in page
        assert "receivables/of-account" in client.get(f"/acme/accounts/{ledger.account.pk}/").content.decode()


def test_a_filter_that_cannot_be_read_is_said(acme, ledger, sign_in):
    client = sign_in(acme.finance)
    with leave():
        for query in ("state=moon", "due=never", "amount_min=x", "contract=99999999", "owner=0"):
            assert client.get(f"/acme/receivables/?{query}").status_code == 200
        assert client.get("/acme/receivables/?after=x").status_code == 400


def test_the_api_has_the_same_rows_and_states(acme, many, api):
    call = api(acme.finance)
    with leave():
        found = call("get", "receivables/", {"state": "overdue", "page_size": 200}).json()["results"]
        one = call("get", f"receivables/{many.A.pk}/").json()
    assert {row["state"] for row in found} == {State.OVERDUE}
    total = with_state(Receivable.objects.of(acme.tenant).filter(superseded=False), DAY).filter(state="overdue")
    assert sum(D(row["balance"]) for row in found) == total.aggregate(sum=Sum(F("balance")))["sum"]
    assert (one["original"], one["current"], one["state"], one["flags"]) == ("30000.00", "30000.00", "overdue", [])
