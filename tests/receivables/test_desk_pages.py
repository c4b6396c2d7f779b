"""The faces of the desk, statements and receipts: pages without scripts, fragments, and the API."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.core.events import outbox
from crm.core.tenancy.state import leave
from receivables.actions import desk
from receivables.models import Allocation, BankLine, Incoming, PayerAlias, Receipt, StatementFile

from .desk import make_bank, make_line, make_lines, used
from .statements import csv, movement, upload

pytestmark = pytest.mark.django_db
DAY = date(2024, 3, 1)


@pytest.fixture(autouse=True)
def files_elsewhere(settings, tmp_path):
    storages = {name: dict(kept) for name, kept in settings.STORAGES.items()}
    storages["default"]["OPTIONS"] = {"location": str(tmp_path)}
    settings.STORAGES = storages


@pytest.fixture
def bank(acme, ledger):
    return make_bank(acme, ledger.entity)


@pytest.fixture
def finance(acme, sign_in):
    return sign_in(acme.finance)


def only(model, tenant, **values):
    return model.objects.of(tenant).get(**values)


def test_from_the_file_to_the_posted_receipt(acme, ledger, bank, finance):
    rows = [movement(DAY, "50000.00", "Buyer", "6217"), movement(DAY, "1.00", "Bank", memo="interest")]
    page = finance.post("/acme/bank/statements/new/", {"bank_account": bank.pk, "file": upload(csv(rows))})
    statement = only(StatementFile, acme.tenant)
    assert page.url == f"/acme/bank/statements/{statement.pk}/"
    shown = finance.get(page.url).content.decode()
    assert "Import 2 lines" in shown
    assert "50,000.00" in shown
    assert finance.post(f"{page.url}import/").status_code == 302
    assert "New lines" in finance.get(page.url).content.decode()
    with leave():
        outbox.drain_all()
    receipt = only(Receipt, acme.tenant)
    assert (used(receipt), receipt.posted_by_id) == ({"C": D("50000.00")}, acme.finance.pk)
    shown = finance.get("/acme/reconcile/").content.decode()
    assert "1 line to match" in shown
    assert "Buyer" not in shown.split("Undo")[1].split("<form")[0].split("Bank")[0]
    again = finance.post("/acme/bank/statements/new/", {"bank_account": bank.pk, "file": upload(csv(rows))})
    assert again.status_code == 409
    assert "has been imported already" in again.content.decode()


def test_pasted_rows_are_read_and_nothing_at_all_is_asked_for(acme, bank, finance):
    text = "交易日期\t收入\t支出\t对方户名\n2024-03-01\t5.00\t\tA"
    assert finance.post("/acme/bank/statements/new/", {"bank_account": bank.pk, "text": text}).status_code == 302
    assert finance.post("/acme/bank/statements/new/", {"bank_account": bank.pk}).status_code == 422


def test_columns_are_chosen_on_the_page(acme, bank, finance):
    finance.post("/acme/bank/statements/new/", {"bank_account": bank.pk, "file": upload(b"Tag,Wert\n2024-03-01,5\n")})
    url = f"/acme/bank/statements/{only(StatementFile, acme.tenant).pk}/"
    assert "Say which column is" in finance.get(url).content.decode()
    assert finance.post(f"{url}import/").status_code == 422
    assert finance.post(url, {"day": "Tag", "amount": "Wert"}).status_code == 302
    assert "Import 1 line" in finance.get(url).content.decode()
    assert finance.post(url, {"day": "No such"}).status_code == 422


def accept_form(line, account, *shares, **more):
    return {"line": line.pk, "account": account.pk, "share": [f"{one.pk}:{amount}" for one, amount in shares], **more}


def test_a_proposal_is_accepted_and_a_slower_colleague_is_told(acme, ledger, bank, finance):
    line, other = make_line(acme, bank, "30000.00", "Buyer"), make_line(acme, bank, "9.00", "Buyer")
    form = accept_form(line, ledger.account, (ledger.A, "30000.00"), rule="exact", seen="30000.00")
    assert finance.post("/acme/reconcile/accept/", form).status_code == 302
    answer = finance.post("/acme/reconcile/accept/", form)
    assert answer.status_code == 409
    assert "Somebody has booked this bank line meanwhile" in answer.content.decode()
    assert used(only(Receipt, acme.tenant)) == {"A": D("30000.00")}
    answer = finance.post(
        "/acme/reconcile/accept/", accept_form(other, ledger.account, on_account="1"), headers={"HX-Request": "true"}
    )
    assert (answer.status_code, answer["HX-Retarget"]) == (200, "#desk")
    assert "0 lines to match" in answer.content.decode()


def test_split_part_and_another_customer_without_scripts(acme, ledger, bank, finance):
    line = make_line(acme, bank, "100.00", "Somebody")
    url = "/acme/reconcile/split/"
    assert "Post" not in finance.get(f"{url}?line={line.pk}").content.decode().split("split-account")[1]
    shown = finance.get(f"{url}?line={line.pk}&account={ledger.account.pk}&part=1").content.decode()
    assert 'value="100.00"' in shown
    form = {"line": line.pk, "account": ledger.account.pk, "save": "1", "amount": "60.00", f"r{ledger.B.pk}": "50.00"}
    assert "has not paid for Buyer before" in finance.post(url, form).content.decode()
    assert finance.post(url, {**form, f"r{ledger.B.pk}": "70.00"}).status_code == 422
    assert finance.post(url, {**form, "approve_payer": "on"}).status_code == 302
    assert only(Incoming, acme.tenant, line=line).left == D("40.00")
    assert used(only(Receipt, acme.tenant)) == {"B": D("50.00")}


def test_several_lines_together(acme, ledger, bank, finance):
    lines = make_lines(acme, bank, [("20000.00", "Buyer", "", ""), ("10000.00", "Buyer", "", "")])
    query = "&".join(f"line={line.pk}" for line in lines)
    assert "what is open of A" in finance.get(f"/acme/reconcile/candidates/?{query}").content.decode()


def test_all_that_are_sure_after_a_look(acme, ledger, bank, finance):
    sure, open_ = make_line(acme, bank, "50000.00", "Buyer"), make_line(acme, bank, "77.00", "Stranger")
    shown = finance.get("/acme/reconcile/sure/").content.decode()
    assert f'value="{sure.pk}"' in shown
    assert f'value="{open_.pk}"' not in shown
    finance.post("/acme/reconcile/sure/", {"line": [sure.pk, open_.pk]})
    assert used(only(Receipt, acme.tenant)) == {"C": D("50000.00")}


def test_undo_and_putting_aside(acme, ledger, bank, finance):
    line = make_line(acme, bank, "100.00", "Buyer")
    [receipt] = desk.accept([line], by=acme.finance, account=ledger.account, shares={ledger.A.pk: D("100.00")})
    assert f"Undo {receipt.number}" in finance.get("/acme/reconcile/").content.decode()
    finance.post(f"/acme/reconcile/undo/{receipt.pk}/")
    assert only(Receipt, acme.tenant).status == "reversed"
    assert finance.post("/acme/reconcile/aside/", {"line": line.pk, "reason": ""}).status_code == 422
    finance.post("/acme/reconcile/aside/", {"line": line.pk, "reason": "interest"})
    assert only(Incoming, acme.tenant).set_aside
    assert "interest" in finance.get("/acme/bank/lines/?state=aside").content.decode()
    finance.post(f"/acme/reconcile/back/{line.pk}/")
    assert not only(Incoming, acme.tenant).set_aside


def test_rules_payers_and_differences_have_pages(acme, ledger, bank, finance):
    assert finance.post("/acme/reconcile/rules/", {"small_difference": "-1", "advances": "contract"}).status_code == 422
    rules = {"small_difference": "0.10", "advances": "customer", "posts_itself": "on"}
    assert finance.post("/acme/reconcile/rules/", rules).status_code == 302
    assert (
        finance.post("/acme/reconcile/rules/", {**rules, "version": 1, "small_difference": "0.20"}).status_code == 302
    )
    line = make_line(acme, bank, "29999.95", "Buyer Friend")
    desk.accept([line], by=acme.finance, account=ledger.account, shares={ledger.A.pk: D("29999.95")},
                approve_payer=True, drop_difference=True)  # fmt: skip
    assert "0.05" in finance.get("/acme/reconcile/differences/").content.decode()
    assert "Buyer Friend" in finance.get("/acme/reconcile/payers/").content.decode()
    finance.post(f"/acme/reconcile/payers/{only(PayerAlias, acme.tenant).pk}/forget/")
    assert not only(PayerAlias, acme.tenant).is_third_party
    finance.post(f"/acme/reconcile/payers/{only(PayerAlias, acme.tenant).pk}/approve/")
    assert only(PayerAlias, acme.tenant).is_third_party


def test_a_receipt_by_hand_allocated_taken_back_and_reversed(acme, ledger, finance):
    form = {"legal_entity": ledger.entity.pk, "account": ledger.account.pk, "method": "bank_draft",
            "amount": "60000.00", "received_on": "2024-01-20"}  # fmt: skip
    assert finance.post("/acme/receipts/new/", {**form, "amount": "0"}).status_code == 422
    assert finance.post("/acme/receipts/new/", {**form, "payer": "Aunt"}).status_code == 409
    url = finance.post("/acme/receipts/new/", form).url
    receipt = only(Receipt, acme.tenant)
    assert (receipt.unallocated, receipt.method) == (D("60000.00"), "bank_draft")
    assert finance.post(f"{url}allocate/", {f"r{ledger.C.pk}": "60000.00"}).status_code == 409
    finance.post(f"{url}allocate/", {f"r{ledger.C.pk}": "50000.00", f"r{ledger.A.pk}": "1.00"})
    row = only(Allocation, acme.tenant, receivable=ledger.A)
    finance.post(f"{url}unallocate/{row.pk}/")
    assert used(receipt) == {"C": D("50000.00")}
    finance.post(f"{url}allocate/automatically/")
    assert used(receipt) == {"C": D("50000.00"), "D": D("10000.00")}
    assert "Take the allocation back" in finance.get(url).content.decode()
    assert finance.post(f"{url}reverse/", {"reason": "bounced"}).status_code == 409
    assert finance.post(f"{url}reverse/", {"reason": "bounced", "release": "on"}).status_code == 302
    assert only(Receipt, acme.tenant).status == "reversed"


def test_whoever_only_reads_is_offered_nothing_else(acme, ledger, receive, sign_in):
    receipt = receive("100.00")
    client = sign_in(acme.rep)
    shown = client.get(f"/acme/receipts/{receipt.pk}/").content.decode()
    assert "Reverse" not in shown
    assert client.get("/acme/receipts/").status_code == 200
    for path in ("reconcile/", "bank/", "bank/lines/", "bank/statements/", "reconcile/sure/"):
        assert client.get(f"/acme/{path}").status_code == 403
    client = sign_in(acme.other_rep)
    assert client.get(f"/acme/receipts/{receipt.pk}/").status_code == 404


def read(queries) -> int:
    """Statements that touch a table."""
    return sum("SAVEPOINT" not in query["sql"] for query in queries)


@pytest.mark.parametrize(
    "path", ["reconcile/", "bank/lines/", "receipts/", "bank/statements/", "bank/", "reconcile/payers/"]
)
def test_lists_take_the_same_statements_for_one_row_and_thirty(acme, ledger, bank, finance, path):
    def statements() -> int:
        finance.get(f"/acme/{path}")
        with CaptureQueriesContext(connection) as queries:
            assert finance.get(f"/acme/{path}").status_code == 200
        return read(queries)

    def more(count):
        lines = make_lines(acme, bank, [("5.00", "Buyer", f"62{count}{n}", "") for n in range(count)])
        for line in lines:
            desk.accept([line], by=acme.finance, account=ledger.account, shares={})
        make_lines(acme, bank, [("5.00", "Buyer", "", "") for n in range(count)])

    more(1)
    few = statements()
    more(29)
    assert statements() == few
    assert few <= (20 if path == "reconcile/" else 12), few


def test_candidates_take_few_statements(acme, ledger, bank, finance):
    line = make_line(acme, bank, "50000.00", "Buyer", "6217", "HT-2")
    finance.get("/acme/reconcile/")
    with CaptureQueriesContext(connection) as queries:
        finance.get(f"/acme/reconcile/candidates/?line={line.pk}", headers={"HX-Request": "true"})
    assert read(queries) <= 12, read(queries)


# The API


def test_the_api_from_statement_to_reversed_allocation(acme, ledger, bank, api):
    from django.test import Client

    from crm.core.company import actions as company

    call = api(acme.finance)
    _, secret = company.create_token(acme.finance, by=acme.finance, name="t")
    body = {"bank_account": bank.pk, "file": upload(csv([movement(DAY, "40000.00", "Buyer", "6217", "HT-2")]))}
    answer = Client().post("/acme/api/v1/statements/", body, headers={"Authorization": f"Token {secret}"})
    assert (answer.status_code, answer.json()["lines_new"]) == (201, 1)
    [line] = call("get", "bank-lines/", {"state": "open"}).json()["results"]
    assert line["left"] == "40000.00"
    best = call("get", f"bank-lines/{line['id']}/proposals/").json()[0]
    assert (best["certain"], best["shares"][0]["number"]) == (True, "C")
    body = {"account": best["account"], "shares": [{"receivable": ledger.C.pk, "amount": "40000.00"}]}
    answer = call("post", f"bank-lines/{line['id']}/accept/", body)
    assert (answer.status_code, answer.json()["left"]) == (201, "0.00")
    assert call("post", f"bank-lines/{line['id']}/accept/", body).json()["code"] == "LINE_CHANGED"
    [receipt] = call("get", "receipts/", {"bank_line": line["id"]}).json()["results"]
    [row] = call("get", "allocations/", {"receipt": receipt["id"]}).json()["results"]
    back = call("post", f"allocations/{row['id']}/reverse/", {"amount": "10000.00"}).json()
    assert (back["amount"], back["reverses"]) == ("-10000.00", row["id"])
    made = call("post", "allocations/", {"receipt": receipt["id"], "receivable": ledger.A.pk, "amount": "10000.00"})
    assert made.status_code == 201
    assert call("post", f"receipts/{receipt['id']}/reverse/", {"reason": "x"}).json()["code"] == "RECEIPT_IN_USE"
    reversed_ = call("post", f"receipts/{receipt['id']}/reverse/", {"reason": "x", "release": True}).json()
    assert (reversed_["status"], reversed_["allocated"]) == ("reversed", "0.00")


def test_the_api_books_receipts_and_repeats_nothing(acme, ledger, api):
    call = api(acme.finance)
    body = {"legal_entity": ledger.entity.pk, "account": ledger.account.pk, "amount": "50000.00",
            "received_on": "2024-01-20", "method": "cheque"}  # fmt: skip
    first = call("post", "receipts/", body, Idempotency_Key="k1")
    assert (first.status_code, first.json()["unallocated"]) == (201, "0.00")
    again = call("post", "receipts/", body, Idempotency_Key="k1")
    assert again.json() == first.json()
    assert Receipt.objects.of(acme.tenant).count() == 1
    assert call("post", "bank-lines/", {}).status_code == 405
    assert api(acme.rep)("post", "receipts/", body).status_code == 403


def test_nonsense_gets_a_sentence(acme, ledger, bank, finance):
    line = make_line(acme, bank, "5.00", "Buyer")
    for path, data in (
        ("reconcile/accept/", {}), ("reconcile/accept/", {"line": "x"}), ("reconcile/accept/", {"line": line.pk}),
        ("reconcile/accept/", {"line": line.pk, "account": ledger.account.pk, "share": "a:b"}),
        ("reconcile/accept/", {"line": line.pk, "account": ledger.account.pk, "share": f"{ledger.A.pk}:-1"}),
        ("reconcile/accept/", {"line": "9" * 30, "account": "1"}), ("reconcile/split/", {"line": line.pk, "save": "1"}),
    ):  # fmt: skip
        assert finance.post(f"/acme/{path}", data).status_code in (404, 422), (path, data)
    for path in ("reconcile/?line=x&after=zz", "reconcile/?bank_account=x", "reconcile/split/?line=1&share=x"):
        assert finance.get(f"/acme/{path}").status_code in (200, 400, 422), path
    assert BankLine.objects.of(acme.tenant).count() == 1
    assert Receipt.objects.of(acme.tenant).count() == 0
