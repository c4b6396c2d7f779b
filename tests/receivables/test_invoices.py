"""Invoices, blue and red: VAT to the cent, never too much, confirmed before red (WC-02, WC-08, INV-R7, INV-R8)."""

from datetime import date
from decimal import Decimal as D

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction

from crm.core import records
from crm.core.errors import Forbidden, Refused, ValidationError
from receivables import channels
from receivables.actions import invoices, reds, transmission
from receivables.models import InvoiceLine, InvoiceRequest, InvoiceShare

from .invoicing import BUYER, DAY, USCC, issue, make_contract, number, tax_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def v6(acme):
    return tax_code(acme, "V6", "0.06")


@pytest.fixture
def v13(acme):
    return tax_code(acme, "V13", "0.13")


@pytest.fixture
def service(acme, ledger, v6):
    """600,000.00 at 6 %, parted 30/30/30/10: the tail is 60,000.00 (WC-08)."""
    return make_contract(acme, ledger, [("600000.00", v6)])


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


def ask(cast, service, amounts, **values):
    contract, rows = service
    asked = {rows[index].pk: D(amount) for index, amount in amounts.items()}
    return invoices.request_invoice(contract, asked, by=cast.rep, **{"buyer": BUYER, **values})


def billed(receivable) -> tuple[D, D]:
    receivable.refresh_from_db()
    return receivable.invoiced, receivable.red_pending


def confirm(cast, request):
    for code in ("02", "04"):
        reds.set_confirmation(request, code, by=cast.finance)
    return request


def test_wc02_blue_then_red(acme, service):
    contract, rows = service
    blue = issue(acme, contract, {rows[3]: "60000.00"}, 1)
    assert (blue.net, blue.tax, blue.gross) == (D("56603.77"), D("3396.23"), D("60000.00"))
    [request] = reds.request_red(blue, {rows[3].pk: D("6000.00")}, by=acme.finance, reason_code="04")
    assert billed(rows[3]) == (D("60000.00"), D("6000.00"))
    confirm(acme, request)
    red = invoices.issue_invoice(request, by=acme.finance, number=number(2), date=DAY)
    assert (red.net, red.tax, red.gross) == (D("-5660.38"), D("-339.62"), D("-6000.00"))
    assert (blue.net + red.net, blue.tax + red.tax) == (D("50943.39"), D("3056.61"))
    assert billed(rows[3]) == (D("54000.00"), D("0.00"))
    assert (red.blue, red.is_red, red.buyer) == (blue, True, blue.buyer)


def test_wc02_the_document_is_the_sum_of_its_lines(acme, ledger, v13):
    contract, [row] = make_contract(acme, ledger, [("33.33", v13)] * 3, ["100"])
    blue = issue(acme, contract, {row: "99.99"}, 1)
    assert (blue.net, blue.tax) == (D("88.50"), D("11.49"))
    assert [(line.net, line.tax) for line in blue.lines.all()] == [(D("29.50"), D("3.83"))] * 3


def test_several_rates_and_receivables_in_one_document(acme, ledger, v6, v13):
    contract, rows = make_contract(acme, ledger, [("1000.00", v13), ("0.00", v13), ("500.01", v6)])
    blue = issue(acme, contract, {rows[0]: rows[0].balance, rows[1]: "100.00"}, 1)
    assert blue.gross == rows[0].balance + D("100.00")
    lines = list(blue.lines.select_related("tax_code"))
    assert [line.tax_code.code for line in lines] == ["V13", "V6"]
    for name in ("net", "tax", "gross"):
        assert sum(getattr(line, name) for line in lines) == getattr(blue, name)
    assert {share.receivable_id: share.amount for share in blue.shares.all()} == {
        rows[0].pk: rows[0].balance, rows[1].pk: D("100.00"),
    }  # fmt: skip
    assert all(request.status == "issued" for request in InvoiceRequest.objects.of(acme.tenant))


def test_inv_r7_never_more_than_is_owed(acme, service):
    contract, rows = service
    assert code_of(ask, acme, service, {3: "60000.01"}) == "OVER_INVOICED"
    [first] = ask(acme, service, {3: "40000.00"})
    assert code_of(ask, acme, service, {3: "20000.01"}) == "OVER_INVOICED"
    invoices.drop_request(first, by=acme.rep, reason="typing mistake")
    [first] = ask(acme, service, {3: "60000.00"})
    records.update(rows[3], by=acme.system, adjusted=D("-6000.00"))
    issue_it = {"by": acme.finance, "number": number(1), "date": DAY}
    assert code_of(invoices.issue_invoice, first, **issue_it) == "OVER_INVOICED"
    assert billed(rows[3]) == (0, 0)


def test_inv_r7_no_blue_while_a_red_is_pending(acme, service):
    contract, rows = service
    blue = issue(acme, contract, {rows[3]: "50000.00"}, 1)
    [red] = reds.request_red(blue, {rows[3].pk: D("1000.00")}, by=acme.finance, reason_code="02")
    [more] = ask(acme, service, {3: "10000.00"})
    issue_it = {"by": acme.finance, "number": number(2), "date": DAY}
    assert code_of(invoices.issue_invoice, more, **issue_it) == "RED_PENDING"
    reds.set_confirmation(red, "01", by=acme.finance)
    invoices.issue_invoice(red, by=acme.finance, number=number(3), date=DAY)
    invoices.issue_invoice(more, **issue_it)
    assert billed(rows[3]) == (D("59000.00"), 0)


def test_inv_r8_partial_reds_end_exactly_where_the_blue_began(acme, ledger, v13):
    contract, [row] = make_contract(acme, ledger, [("0.07", v13), ("99.93", v13)], ["100"])
    blue = issue(acme, contract, {row: "100.00"}, 1)
    for n, amount in enumerate(("33.33", "33.33", "0.01", "33.33"), start=2):
        [request] = reds.request_red(blue, {row.pk: D(amount)}, by=acme.finance, reason_code="04")
        confirm(acme, request)
        invoices.issue_invoice(request, by=acme.finance, number=number(n), date=DAY)
    for line in blue.lines.all():
        for name in ("net", "tax", "gross"):
            assert sum(getattr(red, name) for red in line.reds.all()) == -getattr(line, name)
    too_much = {"by": acme.finance, "reason_code": "04"}
    assert code_of(reds.request_red, blue, {row.pk: D("0.01")}, **too_much) == "RED_TOO_LARGE"


def test_inv_r8_by_line_and_by_what_is_pending(acme, ledger, v6, v13):
    contract, [row] = make_contract(acme, ledger, [("40.00", v6), ("60.00", v13)], ["100"])
    blue = issue(acme, contract, {row: "100.00"}, 1)
    [first, second] = blue.lines.all()
    how = {"by": acme.finance, "reason_code": "02"}
    lines = [{"line": first.pk, "gross": D("40.01")}]
    assert code_of(reds.request_red, blue, {row.pk: D("40.01")}, lines=lines, **how) == "RED_TOO_LARGE"
    lines = [{"line": second.pk, "gross": D("30.00")}]
    [request] = reds.request_red(blue, {row.pk: D("30.00")}, lines=lines, **how)
    assert code_of(reds.request_red, blue, {row.pk: D("70.01")}, **how) == "RED_TOO_LARGE"
    confirm(acme, request)
    red = invoices.issue_invoice(request, by=acme.finance, number=number(2), date=DAY)
    assert [line.blue_line_id for line in red.lines.all()] == [second.pk]


@pytest.mark.parametrize("steps", ["", "02", "03", "02 05", "03 06", "02 08", "02 04 09"])
def test_only_01_and_04_may_be_issued(acme, service, steps):
    contract, rows = service
    blue = issue(acme, contract, {rows[3]: "60000.00"}, 1)
    [request] = reds.request_red(blue, {rows[3].pk: D("60000.00")}, by=acme.finance, reason_code="01")
    for code in steps.split():
        reds.set_confirmation(request, code, by=acme.finance)
    issue_it = {"by": acme.finance, "number": number(2), "date": DAY}
    ended = len(steps) > 2
    expected = "INVALID_TRANSITION" if ended else "RED_NOT_CONFIRMED"
    assert code_of(invoices.issue_invoice, request, **issue_it) == expected
    assert request.status == ("rejected" if ended else "requested")
    assert billed(rows[3]) == (D("60000.00"), D("0.00") if ended else D("60000.00"))


def test_the_database_keeps_unconfirmed_reds_from_being_issued(acme, service):
    contract, rows = service
    blue = issue(acme, contract, {rows[3]: "60000.00"}, 1)
    [request] = reds.request_red(blue, {rows[3].pk: D("1.00")}, by=acme.finance, reason_code="01")
    with pytest.raises(IntegrityError), transaction.atomic():
        InvoiceRequest.objects.of(acme.tenant).filter(pk=request.pk).update(status="issued")


def test_72_hours(acme, service):
    contract, rows = service
    blue = issue(acme, contract, {rows[3]: "60000.00"}, 1)
    with time_machine.travel("2024-02-01T00:00:00Z", tick=False):
        [request] = reds.request_red(blue, {rows[3].pk: D("10.00")}, by=acme.finance, reason_code="04")
        reds.set_confirmation(request, "02", by=acme.finance)
    with time_machine.travel("2024-02-04T00:00:00Z", tick=False):
        assert reds.expire_confirmations(acme.tenant) == 0
    with time_machine.travel("2024-02-04T00:00:01Z", tick=False):
        assert code_of(reds.set_confirmation, request, "04", by=acme.finance) == "CONFIRMATION_EXPIRED"
        assert reds.expire_confirmations(acme.tenant) == 1
        assert reds.expire_confirmations(acme.tenant) == 0
    request.refresh_from_db()
    assert (request.confirmation, request.status) == ("07", "rejected")
    assert billed(rows[3]) == (D("60000.00"), 0)


def test_a_red_that_a_reduction_needs_stays_pending(acme, service):
    contract, rows = service
    blue = issue(acme, contract, {rows[3]: "60000.00"}, 1)
    [request] = reds.request_red(blue, {rows[3].pk: D("6000.00")}, by=acme.finance, reason_code="04")
    rows[3].refresh_from_db()
    records.update(rows[3], by=acme.system, adjusted=D("-6000.00"))
    for code in ("02", "05"):
        reds.set_confirmation(request, code, by=acme.finance)
    assert (request.status, request.confirmation) == ("requested", "")
    assert billed(rows[3]) == (D("60000.00"), D("6000.00"))


def test_special_invoices_name_a_buyer_with_a_valid_code(acme, service, ledger):
    for buyer in ({"name": "Buyer"}, {"name": "Buyer", "uscc": "91350100M000100Y44"}):
        with pytest.raises(ValidationError) as error:
            ask(acme, service, {0: "1.00"}, buyer=buyer)
        assert "buyer_uscc" in error.value.message_dict
    assert ask(acme, service, {0: "1.00"}, buyer={"name": "A person"}, kind="ordinary")
    records.update(ledger.account, by=acme.rep, uscc=USCC, valid_uscc=USCC)
    service[0].refresh_from_db()
    [request] = ask(acme, service, {0: "1.00"}, buyer={})
    assert request.buyer["uscc"] == USCC
    assert request.buyer["name"] == ledger.account.name


def test_the_buyer_on_the_invoice_stays_as_it_was(acme, service, ledger):
    contract, rows = service
    blue = issue(acme, contract, {rows[0]: "100.00"}, 1)
    records.update(ledger.account, by=acme.rep, name="Another name")
    blue.refresh_from_db()
    assert blue.buyer["name"] == "Buyer Ltd"


def test_an_issued_invoice_cannot_be_changed(acme, service):
    contract, rows = service
    issue(acme, contract, {rows[0]: "100.00"}, 1)
    for table in ("invoice", "invoiceline", "invoiceshare"):
        for sql in (f"UPDATE receivables_{table} SET id = id", f"DELETE FROM receivables_{table}"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(sql)


def test_numbers_and_dates(acme, service):
    [request] = ask(acme, service, {0: "1.00"})
    for wrong in ("123", number(1)[:-1], number(1) + "0", "A" * 20):
        with pytest.raises(ValidationError):
            invoices.issue_invoice(request, by=acme.finance, number=wrong, date=DAY)
    with time_machine.travel("2024-01-31T15:59:00Z"), pytest.raises(ValidationError):  # still January 31 in Shanghai
        invoices.issue_invoice(request, by=acme.finance, number=number(1), date=DAY)
    with time_machine.travel("2024-01-31T16:00:00Z"):
        invoices.issue_invoice(request, by=acme.finance, number=number(1), date=DAY)
    [other] = ask(acme, service, {0: "1.00"})
    with pytest.raises(ValidationError), transaction.atomic():
        invoices.issue_invoice(other, by=acme.finance, number=number(1), date=DAY)


def test_tax_codes_end(acme, ledger):
    relief = tax_code(acme, "X1", "0.01", valid_until=date(2024, 1, 31))
    contract, [row] = make_contract(acme, ledger, [("100.00", relief)], ["100"])
    [request] = invoices.request_invoice(contract, {row.pk: D("100.00")}, by=acme.rep, buyer=BUYER)
    assert (
        code_of(invoices.issue_invoice, request, by=acme.finance, number=number(1), date=DAY) == "TAX_CODE_ENDED"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("net", "tax", "fits"), [("88.50", "11.50", True), ("88.45", "11.55", True), ("88.40", "11.60", False)]
)
def test_lines_of_the_bureau_are_held_to_the_tolerance(acme, ledger, v13, net, tax, fits):
    contract, [row] = make_contract(acme, ledger, [("100.00", v13)], ["100"])
    [request] = invoices.request_invoice(contract, {row.pk: D("100.00")}, by=acme.rep, buyer=BUYER)
    lines = [{"description": "Machine", "tax_code": v13, "net": D(net), "tax": D(tax)}]
    issue_it = {"by": acme.finance, "number": number(1), "date": DAY, "lines": lines}
    if fits:
        assert invoices.issue_invoice(request, **issue_it).tax == D(tax)
    else:
        with pytest.raises(ValidationError):
            invoices.issue_invoice(request, **issue_it)


def test_paper_is_void_in_its_month_only(acme, service):
    contract, rows = service
    paper = issue(acme, contract, {rows[3]: "60000.00"}, 1, medium="paper")
    digital = issue(acme, contract, {rows[2]: "1.00"}, 2)
    with time_machine.travel("2024-02-29T15:00:00Z"):
        assert code_of(invoices.void_invoice, digital, by=acme.finance, reason="torn") == "NOT_PAPER"
    with time_machine.travel("2024-02-29T16:00:00Z"):  # March in Shanghai
        assert code_of(invoices.void_invoice, paper, by=acme.finance, reason="torn") == "MONTH_OVER"
    with time_machine.travel("2024-02-29T15:00:00Z"):
        invoices.void_invoice(paper, by=acme.finance, reason="torn")
        assert code_of(invoices.void_invoice, paper, by=acme.finance, reason="torn") == "INVOICE_CORRECTED"
    assert billed(rows[3]) == (0, 0)
    assert code_of(reds.request_red, paper, {rows[3].pk: D("1")}, by=acme.finance, reason_code="01") == "NOT_BLUE"
    issue(acme, contract, {rows[3]: "60000.00"}, 3)


class Bureau:
    """A tax bureau that is away at first, and issues each serial once."""

    key = "bureau"

    def __init__(self):
        self.asked, self.away = [], True

    def issue(self, document):
        self.asked.append(document)
        if self.away:
            raise channels.ChannelFailed("The bureau does not answer.")
        return channels.Issued(number(7), DAY)


def test_a_channel_that_fails_is_tried_again_with_the_same_serial(acme, service, monkeypatch):
    contract, rows = service
    bureau = Bureau()
    monkeypatch.setitem(channels._channels, "bureau", bureau)
    [request] = ask(acme, service, {0: "100.00"})
    assert code_of(transmission.transmit, request, by=acme.finance) == "INVALID_TRANSITION"
    invoices.approve_request(request, by=acme.finance)
    transmission.transmit(request, by=acme.finance)
    assert (request.status, "by hand" in request.error) == ("failed", True)
    acme.tenant.settings = {"invoice_channels": {"AC": "bureau"}}
    acme.tenant.save()
    for away in (True, False):
        bureau.away = away
        request = InvoiceRequest.objects.of(acme.tenant).get(pk=request.pk)
        transmission.transmit(request, by=acme.finance)
    assert (request.status, request.invoice.number, request.error) == ("issued", number(7), "")
    assert len({document.serial for document in bureau.asked} | {request.serial}) == 1
    assert bureau.asked[0].positions[0].taxed.gross == D("100.00")
    assert billed(rows[0]) == (D("100.00"), 0)


def test_who_asks_and_who_issues(acme, service):
    contract, rows = service
    for member in (acme.peer, acme.legal, acme.presales, acme.partner):
        with pytest.raises(Forbidden):
            invoices.request_invoice(contract, {rows[0].pk: D("1.00")}, by=member, buyer=BUYER)
    for member in (acme.rep, acme.manager, acme.finance):
        [request] = invoices.request_invoice(contract, {rows[0].pk: D("1.00")}, by=member, buyer=BUYER)
    for member in (acme.rep, acme.manager, acme.legal, acme.admin):
        issue_it = {"by": member, "number": number(1), "date": DAY}
        for act in (invoices.issue_invoice, invoices.approve_request, transmission.transmit):
            with pytest.raises(Forbidden):
                act(request, **(issue_it if act is invoices.issue_invoice else {"by": member}))
        with pytest.raises(Forbidden):
            invoices.drop_request(request, by=member, reason="mine")
    blue = invoices.issue_invoice(request, by=acme.finance, number=number(1), date=DAY)
    with pytest.raises(Forbidden):
        reds.request_red(blue, {rows[0].pk: D("1.00")}, by=acme.rep, reason_code="01")
    assert InvoiceShare.objects.of(acme.tenant).count() == InvoiceLine.objects.of(acme.tenant).count() == 1
