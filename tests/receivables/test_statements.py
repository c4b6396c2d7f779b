"""Statements of account: opening, entries, closing and open items tie to the ledgers; page, PDF, rights."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from crm.core.errors import Forbidden
from crm.core.web import pdf
from receivables.actions import allocation, refunds
from receivables.metrics.statement import statement
from receivables.models import ArEntry, CreditEntry

from .test_ageing import owe

pytestmark = pytest.mark.django_db
FEBRUARY = {"start": date(2024, 2, 1), "end": date(2024, 2, 29)}


@pytest.fixture
def months(acme, ledger, receive):
    """January: A and D open, D is paid. February: B opens, 40,000.00 come in, of which A takes 30,000.00."""
    receipt = receive("12345.67", received_on=date(2024, 1, 20), automatic=False)
    allocation.allocate(receipt, {ledger.D.pk: D("12345.67")}, by=acme.finance, effective=date(2024, 1, 20))
    receipt = receive("40000.00", received_on=date(2024, 2, 10), automatic=False)
    allocation.allocate(receipt, {ledger.A.pk: D("30000.00")}, by=acme.finance, effective=date(2024, 2, 11))
    return receipt


def test_opening_entries_closing(acme, ledger, months):
    found = statement(ledger.account, by=acme.finance, **FEBRUARY)
    assert (found.owed.opening, found.held.opening) == (D("30000.00"), D(0))
    assert [(e.row.effective_date.day, e.row.type, e.row.amount, e.left) for e in found.owed.entries] == [
        (11, "ALLOCATE", D("-30000.00"), D(0)), (29, "OPEN", D("30000.00"), D("30000.00")),
    ]  # fmt: skip
    assert [(e.row.effective_date.day, e.row.type, e.row.amount, e.left) for e in found.held.entries] == [
        (10, "RECEIPT", D("40000.00"), D("40000.00")), (11, "ALLOCATE", D("-30000.00"), D("10000.00")),
    ]  # fmt: skip
    assert (found.owed.closing, found.held.closing, found.difference) == (
        D("30000.00"), D("10000.00"), D("20000.00"),
    )  # fmt: skip
    assert [(item.amount, one.number) for item, one in found.items] == [(D("30000.00"), "B")]
    assert [(item.amount, one.pk) for item, one in found.advances] == [(D("10000.00"), months.pk)]


def test_every_sum_ties_to_the_ledger(acme, ledger, months):
    owe(acme, ledger, "E", "77.00", None)
    refunds.request_refund(months, by=acme.rep, amount=D("100.00"), reason="r", payee_account="1")
    spans = [(date(2024, 1, 1), date(2024, 1, 31)), (date(2024, 2, 1), date(2024, 12, 31)),
             (date(2025, 1, 1), acme.tenant.today())]  # fmt: skip
    for start, end in spans:
        found = statement(ledger.account, by=acme.finance, start=start, end=end)
        for course, model in ((found.owed, ArEntry), (found.held, CreditEntry)):
            rows = model.objects.of(acme.tenant).filter(effective_date__lte=end)
            assert course.closing == rows.aggregate(sum=Sum("amount"))["sum"]
            assert course.closing == course.opening + sum(entry.row.amount for entry in course.entries)
        assert sum(item.amount for item, _one in found.items) == found.owed.closing
        assert sum(item.amount for item, _one in found.advances) == found.held.closing
    one, two = (statement(ledger.account, by=acme.finance, start=a, end=b) for a, b in spans[:2])
    assert two.owed.opening == one.owed.closing


def test_a_part_of_an_account_is_no_account(acme, ledger, months):
    """The customer's owner sees all of it, also what a colleague's contract owes; others nothing."""
    from crm.core import records

    records.update(ledger.B, by=acme.system, owner=acme.peer)
    assert statement(ledger.account, by=acme.rep, **FEBRUARY).owed.closing == D("30000.00")
    for member in (acme.peer, acme.other_rep, acme.admin):
        if member is acme.admin:
            continue
        with pytest.raises(Forbidden):
            statement(ledger.account, by=member, **FEBRUARY)


def test_page_and_pdf(acme, ledger, months, sign_in):
    client = sign_in(acme.finance)
    url = f"/acme/statements/{ledger.account.pk}/"
    page = client.get(url, {"start": "2024-02-01", "end": "2024-02-29"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "10,000.00" in text
    assert "Owed less advances" in text
    if pdf.is_available():
        paper = client.get(f"{url}pdf/", {"start": "2024-02-01", "end": "2024-02-29"})
        assert paper.content.startswith(b"%PDF")
    assert client.get(url, {"start": "2024-02-01", "end": "2024-01-01"}).status_code == 200
    assert client.get("/acme/statements/", {"q": "Buy"}).content.decode().count("Buyer") >= 1
    assert sign_in(acme.other_rep).get(url).status_code == 404
    assert sign_in(acme.presales).get("/acme/statements/").status_code == 403
