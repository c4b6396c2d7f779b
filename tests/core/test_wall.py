"""The second wall: what the database does when the code is wrong (reliability.md T5)."""

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from crm.core.activities.models import Task
from crm.core.catalog.models import Product
from crm.core.errors import Conflict, Refused
from crm.core.events.models import Event
from crm.core.people.models import Member
from crm.core.records import create, move, update
from crm.core.tenancy.backend.base import TenantOutsideTransaction
from crm.core.tenancy.checks import wall_errors
from crm.core.tenancy.managers import Unscoped
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter, leave

pytestmark = pytest.mark.django_db


def rows(sql, params=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@pytest.fixture
def product(acme):
    return create(Product, by=acme.admin, name="Acme pump")


def test_the_manager_refuses_a_query_without_a_tenant(acme):
    with pytest.raises(Unscoped):
        Product.objects.all()
    with pytest.raises(Unscoped):
        Product.objects.filter(name="x").exists()


def test_no_tenant_means_no_rows_and_no_inserts(acme, product):
    with leave():
        assert rows("SELECT count(*) FROM catalog_product") == [(0,)]
        with pytest.raises(DatabaseError), transaction.atomic():
            Product(tenant=acme.tenant, name="smuggled").save()


def test_another_tenants_rows_cannot_be_read_changed_or_moved(acme, globex, product):
    with enter(globex.tenant):
        assert rows("SELECT count(*) FROM catalog_product") == [(0,)]
        assert Product._base_manager.filter(pk=product.pk).update(name="stolen") == 0
    with pytest.raises(DatabaseError), transaction.atomic():
        rows("UPDATE catalog_product SET tenant_id = %s RETURNING id", [globex.tenant.pk])
    assert rows("SELECT name FROM catalog_product") == [("Acme pump",)]


def test_a_savepoint_rollback_does_not_change_the_tenant(acme, globex, product):
    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic(), enter(globex.tenant):
        assert rows("SELECT count(*) FROM catalog_product") == [(0,)]
        raise Undo
    assert rows("SELECT count(*) FROM catalog_product") == [(1,)]


def test_a_composite_key_stops_raw_sql_across_tenants(acme, globex, product):
    with pytest.raises(IntegrityError), transaction.atomic():
        rows("UPDATE catalog_product SET created_by_id = %s RETURNING id", [globex.admin.pk])


def test_events_are_append_only_for_the_app_role(acme, product):
    for sql in ("UPDATE events_event SET reason = 'x'", "DELETE FROM events_event"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)


@pytest.mark.django_db(transaction=True)
def test_a_tenant_outside_a_transaction_is_refused():
    tenant = Tenant.objects.create(slug="solo", name="Solo")
    with enter(tenant), pytest.raises(TenantOutsideTransaction):
        Member.objects.of(tenant).count()


def test_the_live_catalogue_is_in_order(db):
    assert run_checks(databases=["default"]) == []


def test_the_catalogue_check_sees_a_lowered_wall(db):
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_product NO FORCE ROW LEVEL SECURITY")
        found = {error.id for error in wall_errors("owner")}
        transaction.set_rollback(True, using="owner")
    assert "tenancy.E011" in found


def test_joins_carry_the_tenant(acme):
    sql = str(Product.objects.of(acme.tenant).filter(created_by__name="x").query)
    assert '"people_member"."tenant_id" = ("catalog_product"."tenant_id")' in sql


def test_a_record_tells_its_history_and_its_version(acme, product):
    update(product, by=acme.admin, expected=1, name="Acme valve")
    assert product.version == 2
    event = Event.objects.of(acme.tenant).filter(kind="product.updated").get()
    assert event.changes == {"name": ["Acme pump", "Acme valve"]}
    with pytest.raises(Conflict):
        update(product, by=acme.admin, expected=1, name="late")


def test_nothing_changed_is_no_event(acme, product):
    before = Event.objects.of(acme.tenant).count()
    update(product, by=acme.admin, name="Acme pump")
    assert Event.objects.of(acme.tenant).count() == before


def test_a_broken_unique_rule_is_a_sentence(acme, product):
    with pytest.raises(ValidationError, match="exists already"):
        create(Product, by=acme.admin, name="Acme pump")


def test_a_move_outside_the_table_is_refused(acme):
    task = create(Task, by=acme.rep, owner=acme.rep, title="Call", due_at="2026-01-01T00:00Z")
    move(task, "done", by=acme.rep, verb="done")
    with pytest.raises(Refused) as refusal:
        move(task, "dropped", by=acme.rep, verb="dropped")
    assert refusal.value.code == "INVALID_TRANSITION"
