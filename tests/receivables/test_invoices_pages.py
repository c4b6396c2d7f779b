"""Invoices by page and API: asked for, issued, corrected."""

from decimal import Decimal as D

import pytest
import time_machine

from crm.core.tenancy.state import leave
from receivables import channels
from receivables.models import Invoice, InvoiceRequest

from .invoicing import BUYER, DAY, USCC, issue, make_contract, number, tax_code
from .test_invoices import Bureau

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(acme, ledger):
    return make_contract(acme, ledger, [("600000.00", tax_code(acme, "X6", "0.06"))])


def form(rows, **amounts) -> dict:
    asked = {f"a{rows[int(index[1:])].pk}": amount for index, amount in amounts.items()}
    return {"kind": "special", "medium": "digital", "buyer_name": "Buyer Ltd", "buyer_uscc": USCC, **asked}


def test_asked_for_by_the_rep_issued_by_finance(acme, service, sign_in):
    contract, rows = service
    rep = sign_in(acme.rep)
    with leave():
        page = rep.get(f"/acme/invoices/requests/new/{contract.pk}/?receivable={rows[3].pk}").content.decode()
        assert 'value="60000.00"' in page and page.count("180,000.00") == 3
        too_much = rep.post(f"/acme/invoices/requests/new/{contract.pk}/", form(rows, r3="60000.01"))
        assert too_much.status_code == 409 and "60000.00 left" in too_much.content.decode()
        bad = rep.post(f"/acme/invoices/requests/new/{contract.pk}/", {**form(rows, r3="1"), "buyer_uscc": "123"})
        assert bad.status_code == 422 and "not valid" in bad.content.decode()
        nothing = rep.post(f"/acme/invoices/requests/new/{contract.pk}/", form(rows))
        assert nothing.status_code == 422
        answer = rep.post(f"/acme/invoices/requests/new/{contract.pk}/", form(rows, r2="1000.00", r3="60000.00"))
    first, second = InvoiceRequest.objects.of(acme.tenant).order_by("pk")
    assert answer.headers["Location"] == f"/acme/invoices/requests/{first.pk}/"
    with leave():
        assert rep.get(f"/acme/invoices/requests/{first.pk}/issue/").status_code == 403
        finance = sign_in(acme.finance)
        assert "61,000.00" in finance.get("/acme/invoices/requests/").content.decode()
        page = finance.get(f"/acme/invoices/requests/{first.pk}/").content.decode()
        assert "57,547.17" in page and "3,452.83" in page
        typed = {"number": "12", "date": str(DAY), "version": first.version}
        assert finance.post(f"/acme/invoices/requests/{second.pk}/issue/", typed).status_code == 422
        typed["number"] = number(1)
        answer = finance.post(f"/acme/invoices/requests/{second.pk}/issue/", typed)
    invoice = Invoice.objects.of(acme.tenant).get()
    assert (invoice.gross, answer.headers["Location"]) == (D("61000.00"), f"/acme/invoices/{invoice.pk}/")
    with leave():
        assert number(1) in finance.get("/acme/invoices/").content.decode()
        assert "Buyer Ltd" in finance.get(f"/acme/invoices/{invoice.pk}/").content.decode()
        assert number(1) in finance.get(f"/acme/invoices/of-contract/{contract.pk}/").content.decode()
        for path in (f"requests/new/{contract.pk}/", f"of-contract/{contract.pk}/", f"{invoice.pk}/"):
            assert sign_in(acme.other_rep).get(f"/acme/invoices/{path}").status_code == 404


def test_the_red_flow(acme, service, sign_in):
    contract, rows = service
    blue = issue(acme, contract, {rows[3]: "60000.00"}, 1)
    client = sign_in(acme.finance)
    with leave():
        asked = {f"a{rows[3].pk}": "6000.00", "reason_code": "04"}
        assert client.post(f"/acme/invoices/{blue.pk}/red/", {**asked, f"a{rows[3].pk}": "60000.01"}).status_code == 409
        assert client.post(f"/acme/invoices/{blue.pk}/red/", asked).status_code == 302
    request = InvoiceRequest.objects.of(acme.tenant).get(is_red=True)
    url = f"/acme/invoices/requests/{request.pk}"
    with leave():
        page = client.get(f"{url}/").content.decode()
        assert "5,660.38" in page and "339.62" in page and f"{url}/issue/" not in page
        refused = client.post(f"{url}/issue/", {"number": number(2), "date": str(DAY)})
        assert refused.status_code == 409 and "01 or 04" in refused.content.decode()
        assert client.post(f"{url}/confirmation/", {"code": "04"}).status_code == 409
        for code in ("02", "04"):
            assert client.post(f"{url}/confirmation/", {"code": code}).status_code == 302
        assert f"{url}/issue/" in client.get(f"{url}/").content.decode()
        assert client.post(f"{url}/issue/", {"number": number(2), "date": str(DAY)}).status_code == 302
        page = client.get(f"/acme/invoices/{blue.pk}/").content.decode()
    assert number(2) in page and "54,000.00" in page


def test_paper_is_voided_by_page(acme, service, sign_in):
    contract, rows = service
    paper = issue(acme, contract, {rows[3]: "60000.00"}, 1, medium="paper")
    with time_machine.travel("2024-02-20T04:00:00Z"):
        client = sign_in(acme.finance)
        with leave():
            assert "/void/" in client.get(f"/acme/invoices/{paper.pk}/").content.decode()
            assert client.post(f"/acme/invoices/{paper.pk}/void/", {"reason": ""}).status_code == 422
            assert client.post(f"/acme/invoices/{paper.pk}/void/", {"reason": "torn"}).status_code == 302
            assert "torn" in client.get(f"/acme/invoices/{paper.pk}/").content.decode()


def test_the_channel_by_page(acme, service, sign_in, monkeypatch):
    contract, rows = service
    bureau = Bureau()
    monkeypatch.setitem(channels._channels, "bureau", bureau)
    acme.tenant.settings = {"invoice_channels": {"AC": "bureau"}}
    acme.tenant.save()
    client = sign_in(acme.finance)
    with leave():
        client.post(f"/acme/invoices/requests/new/{contract.pk}/", form(rows, r0="100.00"))
    request = InvoiceRequest.objects.of(acme.tenant).get()
    url = f"/acme/invoices/requests/{request.pk}"
    with leave():
        assert client.post(f"{url}/approve/").status_code == 302
        assert client.post(f"{url}/send/").status_code == 302
        assert "does not answer" in client.get(f"{url}/").content.decode()
        bureau.away = False
        assert client.post(f"{url}/send/").status_code == 302
    request.refresh_from_db()
    assert (request.status, request.invoice.number) == ("issued", number(7))


def test_requests_are_taken_back_and_rejected_with_a_reason(acme, service, sign_in):
    contract, rows = service
    for member in (acme.rep, acme.finance):
        client = sign_in(acme.rep)
        with leave():
            client.post(f"/acme/invoices/requests/new/{contract.pk}/", form(rows, r0="100.00"))
        request = InvoiceRequest.objects.of(acme.tenant).latest("pk")
        client = sign_in(member)
        with leave():
            assert client.post(f"/acme/invoices/requests/{request.pk}/drop/", {"reason": ""}).status_code == 422
            assert client.post(f"/acme/invoices/requests/{request.pk}/drop/", {"reason": "x"}).status_code == 302
            assert client.post(f"/acme/invoices/requests/{request.pk}/drop/", {"reason": "x"}).status_code in (403, 409)


def test_lists_cost_the_same_for_one_row_and_thirty(acme, service, sign_in, django_assert_max_num_queries):
    contract, rows = service
    client, counts = sign_in(acme.finance), {"": [], "requests/": []}
    with leave():
        client.get("/acme/invoices/")
    for n in range(31):
        issue(acme, contract, {rows[0]: "1.00"}, n)
        with leave():
            client.post(f"/acme/invoices/requests/new/{contract.pk}/", form(rows, r1="1.00"))
        for path in counts if n in (0, 30) else ():
            with leave(), django_assert_max_num_queries(100) as asked:
                assert client.get(f"/acme/invoices/{path}").status_code == 200
            counts[path].append(len([q for q in asked.captured_queries if "SAVEPOINT" not in q["sql"]]))
    for first, last in counts.values():
        assert first == last <= 13


def test_the_api_from_the_request_to_the_red(acme, service, api):
    contract, rows = service
    rep, finance = api(acme.rep), api(acme.finance)
    body = {"contract": contract.pk, "amounts": [{"receivable": rows[3].pk, "amount": "60000.00"}], "buyer": BUYER}
    with leave():
        over = {**body, "amounts": [{"receivable": rows[3].pk, "amount": "60000.01"}]}
        assert rep("post", "invoice-requests/", over).json()["code"] == "OVER_INVOICED"
        made = rep("post", "invoice-requests/", body, **{"Idempotency-Key": "ask-1"})
        again = rep("post", "invoice-requests/", body, **{"Idempotency-Key": "ask-1"})
        assert made.status_code == 201 and made.json() == again.json()
        [asked] = made.json()
        issued = {"number": number(1), "date": str(DAY), "version": asked["version"]}
        assert rep("post", f"invoice-requests/{asked['id']}/issue/", issued).status_code == 403
        answer = finance("post", f"invoice-requests/{asked['id']}/issue/", issued)
        blue = answer.json()
        assert (answer.status_code, blue["net"], blue["tax"]) == (201, "56603.77", "3396.23")
        assert blue["lines"][0]["gross"] == "60000.00" and blue["shares"][0]["receivable"] == rows[3].pk
        red = {"amounts": [{"receivable": rows[3].pk, "amount": "6000.00"}], "reason_code": "04"}
        assert rep("post", f"invoices/{blue['id']}/red/", red).status_code == 403
        [request] = finance("post", f"invoices/{blue['id']}/red/", red).json()
        for code in ("02", "04"):
            finance("post", f"invoice-requests/{request['id']}/confirmation/", {"code": code})
        done = finance("post", f"invoice-requests/{request['id']}/issue/", {"number": number(2), "date": str(DAY)})
        assert (done.json()["net"], done.json()["blue"]) == ("-5660.38", blue["id"])
        assert [row["number"] for row in rep("get", "invoices/").json()["results"]] == [number(2), number(1)]
        assert rep("get", "invoices/", {"is_red": "true"}).json()["results"][0]["number"] == number(2)
        assert rep("get", "invoices/", {"receivable": rows[0].pk}).json()["results"] == []
        assert finance("post", f"invoices/{blue['id']}/void/", {"reason": "x"}).json()["code"] == "NOT_PAPER"
        assert finance("post", "invoices/", {}).status_code == 405
        assert finance("patch", f"invoices/{blue['id']}/", {}).status_code == 405
        detail = rep("get", f"receivables/{rows[3].pk}/").json()
        assert [share["amount"] for share in detail["invoices"]] == ["60000.00", "-6000.00"]
        assert [entry["type"] for entry in detail["entries"]] == ["OPEN"]
