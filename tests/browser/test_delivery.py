"""From the order to the acceptance at the customer's gate, on a phone, as delivery does it."""

import pytest
from django.db import transaction
from playwright.sync_api import expect

from crm.core.tenancy.state import enter
from tests.conftest import BOTH, make_acme
from tests.contracts.conftest import make_firm
from tests.contracts.delivering import ready

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)


@pytest.fixture(autouse=True)
def files_elsewhere(settings, tmp_path):
    storages = {name: dict(kept) for name, kept in settings.STORAGES.items()}
    storages["default"]["OPTIONS"] = {"location": str(tmp_path)}
    settings.STORAGES = storages


@pytest.fixture
def signed():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        cast.contract = ready(cast, make_firm(cast), title="Pumps for hall 3")
    return cast


def test_an_order_is_delivered_and_accepted_on_a_phone(person, signed):
    rep = person(signed.rep.user)
    order(rep, signed.contract)
    phone = person(signed.presales.user, width=390, is_mobile=True, has_touch=True)
    phone.goto("/acme/orders/")
    phone.get_by_role("link", name="DD-").first.click()
    plan(phone)
    for verb, said in (("Ship", "Shipped"), ("Deliver", "Delivered")):
        step(phone, verb)
        expect(phone.locator("#main .list .badge").first).to_have_text(said)
    accept(phone)
    rep.goto("/acme/orders/?status=completed")
    expect(rep.locator("tbody tr")).to_contain_text("Completed")
    expect(rep.locator("tbody tr")).to_contain_text("399.96")


def order(page, contract) -> None:
    """Four of the ten pumps, from the contract's page."""
    page.goto(f"/acme/contracts/{contract.pk}/")
    page.get_by_role("link", name="New order").click()
    page.get_by_label("Promised for").fill("2031-05-01")
    page.get_by_label("Pump").fill("4")
    page.get_by_label("Valve").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#main")).to_contain_text("399.96")


def plan(page) -> None:
    page.get_by_role("link", name="Plan a delivery").first.click()
    page.get_by_label("Planned for").fill("2031-04-01")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#main .list")).to_contain_text("Pump × 4")


def step(page, verb: str) -> None:
    """Two taps: the button on the delivery, and the one below its questions."""
    page.get_by_role("link", name=verb, exact=True).tap()
    page.locator("#dialog").get_by_role("button", name=verb, exact=True).tap()


def accept(page) -> None:
    page.get_by_role("link", name="Accept", exact=True).tap()
    dialog = page.locator("#dialog")
    dialog.get_by_role("button", name="Accept", exact=True).tap()
    dialog.get_by_label("Accepted for the customer by").fill("Mr Li")
    expect(dialog.get_by_label("Final acceptance")).to_be_checked()
    note = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"signed by Mr Li"}
    dialog.get_by_label("Signed note or photo").set_input_files(note)
    dialog.get_by_role("button", name="Accept", exact=True).tap()
    expect(page.locator("#main .list").first).to_contain_text("Mr Li")
    page.get_by_role("link", name="Delivery 1").tap()
    expect(page.locator("#activities")).to_contain_text("note.txt")
