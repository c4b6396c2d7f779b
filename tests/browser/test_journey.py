"""From an empty server to a won deal in the funnel, through the pages, as the people do it."""

import io
import re

import pytest
from django.core import mail
from django.db import transaction
from PIL import Image
from playwright.sync_api import expect

from crm.core.events import outbox
from crm.core.imports import running
from crm.core.imports.models import Import
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from tests.conftest import BOTH

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)

PASSWORD = "a long enough sentence"
LEADS = "公司名称,联系人,电话\n苏州精工机械有限公司,李工,13812345678\n无锡动力设备有限公司,王工,13912345678\n"
FIRM, OTHER = "苏州精工机械有限公司", "无锡动力设备有限公司"
SHANGHAI = {"latitude": 31.2304, "longitude": 121.4737, "accuracy": 25}


@pytest.fixture(autouse=True)
def files_elsewhere(settings, tmp_path):
    storages = {name: dict(kept) for name, kept in settings.STORAGES.items()}
    storages["default"]["OPTIONS"] = {"location": str(tmp_path)}
    settings.STORAGES = storages


def test_from_sign_up_to_the_won_deal_in_the_funnel(person, live_server, settings):
    settings.SITE_URL = live_server.url
    admin = person()
    slug = sign_up(admin)
    join_by_mail = invite(admin, slug)
    rep = person()
    accept(rep, join_by_mail)
    import_leads(admin, slug)
    claim(rep, slug)
    phone = person(width=390, geolocation=SHANGHAI, permissions=["geolocation"], is_mobile=True, has_touch=True)
    sign_in(phone)
    call_at_the_lead(phone, slug)
    convert(rep)
    visit_the_customer(phone, slug)
    move_and_win(rep, slug)
    drill_into_the_funnel(admin, slug)


def sign_up(page) -> str:
    page.goto("/auth/signup/")
    page.get_by_label("Company name").fill("Nova Tools")
    page.get_by_label("Your name").fill("Ada Admin")
    page.get_by_label("Email").fill("ada@nova.example")
    page.get_by_label("Password", exact=False).nth(0).fill(PASSWORD)
    page.get_by_label("Password", exact=False).nth(1).fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.locator(".sidebar .company")).to_contain_text("Nova Tools")
    return re.search(r"//[^/]+/([\w-]+)/", page.url)[1]


def invite(page, slug: str) -> str:
    """The address in the mail to the colleague."""
    page.goto(f"/{slug}/settings/members/invite/")
    page.get_by_label("Full name").fill("Rita Rep")
    page.get_by_label("E-mail").fill("rita@nova.example")
    page.get_by_label("Sales representative").check()
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#main")).to_contain_text("Mailed to rita@nova.example")
    outbox.drain_all()
    letter = next(letter for letter in mail.outbox if letter.to == ["rita@nova.example"])
    return re.search(r"https?://\S+/join/\S+", letter.body)[0]


def accept(page, link: str) -> None:
    page.goto(link)
    expect(page.get_by_text("You will sign in as rita@nova.example.")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    expect(page.locator(".sidebar .me")).to_contain_text("Rita Rep")


def sign_in(page) -> None:
    page.goto("/auth/login/")
    page.get_by_label("Email").fill("rita@nova.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".top-bar .company")).to_contain_text("Nova Tools")


def work_as_worker(slug: str) -> None:
    tenant = Tenant.objects.get(slug=slug)
    with enter(tenant):
        with transaction.atomic():
            batch = Import.objects.of(tenant).latest("pk")
        running.work(batch.pk, tenant.pk)


def import_leads(page, slug: str) -> None:
    page.goto(f"/{slug}/imports/new/")
    page.get_by_role("radio", name="Leads").check(force=True)
    page.locator("input[type=file]").set_input_files(
        {"name": "leads.csv", "mimeType": "text/csv", "buffer": LEADS.encode("gb18030")}
    )
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#preview")).to_contain_text(OTHER)
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#import-progress")).to_be_visible()
    work_as_worker(slug)
    page.get_by_role("button", name="Import 2 rows").click()
    expect(page.locator("#import-progress")).to_be_visible()
    work_as_worker(slug)
    expect(page.get_by_text("2 rows went in.")).to_be_visible()


def claim(page, slug: str) -> None:
    page.goto(f"/{slug}/leads/pool/")
    expect(page.locator("tbody tr")).to_have_count(2)
    row = page.get_by_role("row").filter(has_text=FIRM)
    expect(row).not_to_contain_text("13812345678")
    row.get_by_role("checkbox").check()
    with page.expect_navigation():
        page.locator(".bulk-bar").get_by_role("button", name="Claim").click()
    page.goto(f"/{slug}/leads/pool/")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto(f"/{slug}/leads/mine/")
    page.get_by_role("link", name=FIRM).click()
    expect(page.get_by_role("link", name="13812345678")).to_be_visible()


def call_at_the_lead(page, slug: str) -> None:
    """On the phone, in the street before the gate: what was said, on the lead."""
    page.goto(f"/{slug}/leads/mine/")
    page.get_by_role("link", name=FIRM).click()
    page.get_by_role("textbox", name="Note").fill("Met Mr Li at the gate, he wants two machines")
    page.get_by_role("button", name="Log", exact=True).click()
    expect(page.locator(".timeline")).to_contain_text("he wants two machines")


def convert(page) -> None:
    page.reload()
    page.get_by_role("link", name="Convert").click()
    page.get_by_label("Name of the deal").fill("Two machines")
    page.get_by_label("Amount").fill("250000")
    page.get_by_label("Expected close").fill("2031-01-31")
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("heading", name="Two machines")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("250,000.00 CNY")
    page.locator(".subtitle").get_by_role("link", name=FIRM).click()
    expect(page.get_by_role("link", name="李工", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Two machines")).to_be_visible()


def photo() -> dict:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), "#24579E").save(file, "JPEG")
    return {"name": "gate.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def visit_the_customer(page, slug: str) -> None:
    page.goto(f"/{slug}/visits/new/")
    expect(page.locator("[data-position]")).to_have_text("Position known to 25 m")
    page.get_by_role("radio", name=FIRM).check()
    page.get_by_role("radio", name="Interested").check()
    page.get_by_role("textbox", name="Note").fill("Walked the hall, power is there")
    page.locator("#id_photos").set_input_files(photo())
    page.get_by_role("button", name="Save visit").click()
    expect(page.get_by_text("± 25 m")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("31.2304")
    expect(page.locator("#main img, #main a[href*='/files/']").first).to_be_visible()


def move_and_win(page, slug: str) -> None:
    page.goto(f"/{slug}/opportunities/board/")
    card = page.locator(".deal").filter(has_text="Two machines")
    choice = card.get_by_label("Move Two machines to")
    stages = choice.locator("option").all_inner_texts()
    with page.expect_response(lambda answer: "/move/" in answer.url) as answer:
        choice.select_option(stages[2])
    assert answer.value.ok, answer.value.text()
    expect(page.locator(".deals").nth(2)).to_contain_text("Two machines")
    page.goto(f"/{slug}/opportunities/")
    page.locator("#main").get_by_role("searchbox").fill("two mach")
    expect(page).to_have_url(re.compile("q=two"))
    expect(page.locator("tbody tr")).to_contain_text("Quote")
    page.get_by_role("link", name="Two machines").click()
    page.get_by_role("link", name="Win", exact=True).click()
    page.locator("#dialog").get_by_role("button", name="Win").click()
    expect(page.locator("#main .subtitle")).to_contain_text("Won")


def drill_into_the_funnel(page, slug: str) -> None:
    page.goto(f"/{slug}/funnel/")
    won = page.locator("table.funnel tbody tr").last
    link = won.locator("td.num a").first
    expect(link).to_have_text("1")
    link.click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Two machines")
    expect(rows).to_contain_text("250,000.00")
