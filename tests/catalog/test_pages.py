"""The product list and its form."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.core.catalog import actions
from crm.core.catalog.models import Product
from crm.core.errors import Conflict, Forbidden, ValidationError

pytestmark = pytest.mark.django_db


def test_a_product_is_kept_by_the_admin_alone(acme):
    with pytest.raises(Forbidden):
        actions.create_product(by=acme.manager, name="Pump")
    pump = actions.create_product(by=acme.admin, name="Pump", list_price="10")
    with pytest.raises(ValidationError):
        actions.create_product(by=acme.admin, name="Pump")
    actions.update_product(pump, by=acme.admin, expected=1, is_active=False)
    with pytest.raises(Conflict):
        actions.update_product(pump, by=acme.admin, expected=1, is_active=True)


def test_the_form_adds_and_edits(acme, sign_in):
    client = sign_in(acme.admin)
    assert (
        client.post("/acme/products/new/", {"name": "Valve", "list_price": "12.50", "is_active": "on"}).status_code
        == 302
    )
    valve = Product.objects.of(acme.tenant).get(name="Valve")
    assert client.post("/acme/products/new/", {"name": "Valve"}).status_code == 422
    assert client.post(f"/acme/products/{valve.pk}/edit/", {"name": "Valve 2", "version": 1}).status_code == 302
    assert client.post(f"/acme/products/{valve.pk}/edit/", {"name": "Valve 3", "version": 1}).status_code == 409
    assert b"Valve 2" in client.get("/acme/products/?q=valve").content
    assert client.get("/acme/products/options/?q=2").json()["results"] == []  # off sale


def test_the_list_costs_the_same_for_many(acme, sign_in):
    client = sign_in(acme.rep)

    def statements():
        client.get("/acme/products/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/acme/products/").status_code == 200
        return len(captured)

    actions.create_product(by=acme.admin, name="First")
    one = statements()
    for n in range(29):
        actions.create_product(by=acme.admin, name=f"Pump {n}")
    assert statements() == one <= 12
