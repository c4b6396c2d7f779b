"""Chinese pages speak Chinese: no English source string stands in a menu, a heading, a label or a button."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import BOTH

from .walk import make_world

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)
MAIN = (
    "today", "leads", "leads/pool", "leads/new", "accounts", "accounts/new", "opportunities", "opportunities/board",
    "funnel", "visits/new", "imports/new", "pools", "pipelines", "products", "settings/members", "settings/company",
    "notifications", "me",
)  # fmt: skip
TEXTS = "nav a, h1, h2, h3, th[scope=col], label, legend, button, .button, .tabs a, .menu-list a, dialog a, summary"
# Words of the data and names that are the same in every language.
SAME = {"Acme", "API", "CSV", "Excel", "Leadline", "English", "Rep", "Manager", "Partner", "Reb", "Public", "pool"}


def english(page) -> list[str]:
    said = page.locator(TEXTS).all_text_contents()
    ours = {" ".join(text.split()) for text in said if "Acme" not in text}
    return sorted(text for text in ours if {*re.findall(r"[A-Za-z]{3,}", text)} - SAME)


def test_no_english_in_chinese(person):
    world = make_world()
    admin = world.cast.admin
    type(admin.user).objects.filter(pk=admin.user_id).update(language="zh-hans")
    page, found = person(admin.user, language="zh-CN"), {}
    for address in (*MAIN, f"leads/{world.lead.pk}", f"accounts/{world.account.pk}", f"opportunities/{world.deal.pk}"):
        page.goto(f"/acme/{address}/")
        expect(page.locator(".skeleton")).to_have_count(0)
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        assert page.locator("h1").count() == 1, address
        if words := english(page):
            found[address] = words
    assert not found, "\n".join(f"{address}: {words}" for address, words in found.items())
