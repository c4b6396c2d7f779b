"""People at browsers in front of the real server: `person()` opens a page, and whatever it complains about fails.

Pages come from pytest-django's live server, so cookies, files and redirects are the real ones; nothing answers
for Django here. What a worker does, a test does itself between two clicks.
"""

import os

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from ..web.conftest import browser_type_launch_args

PATIENCE = int(os.environ.get("CRM_BROWSER_PATIENCE", 20_000))  # milliseconds: machines are busy
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skipif(os.environ.get("CRM_SKIP_BROWSER") == "1", reason="CRM_SKIP_BROWSER=1")
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(skip)


def is_complaint(said) -> bool:
    """Errors of scripts and of the security policy; a refusal (409, 422) is an answer, not a fault."""
    answered = any(f"status of {status}" in said.text for status in (409, 422))
    return said.type in ("error", "warning") and not answered


@pytest.fixture
def person(browser, live_server):
    """`person(user=None, language="en", theme="light", width=1366, **context)` → a page, signed in as `user`."""
    complaints, contexts = [], []

    def opened(user=None, *, language="en", theme="light", width=1366, height=844, **options):
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": height}, color_scheme=theme,
            locale=language, timezone_id="Asia/Shanghai", **options,
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        cookies = {settings.LANGUAGE_COOKIE_NAME: language, **session_of(user)}
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(f"{page.url}: {said.text}") if is_complaint(said) else None)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        return page

    opened.complaints = complaints
    yield opened
    for context in contexts:
        for page in context.pages:
            print(f"{page.url}\n{page.locator('body').inner_text()[:900]}\n")  # shown when a test fails
        context.close()
    assert complaints == []


def session_of(user) -> dict[str, str]:
    if user is None:
        return {}
    client = Client()
    client.force_login(user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


__all__ = ["browser_type_launch_args"]
