"""The styleguide in a browser: accessible in every theme and language at three widths, and alive.

The pages come from Django's test client by way of the browser's router, so no server is needed.
"""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connections
from django.test import Client
from playwright.sync_api import expect

LOOKS = list(itertools.product(("zh-hans", "en"), ("light", "dark")))
TODAY = LOOKS[date.today().toordinal() % len(LOOKS)]
WIDTHS = (360, 768, 1366)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
SITE = "http://localhost"

pytestmark = pytest.mark.skipif(os.environ.get("CRM_SKIP_BROWSER") == "1", reason="CRM_SKIP_BROWSER=1")


def answer(route) -> None:
    parts = urlsplit(route.request.url)
    if parts.path.startswith(settings.STATIC_URL):
        route.fulfill(path=finders.find(parts.path.removeprefix(settings.STATIC_URL)))
        return
    with ThreadPoolExecutor(1) as apart:
        reply = apart.submit(ask, f"{parts.path}?{parts.query}", dict(route.request.headers)).result()
    route.fulfill(status=reply.status_code, headers=dict(reply.items()), body=reply.content)


def ask(address: str, headers: dict[str, str]):
    """Django's answer, in a thread of its own: Playwright's event loop has this one."""
    try:
        return Client().get(address, headers=headers)
    finally:
        connections.close_all()


def is_complaint(said) -> bool:
    """Errors of scripts and of the security policy; a refusal (422) is an answer, not a fault."""
    return said.type == "error" and "status of 422" not in said.text


@pytest.fixture
def visit(browser, django_db_setup, django_db_blocker):
    """`visit(language, theme, width)` → the styleguide open in a page; what the browser complains about fails."""
    complaints, contexts = [], []

    def opened(language="en", theme="light", width=1366):
        context = browser.new_context(viewport={"width": width, "height": 850}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route("**/*", answer)
        page.goto(f"{SITE}/styleguide/?language={language}")
        return page

    with django_db_blocker.unblock():
        yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def faults(page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{fault['id']}: {node['html'][:120]}" for fault in found for node in fault["nodes"]]


def check(visit, language, theme):
    for width in WIDTHS:
        page = visit(language, theme, width)
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_accessible_today(visit):
    check(visit, *TODAY)


@pytest.mark.nightly
@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_accessible(visit, language, theme):
    check(visit, language, theme)


def test_picker_by_keyboard(visit):
    page = visit()
    box = page.get_by_role("combobox", name="Customer")
    box.fill("fair")
    expect(page.locator(".picker-list").get_by_role("option")).to_have_count(1)
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("Trade fair")
    assert page.locator("select[name=customer]").evaluate("select => select.value") == "fair"


def test_selected_rows_bring_the_bar(visit):
    page = visit()
    bar = page.locator(".bulk-bar")
    expect(bar).to_be_hidden()
    page.get_by_label("Select all rows on this page").check()
    expect(bar.get_by_text("4 selected")).to_be_visible()
    page.get_by_role("button", name="Clear selection").click()
    expect(bar).to_be_hidden()


def test_theme_is_remembered(visit):
    page = visit()
    page.locator(".sidebar summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert {"theme": "dark"}.items() <= {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}.items()


def drag(page, card, column) -> None:
    card.scroll_into_view_if_needed()
    start, end = card.bounding_box(), column.bounding_box()
    page.mouse.move(start["x"] + 40, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(end["x"] + 60, end["y"] + 30, steps=12)
    page.mouse.up()


def moves(page, status: int, **headers) -> None:
    """What the server says to a moved card."""
    toast = '<div class="toast danger" data-toast="error"><div>Somebody moved it.</div></div>'

    def reply(route):
        if route.request.method == "POST":
            route.fulfill(status=status, headers=headers, body="" if status == 204 else toast)
        else:
            route.fallback()

    page.route("**/styleguide/", reply)


def test_a_card_moves_by_dragging_and_by_list(visit):
    page = visit()
    moves(page, 204)
    columns = page.locator(".deals")
    drag(page, page.locator("#deal-0"), columns.nth(2))
    expect(columns.nth(2).locator("#deal-0")).to_be_visible()
    expect(page.locator("#column-0 [data-count]")).to_have_text("41")
    expect(page.locator("#column-2 [data-count]")).to_have_text("20")
    page.get_by_label("Move 五轴加工中心 31 台 to").select_option("Contract")
    expect(columns.nth(3).locator("#deal-1")).to_be_visible()


def test_a_refused_card_goes_back_and_says_why(visit):
    page = visit()
    moves(page, 422, **{"HX-Retarget": "#messages"})
    drag(page, page.locator("#deal-1"), page.locator(".deals").nth(3))
    expect(page.locator("#messages")).to_contain_text("Somebody moved it.")
    expect(page.locator(".deals").nth(1).locator("#deal-1")).to_be_visible()
    expect(page.locator("#column-3 [data-count]")).to_have_text("8")
