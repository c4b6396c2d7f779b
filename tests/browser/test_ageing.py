"""Ageing as of a past month end, in a browser: from the table to a cell, to its rows, to one receivable."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction
from playwright.sync_api import expect

from crm.core import records
from crm.core.tenancy.state import enter
from receivables.actions import allocation, receipts
from receivables.models import ArEntry, Receivable
from tests.conftest import BOTH, make_acme
from tests.receivables.conftest import make_ledger

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)
PAST = "2024-02-29"


@pytest.fixture
def books():
    """WC-05; A was due on 2024-01-31 and is paid on 2024-03-05, so that it is open at the end of February."""
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        ledger = make_ledger(cast)
        receipt = receipts.post_receipt(
            by=cast.finance, legal_entity=ledger.entity, amount=D("31000.00"), received_on=date(2024, 3, 5),
            automatic=False, account=ledger.account,
        )  # fmt: skip
        shares = {ledger.A.pk: D("30000.00")}
        allocation.allocate(receipt, shares, by=cast.finance, effective=date(2024, 3, 5))
        unscheduled = records.create(
            Receivable, by=cast.system, number="E", contract=ledger.contracts[0], account=ledger.account,
            legal_entity=ledger.entity, owner=cast.rep, original=D("700.00"),
        )  # fmt: skip
        opening = {"type": "OPEN", "amount": D("700.00"), "effective_date": date(2024, 1, 1)}
        records.append([ArEntry(tenant=cast.tenant, receivable=unscheduled, **opening)])
    return cast


def test_from_the_table_of_a_past_month_end_to_the_rows(books, person):
    page = person(books.finance.user)
    page.goto("/acme/ageing/")
    row = page.get_by_role("row").filter(has_text="Buyer")
    expect(row).to_contain_text("1,000.00")
    with page.expect_response(lambda answer: PAST in answer.url) as answer:
        page.get_by_label("As of", exact=True).fill(PAST)
    assert answer.value.ok
    expect(page.locator("table.heat tfoot")).to_contain_text("72,345.67")
    expect(row).not_to_contain_text("1,000.00")
    row.get_by_role("link", name="30,000.00").nth(1).click()
    expect(page.get_by_role("heading", name="1–30 days")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("2024-01-31")
    expect(page.locator(".subtitle")).to_contain_text(PAST)
    page.get_by_role("link", name="A", exact=True).click()
    expect(page.get_by_role("heading", name="A", exact=True)).to_be_visible()
