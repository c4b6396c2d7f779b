"""Pages and REST of refunds, write-offs, months, provisions and credit: the whole way of each, rights, cost."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.core import records
from crm.core.company import actions as company
from crm.core.events.models import Event
from receivables.actions import periods, refunds, write_offs
from receivables.models import CreditClass, Period, ProvisionMatrix, ProvisionRun, Refund, WriteOff

from .people import approve, hire
from .test_ageing import owe

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(acme):
    return hire(acme, "Second", "finance")


@pytest.fixture
def receipt(receive):
    return receive("10000.00", automatic=False)


def statements(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len([one for one in queries.captured_queries if "SAVEPOINT" not in one["sql"]])


def test_a_refund_from_the_receipt_to_the_payment(acme, receipt, second, sign_in):
    client = sign_in(acme.rep)
    panel = client.get(f"/acme/refunds/of-receipt/{receipt.pk}/").content.decode()
    assert f"/acme/refunds/new/{receipt.pk}/" in panel
    form = client.get(f"/acme/refunds/new/{receipt.pk}/").content.decode()
    assert "10000.00" in form
    answer = client.post(f"/acme/refunds/new/{receipt.pk}/", {"amount": "99999", "reason": "r", "payee_account": "1"})
    assert answer.status_code == 409
    answer = client.post(f"/acme/refunds/new/{receipt.pk}/", {"amount": "10", "reason": "waived", "payee_account": "1"})
    refund = Refund.objects.of(acme.tenant).get()
    assert answer.url == f"/acme/refunds/{refund.pk}/"
    assert "waived" in client.get(answer.url).content.decode()
    approve(refund, second, acme.legal)
    paying = {"payment_ref": "B1", "paid_on": "2024-02-01"}
    assert sign_in(second).post(f"/acme/refunds/{refund.pk}/pay/", paying).status_code == 403
    assert "Mark as paid" not in sign_in(second).get(f"/acme/refunds/{refund.pk}/").content.decode()
    client = sign_in(acme.finance)
    assert "Mark as paid" in client.get(f"/acme/refunds/{refund.pk}/").content.decode()
    assert client.post(f"/acme/refunds/{refund.pk}/pay/", paying).status_code == 302
    assert client.post(f"/acme/refunds/{refund.pk}/pay/", paying).status_code == 409
    assert sign_in(acme.other_rep).get(f"/acme/refunds/{refund.pk}/").status_code == 404
    assert sign_in(acme.legal).get(f"/acme/refunds/{refund.pk}/").status_code == 200
    assert sign_in(acme.presales).get("/acme/refunds/").status_code == 403


def test_a_refund_is_cancelled_by_who_asked(acme, receipt, sign_in):
    refund = refunds.request_refund(receipt, by=acme.rep, amount=D(1), reason="r", payee_account="1")
    client = sign_in(acme.rep)
    assert client.post(f"/acme/refunds/{refund.pk}/cancel/", {"reason": ""}).status_code == 422
    assert client.post(f"/acme/refunds/{refund.pk}/cancel/", {"reason": "not needed"}).status_code == 302
    refund.refresh_from_db()
    assert refund.status == "cancelled"


def test_a_write_off_and_its_recovery(acme, ledger, receipt, sign_in):
    from crm.core.approvals import actions as approvals

    from .people import open_tasks

    client = sign_in(acme.finance)
    assert "Write off" in client.get(f"/acme/write-offs/of-receivable/{ledger.C.pk}/").content.decode()
    ask = {"amount": "50000.00", "reason": "insolvent"}
    assert sign_in(acme.rep).post(f"/acme/write-offs/new/{ledger.C.pk}/", ask).status_code == 403
    client = sign_in(acme.finance)
    assert client.post(f"/acme/write-offs/new/{ledger.C.pk}/", ask).status_code == 302
    write_off = WriteOff.objects.of(acme.tenant).get()
    url, legal = f"/acme/write-offs/{write_off.pk}/", hire(acme, "Lee", "legal")
    assert "Money came in" not in client.get(url).content.decode()
    approve(write_off, acme.legal)
    approvals.assign(open_tasks(write_off)[0], by=acme.admin, to=legal)
    approve(write_off, legal)
    assert "Money came in" in client.get(url).content.decode()
    assert client.post(f"{url}recover/", {"receipt": receipt.pk, "amount": "50000.01"}).status_code == 409
    assert client.post(f"{url}recover/", {"receipt": receipt.pk, "amount": "100.00"}).status_code == 302
    write_off.refresh_from_db()
    assert write_off.recovered == D("100.00")
    assert sign_in(acme.rep).get("/acme/write-offs/").status_code == 403


def test_a_month_by_its_pages(acme, ledger, receipt, sign_in):
    url = f"/acme/periods/{ledger.entity.pk}/2024-01/"
    client = sign_in(acme.finance)
    page = client.get(url)
    assert [item.count for item in page.context["list"] if item.page == "desk:receipts"] == [1, 0]
    assert [verb for verb, _label in page.context["verbs"]] == ["soft-close"]
    assert client.get(f"{url}soft-close/").status_code == 200
    assert client.post(f"{url}soft-close/").status_code == 302
    assert client.post(f"{url}close/").status_code == 302
    assert client.post(f"{url}request-reopen/", {"reason": ""}).status_code == 422
    assert client.post(f"{url}request-reopen/", {"reason": "an invoice is missing"}).status_code == 302
    assert client.post(f"{url}approve-reopen/").status_code == 403
    legal = sign_in(acme.legal)
    assert "an invoice is missing" in legal.get(url).content.decode()
    assert [verb for verb, _label in legal.get(url).context["verbs"]] == ["approve-reopen", "refuse-reopen"]
    assert legal.post(f"{url}approve-reopen/").status_code == 302
    assert Period.objects.of(acme.tenant).get().status == "open"
    assert "2024-01" not in sign_in(acme.finance).get("/acme/periods/").content.decode()  # long past
    for broken in ("2024-13", "0000-01"):
        assert client.get(f"/acme/periods/{ledger.entity.pk}/{broken}/").status_code == 400
    assert client.get(f"{url}nothing/").status_code == 404
    assert client.post(f"/acme/periods/{ledger.entity.pk}/2024-02/open-again/", {"reason": "r"}).status_code in (
        403,
        409,
    )
    assert sign_in(acme.rep).get("/acme/periods/").status_code == 403


def test_rates_preview_and_run(acme, ledger, sign_in):
    client = sign_in(acme.finance)
    body = {"legal_entity": ledger.entity.pk, "valid_from": "2024-01-01", **{f"B{n}": n for n in range(5)}}
    assert client.post("/acme/provisions/rates/new/", {**body, "B2": ""}).status_code == 422
    assert client.post("/acme/provisions/rates/new/", body).status_code == 302
    assert ProvisionMatrix.objects.of(acme.tenant).get().rates == {"B": [
        "0.000000", "0.010000", "0.020000", "0.030000", "0.040000"
    ]}  # fmt: skip
    asked = {"legal_entity": ledger.entity.pk, "month": "2024-03-10"}
    preview = client.get("/acme/provisions/new/", asked)
    # C is due on the day itself; B 31 days, A 60, D 76.
    assert preview.context["run"].closing == D("600.00") + D("600.00") + D("370.37")
    assert not ProvisionRun.objects.of(acme.tenant).exists()
    assert client.post("/acme/provisions/new/", asked).status_code == 302
    assert client.post("/acme/provisions/new/", asked).status_code == 409
    run = ProvisionRun.objects.of(acme.tenant).get()
    text = client.get(f"/acme/provisions/{run.pk}/").content.decode()
    assert "1,570.37" in text
    assert "2%" in client.get("/acme/provisions/").content.decode()
    assert sign_in(acme.rep).get("/acme/provisions/").status_code == 403
    assert sign_in(acme.rep).get(f"/acme/provisions/{run.pk}/").status_code == 403
    assert sign_in(acme.legal).post("/acme/provisions/new/", asked).status_code == 403


def test_credit_on_the_customer_s_page(acme, ledger, sign_in):
    pk = ledger.account.pk
    assert "Change" not in sign_in(acme.rep).get(f"/acme/provisions/credit/{pk}/").content.decode()
    assert sign_in(acme.rep).post(f"/acme/provisions/credit/{pk}/edit/", {"letter": "A"}).status_code == 403
    client = sign_in(acme.finance)
    assert (
        client.post(f"/acme/provisions/credit/{pk}/edit/", {"letter": "C", "limit": "5", "days": "30"}).status_code
        == 302
    )
    assert CreditClass.objects.of(acme.tenant).get().letter == "C"
    assert "5.00" in client.get(f"/acme/provisions/credit/{pk}/").content.decode()
    stale = {"letter": "A", "version": "0"}
    assert client.post(f"/acme/provisions/credit/{pk}/edit/", stale).status_code == 409
    assert client.post(f"/acme/provisions/judge/{ledger.C.pk}/", {
        "valid_from": "2024-01-01", "percent": "50", "reason": "bankrupt"
    }).status_code == 302  # fmt: skip
    assert "50%" in client.get(f"/acme/write-offs/of-receivable/{ledger.C.pk}/").content.decode()


def test_the_rest_of_it(acme, ledger, receipt, second, api):
    rep, finance, legal = api(acme.rep), api(acme.finance), api(acme.legal)
    answer = rep("post", "refunds/", {"receipt": receipt.pk, "amount": "10.00", "reason": "r", "payee_account": "1"})
    assert (answer.status_code, answer.json()["status"], answer.json()["other_account"]) == (201, "requested", True)
    refund = Refund.objects.of(acme.tenant).get()
    assert rep("post", f"refunds/{refund.pk}/cancel/", {"reason": "no"}).json()["status"] == "cancelled"
    too_much = {"receipt": receipt.pk, "amount": "10000.01", "reason": "r", "payee_account": "1"}
    answer = rep("post", "refunds/", too_much)
    assert (answer.status_code, answer.json()["code"]) == (409, "INSUFFICIENT_UNALLOCATED")
    granted = approve(refunds.request_refund(receipt, by=acme.rep, amount=D(1), reason="r", payee_account="1"), second,
                      acme.legal)  # fmt: skip
    paying = {"payment_ref": "B9", "paid_on": "2024-02-02"}
    assert finance("post", f"refunds/{granted.pk}/pay/", paying).json()["status"] == "paid"
    answer = finance("post", f"refunds/{granted.pk}/pay/", paying)
    assert (answer.status_code, answer.json()["code"]) == (409, "INVALID_TRANSITION")

    answer = finance("post", "write-offs/", {"receivable": ledger.C.pk, "amount": "5.00", "reason": "r"})
    assert (answer.status_code, answer.json()["status"]) == (201, "in_approval")
    assert rep("post", "write-offs/", {"receivable": ledger.C.pk, "amount": "5.00", "reason": "r"}).status_code == 403

    answer = finance("post", "periods/", {"legal_entity": ledger.entity.pk, "month": "2024-01-01"})
    assert (answer.status_code, answer.json()["status"]) == (201, "soft_closed")
    pk = answer.json()["id"]
    assert finance("post", f"periods/{pk}/close/").json()["status"] == "closed"
    assert finance("post", f"periods/{pk}/request-reopen/", {"reason": "r"}).status_code == 200
    assert finance("post", f"periods/{pk}/approve-reopen/").status_code == 403
    assert legal("post", f"periods/{pk}/approve-reopen/").json()["status"] == "open"

    rates = {"B": ["0", "0.01", "0.02", "0.03", "0.04"]}
    body = {"legal_entity": ledger.entity.pk, "valid_from": "2024-01-01", "rates": rates}
    assert finance("post", "provision-rates/", body).status_code == 201
    asked = {"legal_entity": ledger.entity.pk, "month": "2024-03-01"}
    assert finance("get", "provision-runs/preview/", asked).json()["closing"] == "1570.37"
    answer = finance("post", "provision-runs/", asked)
    assert (answer.status_code, answer.json()["closing"], len(answer.json()["lines"])) == (201, "1570.37", 3)
    assert finance("post", "provision-runs/", asked).status_code == 409
    assert rep("get", "provision-runs/").status_code == 403

    answer = finance("post", "credit-classes/", {"account": ledger.account.pk, "letter": "A", "limit": "100.00"})
    assert (answer.status_code, answer.json()["letter"]) == (201, "A")
    assert rep("get", "credit-classes/").json()["results"][0]["letter"] == "A"
    assert rep("post", "credit-classes/", {"account": ledger.account.pk, "letter": "B"}).status_code == 403


def test_ageing_and_statement_by_rest(acme, ledger, receipt, api):
    call = api(acme.finance)
    body = call("get", "ageing/", {"as_of": "2024-03-31"}).json()
    assert body["total"]["buckets"] == {
        "current": "50000.00", "1-30": "0.00", "31-60": "60000.00", "61-90": "12345.67", "90+": "0.00",
    }  # fmt: skip
    assert (body["total"]["total"], body["total"]["unallocated"]) == ("122345.67", "10000.00")
    [row] = body["rows"]
    rows = call("get", "ageing/rows/", {"as_of": "2024-03-31", "bucket": "31-60", "key": row["id"]}).json()
    assert (rows["count"], rows["amount"], len(rows["rows"])) == (2, "60000.00", 2)
    assert call("get", "ageing/", {"as_of": "2999-01-01"}).status_code == 400
    assert call("get", "ageing/rows/", {"bucket": "7"}).status_code == 400
    assert call("get", "ageing/dso/").json()["receivable"] == "122345.67"
    found = call("get", f"statements-of-account/{ledger.account.pk}/", {"start": "2024-01-01", "end": "2024-03-31"})
    assert (found.json()["owed"]["closing"], found.json()["advances"]["closing"]) == ("122345.67", "10000.00")
    assert api(acme.other_rep)("get", f"statements-of-account/{ledger.account.pk}/").status_code == 404
    assert api(acme.presales)("get", "ageing/").status_code == 403


@pytest.mark.parametrize("path", ["refunds/", "write-offs/", "provisions/", "periods/"])
def test_the_same_number_of_statements_for_one_row_and_thirty(acme, ledger, receipt, sign_in, path):
    client = sign_in(acme.finance)
    _one_of_each(acme, ledger, receipt, 0)
    few = statements(client, f"/acme/{path}")
    for n in range(1, 31):
        _one_of_each(acme, ledger, receipt, n)
    assert statements(client, f"/acme/{path}") == few <= 12


def _one_of_each(acme, ledger, receipt, n: int):
    month = date(2020 + n // 12, n % 12 + 1, 1)
    run = {"as_of": month, "closing": D(0), "written_off": D(0), "recovered": D(0), "charge": D(0), "is_posted": True}
    records.create(ProvisionRun, by=acme.finance, legal_entity=ledger.entity, month=month, **run)
    records.create(ProvisionMatrix, by=acme.finance, legal_entity=ledger.entity, valid_from=month, bounds=[0, 30],
                   rates={"B": ["0", "0.1", "0.2"]})  # fmt: skip
    records.create(Period, by=acme.finance, legal_entity=ledger.entity, month=month)
    refunds.request_refund(receipt, by=acme.rep, amount=D("0.01"), reason="r", payee_account="1")
    write_offs.request_write_off(
        owe(acme, ledger, f"W{n}", "1.00", month), by=acme.finance, amount=D("0.5"), reason="r"
    )


def test_record_pages_stay_cheap(acme, ledger, receipt, sign_in):
    refund = refunds.request_refund(receipt, by=acme.rep, amount=D("0.01"), reason="r", payee_account="1")
    write_off = write_offs.request_write_off(ledger.C, by=acme.finance, amount=D("0.5"), reason="r")
    periods.soft_close(ledger.entity, date(2024, 1, 1), by=acme.finance)
    client = sign_in(acme.finance)
    for path in (f"refunds/{refund.pk}/", f"write-offs/{write_off.pk}/", f"periods/{ledger.entity.pk}/2024-01/",
                 f"statements/{ledger.account.pk}/"):  # fmt: skip
        assert statements(client, f"/acme/{path}") <= 20, path


def test_nobody_of_finance_alone_is_the_lead(acme):
    assert not periods.is_finance_lead(acme.finance)
    company.create_team(by=acme.admin, name="Finance", kind="function", head=acme.finance)
    assert periods.is_finance_lead(acme.finance)
    assert not periods.is_finance_lead(acme.manager)


def test_the_lead_posts_late_by_page_and_by_rest_with_a_reason(acme, ledger, sign_in, api):
    """A soft-closed month takes a receipt of the finance lead, and keeps why."""
    periods.soft_close(ledger.entity, date(2024, 1, 1), by=acme.finance)
    given = {"legal_entity": ledger.entity.pk, "account": ledger.account.pk, "method": "cash", "amount": "10.00",
             "received_on": "2024-01-20", "automatic": ""}  # fmt: skip
    client = sign_in(acme.finance)
    refused = client.post("/acme/receipts/new/", {**given, "late_reason": "found late"})
    assert "is closed for" in refused.content.decode()
    company.create_team(by=acme.admin, name="Finance", kind="function", head=acme.finance)
    assert client.post("/acme/receipts/new/", {**given, "late_reason": "found late"}).status_code == 302
    call = api(acme.finance)
    given["automatic"] = False
    assert call("POST", "receipts/", given).json()["code"] == "PERIOD_CLOSED"
    assert call("POST", "receipts/", {**given, "late_reason": "found later"}).status_code == 201
    told = Event.objects.of(acme.tenant).filter(kind="period.posted_late").order_by("pk")
    assert [event.reason for event in told] == ["found late", "found later"]
