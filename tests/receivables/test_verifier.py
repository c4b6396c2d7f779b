"""The verifier is silent about honest books and names every planted fault (INV-R1 to R12)."""

from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from contracts.models import Contract
from crm.core.notifications.models import Notification
from crm.core.notifications.texts import text_of
from crm.core.tenancy.state import enter
from receivables.actions import allocation, invoices, plans, reds
from receivables.models import (
    Adjustment,
    Allocation,
    ArEntry,
    CreditEntry,
    InvoiceLine,
    InvoiceRequest,
    InvoiceShare,
    Receipt,
    Receivable,
)
from receivables.verifier import CHECKS, differences, verify
from tests.conftest import make_acme

from .conftest import make_ledger
from .invoicing import DAY, issue, make_contract, number, tax_code

pytestmark = pytest.mark.django_db
ROW = {"effective_date": DAY}


@pytest.fixture
def books(acme, ledger, receive):
    """A bit of everything: a plan replaced, an invoice and its red, money allocated, taken back, left over."""
    contract, rows = make_contract(acme, ledger, [("400.00", tax_code(acme, "X6", "0.06"))])
    plan = plans.draft_plan(contract, by=acme.rep, mode="equal", lines=[{"trigger": "sign"}] * 2)
    first, second = plans.confirm_plan(plan, by=acme.finance)
    blue = issue(acme, contract, {first: "200.00", second: "50.00"}, 1)
    [request] = reds.request_red(blue, {first.pk: D("20.00")}, by=acme.finance, reason_code="04")
    reds.set_confirmation(request, "01", by=acme.finance)
    invoices.issue_invoice(request, by=acme.finance, number=number(2), date=DAY)
    reds.request_red(blue, {second.pk: D("1.00")}, by=acme.finance, reason_code="04")
    receipt = receive("50000.00", contract=ledger.contracts[1])
    [row] = allocation.allocate(receive("150.00", automatic=False), {first.pk: D("150.00")}, by=acme.finance)
    allocation.unallocate(row, D("30.00"), by=acme.finance)
    return {"contract": contract, "first": first, "blue": blue, "receipt": receipt, "row": row, "old": rows[0]}


def found(tenant) -> set[str]:
    return {one.invariant for one in differences(tenant)}


def test_honest_books_agree(acme, books):
    assert list(differences(acme.tenant)) == []
    assert verify(acme.tenant) == 0
    assert not Notification.objects.of(acme.tenant).filter(kind="ledger.differs").exists()


def change(model, pk, **values):
    model._base_manager.filter(pk=pk).update(**values)


def add(tenant, model, **values):
    model._base_manager.create(tenant=tenant, **values)


PLANTED = {
    "a cache of a receivable": (
        "INV-R4", lambda t, b: change(Receivable, b["first"].pk, allocated=D("119.99"))),
    "a cache of a receipt": ("INV-R4", lambda t, b: change(Receipt, b["receipt"].pk, allocated=D("49999.99"))),
    "an entry too many": (
        "INV-R4", lambda t, b: add(t, ArEntry, receivable=b["first"], type="ADJUST", amount=D("0.01"), **ROW)),
    "an adjustment that nobody booked": (
        "INV-R4", lambda t, b: add(t, Adjustment, receivable=b["first"], amount=D("-0.01"), is_rounding=True, **ROW)),
    "a credit entry too many": (
        "INV-R4", lambda t, b: add(t, CreditEntry, receipt=b["receipt"], type="RELEASE", amount=D("0.01"), **ROW)),
    "a reserve without a refund": ("INV-R3", lambda t, b: change(Receipt, b["row"].receipt_id, reserved=D("1.00"))),
    "a contract that grew by itself": (
        "INV-R1", lambda t, b: change(Contract, b["contract"].pk, effective_amount=D("400.01"))),
    "a receivable left out of its plan": (
        "INV-R1", lambda t, b: change(Receivable, b["first"].pk, superseded=True)),
    "more taken back than given": (
        "INV-R5", lambda t, b: add(t, Allocation, receipt_id=b["row"].receipt_id, receivable=b["first"], rule="manual",
                                   amount=D("-120.01"), reverses=b["row"], **ROW)),
    "a customer's money for another": (
        "INV-R6", lambda t, b: change(Receipt, b["receipt"].pk, account=None)),
    "invoiced, by the cache": ("INV-R7", lambda t, b: change(Receivable, b["first"].pk, invoiced=D("179.99"))),
    "a pending red forgotten": (
        "INV-R7", lambda t, b: change(Receivable, Receivable.objects.of(t).get(red_pending=1).pk, red_pending=0)),
    "a share nobody invoiced": (
        "INV-R7", lambda t, b: add(t, InvoiceShare, invoice=b["blue"], receivable=b["first"], amount=D("0.01"))),
    "owed less than invoiced": ("INV-R7", lambda t, b: change(Receivable, b["first"].pk, adjusted=D("-50.00"))),
    "a line too many": ("INV-R7", lambda t, b: _line(t, b, net=D("0.01"), tax=D("0.00"), gross=D("0.01"))),
    "a line beyond the tolerance": ("INV-R7", lambda t, b: _line(t, b, net=D("1.00"), tax=D("9.00"), gross=D("10.00"))),
    "a red larger than its blue line": (
        "INV-R8", lambda t, b: _line(t, b, blue_line=b["blue"].lines.get(), net=D("-300"), tax=D(0), gross=D("-300"))),
    "a red nobody confirmed": (
        "INV-R8", lambda t, b: change(InvoiceRequest, InvoiceRequest.objects.of(t).get(status="issued", is_red=True).pk,
                                      invoice=None)),
    "receipts that do not add up": (
        "INV-R11", lambda t, b: add(t, Allocation, receipt=b["receipt"], receivable=b["first"], rule="manual",
                                    amount=D("0.01"), **ROW)),
    "ageing by another balance": (
        "INV-R12", lambda t, b: change(Receivable, b["first"].pk, allocated=D("100.00"))),
}  # fmt: skip


def _line(tenant, books, **values):
    code = books["blue"].lines.get().tax_code
    add(tenant, InvoiceLine, invoice=books["blue"], description="x", tax_code=code, rate=code.rate, **values)


@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_fault_is_named(acme, books, fault):
    invariant, plant = PLANTED[fault]
    plant(acme.tenant, books)
    assert invariant in found(acme.tenant)


def test_every_check_runs_in_a_statement_of_its_own(acme, django_assert_num_queries):
    with django_assert_num_queries(len(CHECKS)):
        list(differences(acme.tenant))


def test_finance_and_administrators_hear_of_it_once_a_day(acme, books):
    change(Receivable, books["first"].pk, allocated=D("119.99"))
    assert verify(acme.tenant) == verify(acme.tenant) > 0
    notices = Notification.objects.of(acme.tenant).filter(kind="ledger.differs").select_related("recipient")
    assert {one.recipient.name for one in notices} == {"Finance", "Acme founder"}
    assert len(notices) == 2
    assert books["first"].number in text_of(notices[0]).body


APPEND_ONLY = (
    "receivables_arentry", "receivables_allocation", "receivables_adjustment", "receivables_creditentry",
    "receivables_bankline", "receivables_dunningnotice", "receivables_invoice", "receivables_invoiceline",
    "receivables_invoiceshare", "receivables_invoicevoid", "contracts_contractversion",
)  # fmt: skip


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_inv_r5_the_app_cannot_change_or_delete(acme, table):
    for sql in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(DatabaseError, match=r"permission denied"), transaction.atomic():
            connection.cursor().execute(sql)


@pytest.mark.parametrize(
    "values",
    [
        {"allocated": D("200.01")}, {"allocated": D("-0.01")}, {"adjusted": D("-200.01")}, {"written_off": D("-1")},
        {"written_off": D("80.01")}, {"invoiced": D("-1")}, {"red_pending": D("181.00")}, {"original": D("-1")},
    ],
)  # fmt: skip
def test_inv_r2_the_database_refuses_impossible_balances(acme, books, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        change(Receivable, books["first"].pk, **values)


@pytest.mark.parametrize(
    "values", [{"allocated": D("50000.01")}, {"reserved": D("0.01")}, {"refunded": D("-1")}, {"amount": D("49999.99")}]
)
def test_inv_r3_the_database_refuses_receipts_that_do_not_add_up(acme, books, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        change(Receipt, books["receipt"].pk, **values)


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_the_command_finds_what_the_owner_of_the_database_did():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        ledger = make_ledger(cast)
    out = StringIO()
    call_command("verify_ledger", tenant="acme", stdout=out)
    assert "no difference" in out.getvalue()
    with enter(cast.tenant), transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE receivables_arentry SET amount = amount + 1 WHERE receivable_id = %s", [ledger.A.pk])
    with pytest.raises(CommandError, match="difference"):
        call_command("verify_ledger", stdout=out)
    assert "INV-R4 balance against the sub-ledger: A: expected 30001.00, found 30000.00" in out.getvalue()
