"""One company with at least one row behind every address, each text carrying a canary."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.utils import timezone

from accounts import actions as accounts
from crm.core import records
from crm.core.activities import actions as activities
from crm.core.catalog.models import Product
from crm.core.company import actions as company
from crm.core.notifications.actions import notify
from crm.core.notifications.models import Notification
from crm.core.people.models import Member
from crm.core.pools import actions as pools
from crm.core.pools.models import Pool
from crm.core.tenancy.backend.schema import owning_tenant
from leads.models import Lead
from opportunities import actions as opportunities
from tests.imports.conftest import bring

from .addresses import FOREIGN_ID
from .money_world import build_money, hold
from .paper_world import build_papers, staff


def start_ids_at(first: int) -> None:
    """Let every tenant table number its next row `first`, so that an id tells whose row it is."""
    with connections["owner"].cursor() as cursor:
        for model in tenant_models():
            # A company's first member is nobody: what the system does is done in its name.
            start = first - 1 if model is Member else first
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [model._meta.db_table, start])


def tenant_models():
    return [model for model in apps.get_models() if owning_tenant(model)]


def build(cast, canary: str) -> SimpleNamespace:
    """Rows of `cast`'s company (its wall must be open): leads, customer, deal, visit, papers, money …"""
    admin, seller = cast.admin, getattr(cast, "rep", None) or cast.stranger
    now = timezone.now()
    product = records.create(Product, by=admin, name=f"{canary} product", list_price=Decimal("100.00"))
    pool = Pool.objects.of(cast.tenant).get(is_default=True)
    account = accounts.create_account(by=seller, name=f"{canary} customer", phone="13800138000")
    contact = accounts.add_contact(account, by=seller, name=f"{canary} contact", phone="13900139000")
    deal = opportunities.open_opportunity(
        by=seller, account=account, name=f"{canary} deal", amount=Decimal("1000.00"), product=product,
        close_date=now.date() + timedelta(days=10),
    )  # fmt: skip
    hands = staff(cast)
    papers = build_papers(hands, canary, deal=deal, product=product)
    money = build_money(hands, canary, papers)
    held_account = accounts.create_account(by=seller, name=f"{canary} held")
    held = hold(hands, canary, held_account, money.receivable)
    lead = records.create(
        Lead, by=seller, name=f"{canary} lead", phone="13700137000", status="assigned", owner=seller, owned_at=now,
        owner_reason="created", home_pool=pool,
    )  # fmt: skip
    pooled = records.create(Lead, by=admin, name=f"{canary} pooled", phone="13600136000", pool=pool, home_pool=pool)
    upload = SimpleUploadedFile(f"{canary}.txt", f"{canary} text".encode(), "text/plain")
    visit = activities.log(
        [deal], by=seller, type="visit", note=f"{canary} went there", next_at=now + timedelta(days=2)
    )
    task = activities.add_task(deal, by=seller, title=f"{canary} task", due_at=datetime(2030, 1, 1, tzinfo=UTC))
    file = activities.attach([deal], upload, by=seller)
    office = build_office(cast, canary, lead=lead, pool=pool)
    rows = {**vars(papers), **vars(money), **vars(office), **locals()}
    return SimpleNamespace(**{name: row for name, row in rows.items() if name not in ("cast", "canary", "now")})


def build_office(cast, canary: str, *, lead, pool) -> SimpleNamespace:
    """A team with a seat, a seat at the pool, somebody invited, and a token, a notice and a file of the admin's."""
    admin = cast.admin
    team = company.create_team(by=admin, name=f"{canary} team")
    company.seat_in_team(team, admin, by=admin)
    pools.give_seat(pool, by=admin, member=lead.owner)
    invited = company.add_member(by=admin, name=f"{canary} new", email=f"new@{cast.tenant.slug}.example")
    token, _ = company.create_token(admin, by=admin, name=f"{canary} reports")
    notify(admin, "lead.assigned", subject=lead, dedupe_key="world", lead=str(lead), by=canary, reason="")
    notice = Notification.objects.of(cast.tenant).get(dedupe_key="world")
    sheet = bring(admin, "leads", f"公司名称,负责人\n{canary} firm,{canary}\n", name=f"{canary}.csv")
    records.update(sheet, by=admin, error_file=SimpleUploadedFile("errors.csv", f"{canary} firm".encode()))
    return SimpleNamespace(team=team, invited=invited, token=token, notice=notice, sheet=sheet)


def everything_of(tenant_id: int) -> dict[str, list]:
    """All rows of a company in every table, as the database prints them: equal before and after, or it changed."""
    found = {}
    with connection.cursor() as cursor:
        for model in tenant_models():
            table = model._meta.db_table
            cursor.execute(f"SELECT t::text FROM {table} t WHERE tenant_id = %s ORDER BY id", [tenant_id])
            found[table] = cursor.fetchall()
    return found


__all__ = ["FOREIGN_ID", "build", "everything_of", "start_ids_at", "tenant_models"]
