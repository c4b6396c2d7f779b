"""An approver on a phone: from the notice to the decision in two taps; then one asks back, one edits the flow."""

import re

import pytest
from django.db import transaction
from playwright.sync_api import expect

from accounts.models import Account
from crm.core import records
from crm.core.approvals import actions, flows, subjects
from crm.core.approvals.models import Instance
from crm.core.events import outbox
from crm.core.tenancy.state import enter
from opportunities import actions as deals
from tests.approvals.conftest import Told, deal_subject
from tests.conftest import BOTH, make_acme

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)
PHONE = {"width": 390, "is_mobile": True, "has_touch": True}


@pytest.fixture
def told(monkeypatch):
    told = Told()
    monkeypatch.setattr(subjects, "_subjects", {})
    subjects.register(deal_subject(told))
    return told


@pytest.fixture
def cast(told):
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        account = records.create(Account, by=cast.rep, name="Harbour Pumps", owner=cast.rep)
        for name, amount in (("Six pumps", 120_000), ("Two valves", 8_000)):
            deal = deals.open_opportunity(by=cast.rep, account=account, name=name, amount=amount)
            actions.submit(deal, by=cast.rep)
    outbox.drain_all()
    return cast


def test_two_taps_from_the_notice(person, cast, told):
    phone = person(cast.manager.user, **PHONE)
    phone.goto("/acme/notifications/")
    phone.get_by_role("button", name="Rep asks you to approve “Two valves”").tap()
    expect(phone.locator("#main")).to_contain_text("The customer asks for it")
    big_enough(phone.locator(".decision-bar"))
    phone.get_by_role("button", name="Approve", exact=True).tap()
    expect(phone.locator("#main .subtitle")).to_contain_text("Approved")
    assert [word for word, _pk in told] == ["approved"]
    return_with_a_comment(phone, cast)
    put_a_flow_in_force(person(cast.admin.user), cast)


def big_enough(bar) -> None:
    """Every target of the bar is 44 px high and on the screen."""
    for target in bar.locator("button:visible, summary:visible, a.button:visible").all():
        box = target.bounding_box()
        assert box["height"] >= 44 and box["y"] + box["height"] <= 844, target.inner_text()


def return_with_a_comment(phone, cast) -> None:
    phone.goto("/acme/approvals/")
    expect(phone.locator(".bottom-bar .count")).to_have_text("1")
    phone.get_by_role("link", name="Six pumps").tap()
    phone.locator(".decision-bar summary").tap()
    phone.get_by_role("link", name="Return").tap()
    phone.locator("#dialog").get_by_label("What to change").fill("Add the freight")
    phone.locator("#dialog").get_by_role("button", name="Return").tap()
    expect(phone.locator("#main .subtitle")).to_contain_text("Returned")
    with enter(cast.tenant), transaction.atomic():
        assert Instance.objects.of(cast.tenant).earliest("pk").status == "returned"


def put_a_flow_in_force(page, cast) -> None:
    page.goto("/acme/settings/flows/")
    page.locator("#main").get_by_role("link", name="Deals").click()
    page.get_by_role("link", name="New version").click()
    page.get_by_role("button", name="Add a step").click()
    step = page.locator("section.panel").filter(has=page.locator("[name='n4-name']"))
    step.locator("[name='n4-name']").fill("Presales")
    step.get_by_label("Who decides").select_option("role")
    expect(step.get_by_label("Levels above the submitter")).to_be_hidden()
    step.get_by_label("Role").select_option("presales")
    page.locator("#try").get_by_label("Amount").fill("100000")
    page.locator("#try").get_by_label("Submitted by").select_option("Rep")
    page.get_by_role("button", name="Where would it go?").click()
    expect(page.locator(".flow-found")).to_have_text(re.compile("Manager.*Finance.*Presales", re.S))
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator("#main .subtitle")).to_contain_text("version 2")
    with enter(cast.tenant), transaction.atomic():
        assert flows.current(cast.tenant, "opportunities.opportunity").nodes[-1]["key"] == "presales"
