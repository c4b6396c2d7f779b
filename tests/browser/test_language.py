"""Chinese pages speak Chinese: no English source string stands in a menu, a heading, a label or a button."""

import re

import pytest
from django.db import transaction
from django.utils.translation import override
from playwright.sync_api import expect

from crm.core.company import actions as company
from crm.core.tenancy.state import enter
from tests.conftest import BOTH
from tests.everywhere.test_strangers import EVERY_ROLE

from .walk import make_world

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)
MAIN = (
    "today", "leads", "leads/pool", "leads/new", "accounts", "accounts/new", "opportunities", "opportunities/board",
    "funnel", "visits/new", "imports/new", "pools", "pipelines", "products", "settings/members", "settings/company",
    "notifications", "me", "quotes", "quotes/new", "contracts", "contracts/new", "contracts/changes", "orders",
    "renewals",
    "orders/handovers", "receivables", "invoices", "reconcile", "receipts", "bank/lines", "refunds", "write-offs",
    "periods", "provisions", "ageing", "statements", "dunning", "dunning/policies", "dunning/promises", "cash", "board",
    "finance", "approvals", "settings/flows", "settings/entities", "prices",
)  # fmt: skip
TEXTS = "nav a, h1, h2, h3, th[scope=col], label, legend, button, .button, .tabs a, .menu-list a, dialog a, summary"
# Words of the data and names that are the same in every language.
SAME = {
    "Acme",
    "API",
    "CSV",
    "PDF",
    "Excel",
    "Leadline",
    "English",
    "Rep",
    "Manager",
    "Partner",
    "Reb",
    "Public",
    "pool",
}


def english(page) -> list[str]:
    said = page.locator(TEXTS).all_text_contents()
    ours = {" ".join(text.split()) for text in said if "Acme" not in text}
    return sorted(text for text in ours if {*re.findall(r"[A-Za-z]{3,}", text)} - SAME)


def details(world) -> list[str]:
    rows = {
        "leads": world.lead, "accounts": world.account, "opportunities": world.deal, "quotes": world.quote,
        "contracts": world.contract, "orders": world.order, "orders/batches": world.batch, "plans": world.plan,
        "receivables": world.receivable, "invoices": world.invoice, "invoices/requests": world.request,
        "receipts": world.receipt, "refunds": world.refund, "write-offs": world.loss, "approvals": world.instance,
        "provisions": world.provision,
    }  # fmt: skip
    return [f"{path}/{row.pk}" for path, row in rows.items()]


def test_no_english_in_chinese(person):
    with override("zh-hans"):  # requests for approval keep the words of whoever asked
        world = make_world()
    admin = world.cast.admin
    with enter(world.cast.tenant), transaction.atomic():
        company.update_member(admin, by=admin, roles=EVERY_ROLE)
    type(admin.user).objects.filter(pk=admin.user_id).update(language="zh-hans")
    page, found = person(admin.user, language="zh-CN"), {}
    for address in (*MAIN, *details(world)):
        page.goto(f"/acme/{address}/")
        expect(page.locator(".skeleton")).to_have_count(0)
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        assert page.locator("h1").count() == 1, address
        if words := english(page):
            found[address] = words
    assert not found, "\n".join(f"{address}: {words}" for address, words in found.items())
