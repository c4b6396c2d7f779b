"""Orders, deliveries, handovers and renewals through pages and API: the same rules, the same rows."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.actions import batches, handover, orders, renewals
from contracts.models import Batch, Contract, Order, Renewal
from crm.core import records

from .conftest import line
from .delivering import brought, planned, ready

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def url(rest: str) -> str:
    return f"/acme/{rest}"


@pytest.fixture
def contract(acme, firm):
    return ready(acme, firm)


@pytest.fixture
def order(acme, contract):
    return orders.create_order(contract, by=acme.rep, promised_on=acme.tenant.today() + DAY)


def statements(client, path: str) -> int:
    """What a page asks of the database once the process is warm."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


# pages


def test_an_order_is_placed_from_the_contract(acme, contract, sign_in):
    client = sign_in(acme.rep)
    panel = client.get(url(f"orders/of/{contract.pk}/"))
    assert url(f"orders/new/{contract.pk}/") in panel.content.decode()
    page = client.get(url(f"orders/new/{contract.pk}/")).content.decode()
    assert "10 not ordered yet" in page
    pump, valve = contract.lines.order_by("pk")
    given = {f"quantity_{pump.pk}": "4", f"quantity_{valve.pk}": "", "promised_on": "2031-01-01"}
    answer = client.post(url(f"orders/new/{contract.pk}/"), given)
    order = Order.objects.of(acme.tenant).get()
    assert answer["Location"] == url(f"orders/{order.pk}/")
    assert (order.amount, order.promised_on.isoformat()) == (D("399.96"), "2031-01-01")
    refused = client.post(url(f"orders/new/{contract.pk}/"), {f"quantity_{pump.pk}": "7"})
    assert refused.status_code == 409
    assert "only 6" in refused.content.decode()
    assert client.post(url(f"orders/new/{contract.pk}/"), {f"quantity_{pump.pk}": "x"}).status_code == 422


def test_a_delivery_goes_its_way_on_pages(acme, order, sign_in):
    client = sign_in(acme.presales)
    pump, valve = order.lines.order_by("pk")
    given = {f"quantity_{pump.pk}": "10", f"quantity_{valve.pk}": "3", "planned_on": "2031-01-01"}
    assert client.post(url(f"orders/{order.pk}/batches/new/"), given).status_code == 302
    batch = Batch.objects.of(acme.tenant).get()
    asked = client.get(url(f"orders/batches/{batch.pk}/do/ship/")).content.decode()
    assert 'value="10"' in asked
    for verb, more in (("ship", {}), ("deliver", {}), ("accept", {"accepted_by": "Mr Li", "is_final": "on"})):
        given = {f"quantity_{pump.pk}": "10", f"quantity_{valve.pk}": "3", **more}
        answer = client.post(url(f"orders/batches/{batch.pk}/do/{verb}/"), given)
        assert answer.status_code == 302, answer.content.decode()
    page = client.get(url(f"orders/{order.pk}/")).content.decode()
    assert "Mr Li" in page
    assert "Final acceptance" in page
    assert Order.objects.of(acme.tenant).get().status == "completed"


def test_a_late_button_says_that_it_moved_on(acme, order, sign_in):
    client = sign_in(acme.presales)
    batch = brought(acme, planned(acme, order, 1), "shipped")
    answer = client.get(url(f"orders/batches/{batch.pk}/do/ship/"))
    assert answer.status_code == 409
    assert client.post(url(f"orders/batches/{batch.pk}/do/ship/"), {}).status_code == 409
    assert client.get(url(f"orders/batches/{batch.pk}/do/fly/")).status_code == 404
    assert client.post(url(f"orders/batches/{batch.pk}/do/ship/"), {"version": "1"}).status_code == 409


@pytest.mark.parametrize("path", ["orders/{o}/", "orders/batches/{b}/", "orders/of/{c}/", "orders/new/{c}/"])
def test_who_does_not_see_the_contract_finds_nothing(acme, order, sign_in, path):
    batch = planned(acme, order, 1)
    path = url(path.format(o=order.pk, b=batch.pk, c=order.contract_id))
    for who in (acme.peer, acme.other_rep):
        assert sign_in(who).get(path).status_code == 404
    assert sign_in(acme.partner).get(path).status_code == 403


def test_readers_read_and_are_offered_nothing(acme, order, sign_in):
    batch = planned(acme, order, 1)
    client = sign_in(acme.finance)
    page = client.get(url(f"orders/{order.pk}/")).content.decode()
    assert order.number in page
    assert f"batches/{batch.pk}/do/" not in page
    assert client.post(url(f"orders/batches/{batch.pk}/do/ship/"), {}).status_code == 403
    assert client.post(url(f"orders/{order.pk}/edit/"), {}).status_code == 403


def test_the_completion_rate_counts_what_was_due(acme, firm, sign_in, api):
    today = acme.tenant.today()
    contract = ready(acme, firm, kind="framework")

    def due(promised, completed=None):
        order = orders.create_order(contract, by=acme.rep, promised_on=promised,
                                    quantities={contract.lines.first().pk: D(1)})  # fmt: skip
        if completed:
            records.move(order, "completed", by=acme.system, verb="completed", completed_on=completed)
        return order

    kept = [due(today, today), due(today - DAY, today - 3 * DAY)]
    late = [due(today - DAY, today), due(today - DAY)]
    due(today + DAY), due(None), due(today + DAY, today)
    orders.cancel_order(due(today - DAY), by=acme.rep, reason="No")
    found = api(acme.rep)("GET", "orders/completion/").json()
    assert found == {"due": 4, "on_time": 2, "late": 2, "percent": "50.00"}
    page = sign_in(acme.rep).get(url("orders/")).content.decode()
    assert "50.00%" in page
    for promise, rows in (("on_time", kept), ("late", late), ("due", kept + late)):
        listed = api(acme.rep)("GET", f"orders/?promise={promise}").json()["results"]
        assert {row["id"] for row in listed} == {row.pk for row in rows}


def test_lists_cost_the_same_for_one_row_and_many(acme, firm, sign_in):
    contract = ready(acme, firm, kind="framework")
    first = contract.lines.first().pk

    def fill(count):
        for _n in range(count):
            order = orders.create_order(contract, by=acme.rep, quantities={first: D(1)})
            batches.plan_batch(order, by=acme.presales, planned_on=acme.tenant.today())

    client = sign_in(acme.rep)
    fill(1)
    one = statements(client, url("orders/"))
    panel = statements(client, url(f"orders/of/{contract.pk}/"))
    fill(5)
    assert statements(client, url("orders/")) == one <= 12
    assert statements(client, url(f"orders/of/{contract.pk}/")) == panel <= 20


def test_an_order_page_costs_the_same_for_one_delivery_and_many(acme, order, sign_in):
    client = sign_in(acme.presales)
    planned(acme, order, 1)
    one = statements(client, url(f"orders/{order.pk}/"))
    for _n in range(4):
        planned(acme, order, 1)
    brought(acme, planned(acme, order, 1), "delivered")
    assert statements(client, url(f"orders/{order.pk}/")) == one <= 20
    assert statements(client, url(f"orders/batches/{order.batches.first().pk}/")) <= 20


# handovers


def test_delivery_finds_what_is_offered_and_answers(acme, firm, effective, sign_in):
    contract = effective()
    client = sign_in(acme.rep)
    assert "do" not in client.get(url("orders/handovers/")).content.decode()[:0]
    offer = url(f"orders/handovers/{contract.pk}/offer/")
    assert client.get(offer).status_code == 200
    assert client.post(offer, {"to": acme.finance.pk}).status_code == 422
    assert client.post(offer, {"to": acme.presales.pk}).status_code == 302
    client = sign_in(acme.presales)
    assert contract.number in client.get(url("orders/handovers/")).content.decode()
    assert client.post(url(f"orders/handovers/{contract.pk}/give-back/"), {"reason": "No drawing"}).status_code == 302
    assert contract.number not in client.get(url("orders/handovers/")).content.decode()
    assert "No drawing" in client.get(url(f"orders/of/{contract.pk}/")).content.decode()
    handover.offer(contract, by=acme.rep, to=acme.presales)
    assert client.post(url(f"orders/handovers/{contract.pk}/accept/"), {}).status_code == 302
    assert contract.number in client.get(url("orders/handovers/?state=accepted")).content.decode()
    assert client.post(url(f"orders/handovers/{contract.pk}/start/"), {}).status_code == 302
    contract.refresh_from_db()
    assert contract.status == "performing"


def test_the_inbox_is_for_those_who_deliver(acme, sign_in):
    assert sign_in(acme.finance).get(url("orders/handovers/")).status_code == 403
    assert sign_in(acme.manager).get(url("orders/handovers/")).status_code == 200


# renewals


@pytest.fixture
def ending(acme, firm, effective):
    def make(days: int, **values):
        today = acme.tenant.today()
        return effective(
            lines=[line("Care", "1000.00", firm.v6)],
            start_date=today - 300 * DAY,
            end_date=today + days * DAY,
            **values,
        )

    return make


def test_the_due_list_in_its_buckets_leads_to_its_rows(acme, ending, sign_in):
    near, far, late = ending(10), ending(80), ending(-5)
    ending(91)
    client = sign_in(acme.rep)
    page = client.get(url("renewals/")).content.decode()
    assert [one.number in page for one in (near, far, late)] == [True, True, True]
    page = client.get(url("renewals/?bucket=30")).content.decode()
    assert [one.number in page for one in (near, far, late)] == [True, False, False]
    assert near.number not in sign_in(acme.other_rep).get(url("renewals/")).content.decode()
    assert near.number in sign_in(acme.manager).get(url(f"renewals/?owner={acme.rep.pk}")).content.decode()


def test_renewing_and_losing_on_pages(acme, ending, sign_in):
    client = sign_in(acme.rep)
    contract, other = ending(10), ending(20)
    assert str(contract.end_date + DAY) in client.get(url(f"renewals/{contract.pk}/renew/")).content.decode()
    answer = client.post(url(f"renewals/{contract.pk}/renew/"), {})
    draft = Contract.objects.of(acme.tenant).get(renewal_of=contract)
    assert answer["Location"] == url(f"contracts/{draft.pk}/")
    assert client.post(url(f"renewals/{other.pk}/lose/"), {}).status_code == 422
    assessed = {"risk": "high", "forecast_amount": "900", "note": ""}
    assert client.post(url(f"renewals/{other.pk}/assess/"), assessed).status_code == 302
    assert "900.00" in client.get(url("renewals/")).content.decode()
    assert client.post(url(f"renewals/{other.pk}/lose/"), {"loss": "price"}).status_code == 302
    view = Renewal.objects.of(acme.tenant).get()
    assert (view.status, view.risk, view.forecast_amount) == ("lost", "high", D("900.00"))
    assert other.number not in client.get(url("renewals/")).content.decode()
    assert client.post(url(f"renewals/{draft.pk}/renew/"), {}).status_code == 404


def test_the_rate_page_shows_both_and_its_rows(acme, ending, sign_in, api):
    contract, other = ending(0), ending(1)
    following = renewals.renew(contract, by=acme.rep)
    records.update(following, by=acme.system, effective_amount=D("1500.00"))
    for state in ("in_approval", "approved", "signed"):
        records.move(following, state, by=acme.system, verb=state)
    client = sign_in(acme.rep)
    page = client.get(url("renewals/rate/?period=all")).content.decode()
    assert ("50.00%" in page, "75.00%" in page, contract.number in page, other.number in page) == (True,) * 4
    page = client.get(url("renewals/rate/?period=all&outcome=renewed")).content.decode()
    assert (contract.number in page, other.number in page) == (True, False)
    assert api(acme.rep)("GET", "renewals/rate/?period=all").json() == {
        "due": 2, "renewed": 1, "by_count": "50.00", "due_amount": "2000.00", "renewed_amount": "1500.00",
        "by_amount": "75.00",
    }  # fmt: skip
    empty = api(acme.rep)("GET", "renewals/rate/?period=1999").json()
    assert (empty["due"], empty["by_count"]) == (0, None)


def test_renewal_lists_cost_the_same_for_one_row_and_many(acme, ending, sign_in):
    client = sign_in(acme.rep)
    ending(5)
    paths = [url("renewals/"), url("renewals/rate/?period=all")]
    before = [statements(client, path) for path in paths]
    for n in range(4):
        ending(n)
    assert [statements(client, path) for path in paths] == before
    assert max(before) <= 12


# API


def test_the_whole_way_by_api(acme, firm, effective, api):
    contract = effective(kind="fixed", lines=[line("Pump", "50.00", firm.v13, "4")])
    rep, delivery = api(acme.rep), api(acme.presales)
    assert rep("POST", f"handovers/{contract.pk}/offer/", {"to": acme.presales.pk}).json()["handover"] == "pending"
    assert [row["id"] for row in delivery("GET", "handovers/").json()["results"]] == [contract.pk]
    assert delivery("POST", f"handovers/{contract.pk}/accept/", {}).json()["handover"] == "accepted"
    order = rep("POST", "orders/", {"contract": contract.pk, "promised_on": "2031-01-01"}).json()
    assert (order["amount"], order["lines"][0]["remaining"]) == ("200.00", "4.000")
    row = order["lines"][0]["id"]
    batch = delivery("POST", "batches/", {"order": order["id"], "planned_on": "2031-01-01", "quantities": {row: "3"}})
    path = f"batches/{batch.json()['id']}"
    assert delivery("POST", f"{path}/ship/", {"quantities": {row: "5"}}).json()["code"] == "OVER_DELIVERY"
    assert delivery("POST", f"{path}/ship/", {"delivery_note": "LS-1"}).json()["status"] == "shipped"
    assert delivery("POST", f"{path}/deliver/", {"version": 1}).json()["code"] == "VERSION_CONFLICT"
    assert delivery("POST", f"{path}/deliver/", {}).json()["lines"][0]["delivered"] == "3.000"
    assert delivery("POST", f"{path}/reject/", {"grounds": "Rust"}).json()["status"] == "rejected"
    assert delivery("POST", f"{path}/rework/", {"planned_on": "2031-02-01"}).json()["status"] == "planned"
    for verb, given in (("ship", {}), ("deliver", {}), ("accept", {"accepted_by": "Li"})):
        found = delivery("POST", f"{path}/{verb}/", given).json()
    assert (found["status"], found["accepted_by"]) == ("accepted", "Li")
    lines = rep("GET", f"orders/{order['id']}/").json()["lines"]
    assert (lines[0]["accepted"], lines[0]["remaining"]) == ("3.000", "1.000")
    assert rep("POST", f"orders/{order['id']}/complete/", {}).status_code == 403  # delivery says what is accepted
    assert delivery("POST", f"orders/{order['id']}/complete/", {}).json()["code"] == "ORDER_OPEN"
    assert rep("POST", f"orders/{order['id']}/cancel/", {"reason": "x"}).json()["code"] == "ORDER_DELIVERED"


@pytest.mark.parametrize(
    ("path", "data", "field"),
    [
        ("orders/", {"contract": 0}, "contract"), ("orders/", {"quantities": {"x": "1"}}, "quantities"),
        ("orders/", {"quantities": {"1": "-1"}}, "quantities"), ("batches/", {"order": "x"}, "order"),
        ("batches/", {"planned_on": "soon"}, "planned_on"),
    ],
)  # fmt: skip
def test_bad_input_names_its_field(acme, api, path, data, field):
    answer = api(acme.rep)("POST", path, data)
    assert answer.status_code == 400
    assert field in answer.json()


def test_renewals_by_api(acme, ending, api):
    contract, other = ending(10), ending(70)
    rep = api(acme.rep)
    rows = rep("GET", "renewals/").json()["results"]
    assert {row["id"]: row["bucket"] for row in rows} == {contract.pk: "30", other.pk: "90"}
    first = rep("POST", f"renewals/{contract.pk}/renew/", {}).json()
    assert rep("POST", f"renewals/{contract.pk}/renew/", {}).json() == first
    assert rep("GET", f"renewals/{contract.pk}/").json()["next"] == first["id"]
    assert rep("POST", f"renewals/{other.pk}/lose/", {"loss": "never"}).status_code == 400
    assert rep("POST", f"renewals/{other.pk}/lose/", {"loss": "price"}).json()["outcome"] == "lost"
    assert [row["id"] for row in rep("GET", "renewals/?bucket=30").json()["results"]] == [contract.pk]
    assert api(acme.finance)("POST", f"renewals/{contract.pk}/lose/", {"loss": "price"}).status_code == 403
    assert rep("POST", "renewals/", {}).status_code == 405
