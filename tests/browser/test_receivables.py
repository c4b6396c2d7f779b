"""From the draft of a plan to the issued invoice, as sales and finance do it."""

import re
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction
from playwright.sync_api import expect

from contracts.models import Contract, ContractLine
from crm.core import records
from crm.core.tenancy.state import enter
from tests.conftest import BOTH, make_acme
from tests.receivables.conftest import make_ledger
from tests.receivables.invoicing import USCC, number, tax_code

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)


def make_contract(cast) -> Contract:
    """A signed, effective contract over 100,000.01 at 13 %."""
    ledger = make_ledger(cast)
    amount, code = D("100000.01"), tax_code(cast, "X13", "0.13")
    contract = records.create(
        Contract, by=cast.rep, title="Two milling machines", account=ledger.account, legal_entity=ledger.entity,
        owner=cast.rep, status="effective", base_amount=amount, effective_amount=amount, number="HT-AC-2026-0900",
        sign_date=date(2026, 1, 31),
    )  # fmt: skip
    ContractLine._base_manager.create(
        tenant=cast.tenant, contract=contract, description="Milling machine", quantity=2, unit_price=D("50000.00"),
        amount=amount, tax_code=code,
    )  # fmt: skip
    return contract


def test_plan_receivables_invoice(person):
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        contract = make_contract(cast)
    rep, finance = person(cast.rep.user), person(cast.finance.user)
    draft_the_plan(rep, contract)
    confirm_it(finance, rep.url)
    find_the_receivables(finance)
    ask_for_an_invoice(rep)
    issue_it(finance)


def draft_the_plan(page, contract) -> None:
    page.goto(f"/acme/plans/new/{contract.pk}/")
    expect(page.locator("#plan-preview")).to_contain_text("10,000.01")
    page.locator("#id_lines-3-percent").fill("9")
    expect(page.locator("#plan-preview")).to_contain_text("add up to 99")
    page.locator("#id_lines-3-percent").fill("5")
    page.get_by_role("button", name="Add a line").click()
    page.locator("#id_lines-4-percent").fill("5")
    expect(page.locator("#plan-preview")).to_contain_text("5,000.01")
    page.get_by_role("button", name="Remove line 5").click()
    expect(page.locator("#id_lines-4-percent")).to_have_count(0)
    page.locator("#id_lines-3-percent").fill("10")
    expect(page.locator("#plan-preview")).to_contain_text("10,000.01")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("#main .subtitle")).to_contain_text("Draft")
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)


def confirm_it(page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#main .subtitle")).to_contain_text("Confirmed")
    expect(page.locator("tbody tr")).to_have_count(4)


def find_the_receivables(page) -> None:
    """The first part was due a week after signing: it is overdue; the others wait for deliveries."""
    page.goto("/acme/receivables/")
    page.locator("#main").get_by_role("searchbox").fill("HT-AC-2026-0900")
    expect(page).to_have_url(re.compile("q=HT"))
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tfoot")).to_contain_text("30,000.00")
    page.goto("/acme/receivables/?state=planned")
    expect(page.locator("tfoot")).to_contain_text("70,000.01")


def ask_for_an_invoice(page) -> None:
    page.goto("/acme/receivables/?q=HT-AC-2026-0900&state=overdue")
    page.locator("tbody th a").click()
    expect(page.locator("#main")).to_contain_text("30,000.00")
    page.get_by_role("link", name="Ask for an invoice").click()
    page.get_by_label("Buyer's credit code").fill(USCC)
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("#main")).to_contain_text("26,548.67")


def issue_it(page) -> None:
    page.goto("/acme/invoices/requests/")
    page.locator("tbody th a").click()
    page.get_by_role("link", name="Enter the invoice").click()
    page.get_by_label("Invoice number").fill(number(1))
    page.get_by_role("button", name="Book the invoice").click()
    expect(page.get_by_role("heading", name=number(1))).to_be_visible()
    expect(page.locator("#main")).to_contain_text("3,451.33")
    page.locator("#main").get_by_role("link", name=re.compile("YS-AC")).click()
    expect(page.locator("#main .tiles")).to_contain_text("30,000.00")
