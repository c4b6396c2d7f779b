"""A real company's export goes in by one command, and the funnel shows its totals. Skipped without the data."""

import os
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count, F, Sum

from accounts.models import Account
from crm.core.catalog.models import Product
from crm.core.people.models import Member, Team
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from opportunities.metrics import funnel
from opportunities.models import Opportunity, OpportunityChange

DATA = Path(os.environ.get("LEADLINE_DATA") or settings.BASE_DIR.parent / "shared" / "data") / "maven-crm"
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not DATA.is_dir(), reason="set LEADLINE_DATA to the folder that holds maven-crm/"),
]
WON = Decimal("10005534.00")


def load(folder=DATA, **options):
    out = StringIO()
    call_command("import_maven", str(folder), stdout=out, **options)
    return Tenant.objects.get(slug=options.get("slug", "maven")), out.getvalue()


def by_status(tenant) -> dict:
    return dict(Opportunity.objects.of(tenant).order_by().values_list("status").annotate(Count("pk")))


def test_the_export_goes_in_whole_and_the_funnel_shows_it():
    tenant, told = load()
    with enter(tenant), transaction.atomic():
        people = Member.objects.of(tenant).filter(is_system=False, user=None)
        assert people.filter(roles=["rep"]).count() == 35 and people.filter(roles=["manager"]).count() == 6
        assert Team.objects.of(tenant).filter(parent=None).count() == 3
        assert Product.objects.of(tenant).count() == 7
        real = Account.objects.of(tenant).filter(is_placeholder=False)
        assert (real.count(), real.exclude(parent=None).count()) == (85, 15)
        assert real.filter(industry="technolgy").count() == 0
        assert Opportunity.objects.of(tenant).filter(account__is_placeholder=True).count() == 1425
        assert by_status(tenant) == {"won": 4238, "lost": 2473, "open": 2089}
        deals = Opportunity.objects.of(tenant)
        assert deals.filter(status="won").aggregate(total=Sum("amount"))["total"] == WON
        assert deals.filter(product__name="GTX Pro").count() == 1480
        assert deals.filter(status="open", amount=None, close_date=None).count() == 2089
        _history_is_whole(tenant)
        _funnel_says_so(tenant)
    assert "1425 ×" in told
    _tenant, again = load()
    assert "opportunities: 0 new, 0 updated, 8800 duplicate, 0 error" in again


def _funnel_says_so(tenant):
    admin = Member.objects.of(tenant).select_related("tenant").get(user__isnull=False)
    found = funnel(admin, {"period": "all"})
    rows = {row.stage.key: row for row in found.rows}
    assert {key: row.sums.count for key, row in rows.items()} == {"prospecting": 500, "engaging": 1589, "won": 4238}
    assert rows["won"].sums.amount == rows["won"].sums.weighted == WON
    assert rows["engaging"].sums.without_amount == 1589
    assert [row.reached for row in found.rows] == [8800, 8300, 4238]
    assert found.cycle.count == 4238 and found.cycle.mean > 40
    of_2017 = funnel(admin, {"period": "2017"})
    assert sum(row.sums.count for row in of_2017.rows) == 4238


def _history_is_whole(tenant):
    told = OpportunityChange.objects.of(tenant)
    assert told.filter(field="stage", before="").count() == 8800
    assert told.filter(field="status").exclude(before="").count() == 4238 + 2473
    assert not told.filter(field="stage", before="").exclude(at=F("opportunity__opened_at")).exists()


def test_the_user_decides_about_what_is_missing(tmp_path):
    for file in DATA.glob("*.csv"):
        lines = file.read_text("utf-8").splitlines(keepends=True)
        (tmp_path / file.name).write_text("".join(lines[:301]), "utf-8")
    tenant, told = load(tmp_path, slug="maven-2", without_account="error", open_amount="list-price")
    with enter(tenant), transaction.atomic():
        deals = Opportunity.objects.of(tenant)
        assert not deals.filter(account__is_placeholder=True).exists()
        still = deals.filter(status="open").select_related("product")
        assert still.exists() and all(deal.amount == deal.product.list_price for deal in still)
    assert "No customer is named." in told
