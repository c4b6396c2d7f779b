"""Finance, from its home to the customer's letter: the preview, the run, the receivable that shows the notice."""

import re

import pytest
from django.core import mail
from django.db import transaction
from playwright.sync_api import expect

from accounts import actions as accounts
from crm.core import records
from crm.core.tenancy.state import enter
from receivables.actions import letters
from receivables.models import DunningLetter
from tests.conftest import BOTH, make_acme
from tests.receivables.conftest import make_ledger

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)


@pytest.fixture
def world():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        ledger = make_ledger(cast)
        accounts.add_contact(ledger.account, by=cast.rep, name="Pay", email="pay@buyer.example", title="财务")
        return cast


def test_from_the_home_of_finance_to_the_letter(person, world):
    page = person(world.finance.user)
    page.goto("/acme/")
    expect(page.get_by_role("link", name=re.compile("Overdue 4"))).to_be_visible()
    page.get_by_role("link", name=re.compile("Reminders to give today")).click()
    expect(page.get_by_role("heading", name="Buyer")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("one mail")
    page.get_by_role("button", name="Give these notices now").click()
    expect(page.locator("#main")).to_contain_text("Waits for the owner's hours")
    page.get_by_role("link", name="A", exact=True).click()
    panel = page.locator("#panel-dunning")
    expect(panel).to_contain_text("Overdue 1")
    note_a_dispute(page, panel)
    send_the_letter(world)
    assert "- B " in mail.outbox[0].body
    assert "- A " not in mail.outbox[0].body
    page.goto("/acme/cash/")
    expect(page.get_by_role("heading", name="Cash calendar")).to_be_visible()
    page.goto("/acme/board/")
    expect(page.locator("#main")).to_contain_text("122,345.67")


def note_a_dispute(page, panel) -> None:
    panel.locator("summary").click()
    panel.get_by_role("link", name="Note a dispute").click()
    page.get_by_label("Reason").fill("The price was agreed lower")
    page.get_by_role("button", name="Note a dispute").click()
    expect(page.locator("#panel-dunning")).to_contain_text("The price was agreed lower")


def send_the_letter(world) -> None:
    """The owner's hours are over."""
    with enter(world.tenant), transaction.atomic():
        for letter in DunningLetter.objects.of(world.tenant):
            records.update(letter, by=world.system, send_after=letter.created_at)
        letters.send_due(world.tenant, by=world.system)
