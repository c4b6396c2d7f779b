"""A lock that is not to be had in time is a sentence, on both faces, and never a failure (reliability.md 3.2)."""

import threading

import pytest
from django.db import connection, connections, transaction
from django.test import Client

from crm.core import records
from crm.core.catalog.models import Product
from crm.core.company import actions as company
from crm.core.tenancy.state import enter
from tests.conftest import make_acme

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def test_a_row_that_somebody_else_holds_is_said_to_be_busy():
    with transaction.atomic():
        acme = make_acme()
        with enter(acme.tenant):
            product = records.create(Product, by=acme.admin, name="Pump")
            _token, secret = company.create_token(acme.admin, by=acme.admin, name="t")
    held, free = threading.Event(), threading.Event()

    def hold():
        try:
            with enter(acme.tenant), transaction.atomic():
                records.lock(product)
                held.set()
                free.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        headers = {"Authorization": f"Token {secret}", "Accept-Language": "en"}
        url = f"/acme/api/v1/products/{product.pk}/"
        api = Client().patch(url, {"name": "Valve"}, content_type="application/json", headers=headers)
        browser = Client()
        browser.force_login(acme.admin.user)
        page = browser.post(f"/acme/products/{product.pk}/edit/", {"name": "Valve", "version": product.version})
    finally:
        free.set()
        thread.join(30)
    assert (api.status_code, api.json()["code"]) == (409, "BUSY")
    assert page.status_code == 409
    assert "Somebody else is changing the same records right now" in page.content.decode()
    with enter(acme.tenant), transaction.atomic():
        assert Product.objects.of(acme.tenant).get(pk=product.pk).name == "Pump"
    assert connection.is_usable()
