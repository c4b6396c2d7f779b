"""Every page of a company in a browser: accessible, silent in the console, and no wider than a phone.

One theme, one language and a third of the pages a day, dealt out among the roles that see them; `make nightly`
takes all.
"""

import itertools
from datetime import date
from os import environ
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.conftest import BOTH

from .walk import addresses, dealt, make_world, seen_by

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
ROLES = ("admin", "manager", "rep", "finance", "legal", "presales")
LOOKS = list(itertools.product(("light", "dark"), ("zh-hans", "en")))
DAY = date.today().timetuple().tm_yday
TODAY = LOOKS[DAY % len(LOOKS)]
WIDE, PHONE = 1366, 390
PART = 3
ON_THE_PHONE = {
    "rep": {
        "home:today", "leads:list", "leads:detail", "accounts:detail", "visits:new", "opportunities:detail",
        "opportunities:board", "opportunities:funnel", "notifications:list", "quotes:list", "quotes:detail",
        "contracts:list", "contracts:detail", "receivables:list", "receivables:detail", "orders:renewals",
        "dunning:act",
    },
    "presales": {"orders:list", "orders:detail", "orders:batch", "orders:act_batch"},
    "manager": {"approvals:list", "approvals:detail", "approvals:task", "orders:handovers", "home:board"},
    "finance": {"home:finance", "receivables:list"},
}  # fmt: skip
PICTURES = environ.get("CRM_PICTURES")  # a folder that takes a picture of every page looked at


@pytest.fixture
def world():
    return make_world()


def faults(page, address: str) -> list[str]:
    """What is wrong with the page at `address`, once its parts have come."""
    page.goto(address)
    expect(page.locator(".skeleton")).to_have_count(0)
    found = Axe().run(page, options=RULES).response["violations"]
    wrong = [f"{address} {fault['id']}: {node['html'][:160]}" for fault in found for node in fault["nodes"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        wrong.append(f"{address} scrolls sideways")
    return wrong


def look(person, world, role: str, chosen, theme: str, language: str, width: int) -> list[str]:
    member = getattr(world.cast, role)
    type(member.user).objects.filter(pk=member.user_id).update(language=language)
    print(f"{role}: {theme}, {language}, {width} px, {len(chosen)} pages")
    page = person(member.user, theme=theme, language=language, width=width)
    wrong = []
    for address in chosen:
        wrong += faults(page, address)
        if PICTURES:
            name = f"{address.strip('/').replace('/', '.').replace('?', '-')}.{role}.{language}.{theme}.{width}.png"
            page.screenshot(path=Path(PICTURES) / name, full_page=True)
    return wrong


@pytest.mark.parametrize("role", ROLES)
def test_accessible_today(person, world, role):
    chosen = dealt([getattr(world.cast, role) for role in ROLES], world, DAY)[ROLES.index(role)][DAY % PART :: PART]
    wrong = look(person, world, role, chosen, *TODAY, WIDE)
    assert not wrong, "\n".join([f"today: {TODAY}", *wrong])


@pytest.mark.parametrize("role", ON_THE_PHONE)
def test_accessible_on_the_phone_today(person, world, role):
    chosen = [address for address, name in addresses(world).items() if name in ON_THE_PHONE[role]]
    wrong = look(person, world, role, chosen, *TODAY, PHONE)
    assert not wrong, "\n".join([f"today: {TODAY}", *wrong])


@pytest.mark.nightly
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_accessible(person, world, role, theme, language, width):
    wrong = look(person, world, role, seen_by(getattr(world.cast, role), world), theme, language, width)
    assert not wrong, "\n".join(wrong)
