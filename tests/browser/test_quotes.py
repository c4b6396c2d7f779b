"""A quote below its floor, from the deal to the customer's yes on the public page."""

import re

import pytest
from django.db import transaction
from playwright.sync_api import expect

from crm.core.approvals import actions as approvals
from crm.core.approvals.models import ApprovalTask
from crm.core.tenancy.state import enter
from tests.conftest import BOTH, make_acme
from tests.contracts.quoting import make_trade

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)


@pytest.fixture
def cast():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        cast.trade = make_trade(cast)
    return cast


def test_from_the_deal_to_the_customers_yes(person, cast):
    rep = person(cast.rep.user)
    write_below_the_floor(rep, cast)
    submit(rep)
    approve(cast)
    link = send(rep)
    customer = person(width=390, is_mobile=True, has_touch=True)
    accept(customer, link)
    make_contract(rep)


def write_below_the_floor(page, cast) -> None:
    page.goto(f"/acme/opportunities/{cast.trade.deal.pk}/")
    page.get_by_role("link", name="New quote").click()
    row = page.locator("#quote-lines tbody tr").first
    row.get_by_role("combobox", name="Product").fill("Pum")
    page.get_by_role("option", name="Pump").click()
    expect(row.get_by_label("Unit price")).to_have_value("100.00")
    row.get_by_label("Quantity").fill("10")
    row.get_by_label("Discount %").fill("15")
    expect(page.locator("#quote-sums")).to_contain_text("850.00")
    expect(page.locator("#quote-sums")).not_to_contain_text("Needs approval")
    row.get_by_label("Discount %").fill("25")
    expect(page.locator("#quote-sums")).to_contain_text("Needs approval")
    expect(row).to_contain_text("below the floor of 80.00")
    page.get_by_role("button", name="Add a line").click()
    second = page.locator("#quote-lines tbody tr").nth(1)
    second.get_by_role("combobox", name="Product").fill("Hos")
    page.get_by_role("option", name="Hose").click()
    expect(second.get_by_label("Unit price")).to_have_value("10.00")
    second.get_by_label("Free of charge").check()
    expect(second).to_contain_text("free")
    page.get_by_label("Reason for the discount").fill("Reference customer")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#main")).to_contain_text("750.00 CNY")


def submit(page) -> None:
    page.get_by_role("link", name="Submit for approval").click()
    page.locator("#dialog").get_by_role("button", name="Submit for approval").click()
    expect(page.locator(".subtitle")).to_contain_text("In approval")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)


def approve(cast) -> None:
    """What approvers do on their own pages."""
    with enter(cast.tenant), transaction.atomic():
        task = ApprovalTask.objects.of(cast.tenant).select_related("assignee").get(status="open")
        task.assignee.tenant = cast.tenant
        approvals.approve(task, by=task.assignee)


def send(page) -> str:
    page.reload()
    page.get_by_role("link", name="Send").click()
    page.locator("#dialog").get_by_role("button", name="Send").click()
    link = page.locator("a[href*='/offers/acme/']")
    expect(link).to_be_visible()
    return link.inner_text()


def accept(page, link: str) -> None:
    page.goto(link)
    expect(page.locator("#main")).to_contain_text("750.00 CNY")
    page.get_by_role("button", name="Accept the quote").click()
    expect(page.locator("#main")).to_contain_text("This field is required")
    page.get_by_label("Your name").fill("Ms Wu")
    page.get_by_role("button", name="Accept the quote").click()
    expect(page.locator("#main")).to_contain_text("Ms Wu accepted this quote")
    expect(page.get_by_role("button", name="Accept the quote")).to_have_count(0)


def make_contract(page) -> None:
    page.reload()
    expect(page.locator("#main")).to_contain_text("Accepted by Ms Wu")
    page.get_by_role("link", name="Make a contract").click()
    page.locator("#dialog").get_by_role("button", name="Make a contract").click()
    expect(page).to_have_url(re.compile(r"/acme/contracts/\d+/"))
    expect(page.locator("#main")).to_contain_text("750.00")
