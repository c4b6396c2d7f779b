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
from crm.core.pools.models import Pool
from crm.core.tenancy.backend.schema import owning_tenant
from leads.models import Lead
from opportunities import actions as opportunities

from .addresses import FOREIGN_ID
from .money_world import build_money, hold
from .paper_world import build_papers, staff


def start_ids_at(first: int) -> None:
    """Let every tenant table number its next row `first`, so that an id tells whose row it is."""
    with connections["owner"].cursor() as cursor:
        for model in tenant_models():
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [model._meta.db_table, first])


def tenant_models():
    return [model for model in apps.get_models() if owning_tenant(model)]


def build(cast, canary: str) -> SimpleNamespace:
    """Rows of `cast`'s company (its wall must be open): leads owned and pooled, customer, deal, visit, file, papers, money"""
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
    team = company.create_team(by=admin, name=f"{canary} team")
    rows = {**vars(papers), **vars(money), **locals()}
    return SimpleNamespace(**{name: row for name, row in rows.items() if name not in ("cast", "canary", "now")})


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
