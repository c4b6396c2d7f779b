"""Finance brings a bank statement to zero by keyboard alone."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction
from playwright.sync_api import expect

from crm.core.events import outbox
from crm.core.tenancy.state import enter
from receivables.models import Incoming, Receipt, Receivable
from tests.conftest import BOTH, make_acme
from tests.receivables.conftest import make_ledger
from tests.receivables.desk import make_bank, make_customer, used
from tests.receivables.statements import csv, movement

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)
DAY = date(2024, 3, 1)
FIRM, OTHER = "苏州精工机械有限公司", "无锡动力设备有限公司"


@pytest.fixture(autouse=True)
def files_elsewhere(settings, tmp_path):
    storages = {name: dict(kept) for name, kept in settings.STORAGES.items()}
    storages["default"]["OPTIONS"] = {"location": str(tmp_path)}
    settings.STORAGES = storages


@pytest.fixture
def cast():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        ledger = make_ledger(cast)
        make_bank(cast, ledger.entity)
        terms = [("YS-1", "30000.00", DAY), ("YS-2", "20000.00", DAY)]
        make_customer(cast, ledger.entity, FIRM, {"HT-AC-2024-0101": terms})
        make_customer(cast, ledger.entity, OTHER, {"HT-AC-2024-0201": [("YS-3", "8000.00", DAY)]})
    return cast


STATEMENT = [
    movement(DAY, "30000.00", FIRM, "62170001", "货款", no="1"),  # certain: posted by itself
    movement(DAY, "20000.00", "苏州精工机械有限公司上海分公司", "62170002", "货款", no="2"),  # Enter
    movement(DAY, "5000.00", "无锡动力设备有限公司无锡分公司", "62170003", "部分货款", no="3"),  # p
    movement(DAY, "777.00", "无锡动力设备有限公司无锡分公司", "62170003", "预付", no="4"),  # a
    movement(DAY, "250.00", "某某贸易", "62170009", "", no="5"),  # s, another customer
]


def test_a_statement_to_zero_by_keyboard(person, cast):
    page = person(cast.finance.user)
    bring(page)
    outbox.drain_all()
    page.goto("/acme/reconcile/")
    desk = page.locator("[data-desk]")
    expect(desk).to_contain_text("4 lines to match")
    expect(desk.locator("[data-line][aria-current]")).to_be_focused()
    help_shows(page)
    walk(page)
    press(page, "Enter", left=3)
    press(page, "u", left=4)
    press(page, "Enter", left=3)
    part_payment(page)
    press(page, "a", left=1)
    split(page)
    expect(desk).to_contain_text("Everything is matched")
    expect(desk.locator("[data-total]")).to_have_text("0.00")
    check(cast)


def bring(page) -> None:
    page.goto("/acme/bank/statements/new/")
    page.get_by_label("Bank account").select_option(label="Main")
    file = {"name": "march.csv", "mimeType": "text/csv", "buffer": csv(STATEMENT)}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("#content")).to_contain_text("苏州精工机械有限公司")
    page.get_by_role("button", name="Import 5 lines").click()
    expect(page.get_by_role("link", name="To the desk")).to_be_visible()


def help_shows(page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#desk-help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#desk-help")).not_to_be_visible()
    page.locator("[data-line][aria-current]").focus()


def walk(page) -> None:
    """Down and up again: the proposals follow the line."""
    page.keyboard.press("ArrowDown")
    expect(page.locator("#candidates")).to_contain_text(OTHER)
    page.keyboard.press("ArrowUp")
    expect(page.locator("#candidates")).to_contain_text("YS-2")


def press(page, key: str, *, left: int) -> None:
    page.keyboard.press(key)
    expect(page.locator("[data-desk] h2").first).to_contain_text(f"{left} line")
    if left:
        expect(page.locator("[data-line][aria-current]")).to_be_focused()


def part_payment(page) -> None:
    page.keyboard.press("p")
    field = page.locator("[data-share]").first
    expect(field).to_have_value("5000.00")
    expect(page.locator("[data-to-allocate]")).to_have_text("0.00")
    press(page, "Enter", left=2)


def split(page) -> None:
    """A stranger's money: the customer is looked for, the rest stays on account."""
    expect(page.locator("#candidates")).to_contain_text("某某贸易")
    page.keyboard.press("s")
    search = page.locator("#candidates .picker input")
    expect(search).to_be_focused()
    page.keyboard.type("无锡")
    expect(page.locator("#candidates .picker-list")).to_contain_text(OTHER)
    page.keyboard.press("Enter")
    expect(page.locator("[data-share]").first).to_be_visible()
    page.locator("[data-share]").first.focus()
    page.keyboard.type("100.00")
    expect(page.locator("[data-to-allocate]")).to_have_text("150.00")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("This payer may pay for the customer")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("[data-desk] h2").first).to_contain_text("0 lines")


def check(cast) -> None:
    with enter(cast.tenant), transaction.atomic():
        assert not Incoming.objects.of(cast.tenant).filter(left__gt=0).exists()
        posted = Receipt.objects.of(cast.tenant).filter(status="posted").order_by("amount")
        assert [used(receipt) for receipt in posted] == [
            {"YS-3": D("100.00")}, {}, {"YS-3": D("5000.00")}, {"YS-2": D("20000.00")}, {"YS-1": D("30000.00")},
        ]  # fmt: skip
        assert Receivable.objects.of(cast.tenant).get(number="YS-3").balance == D("2900.00")
