"""Bank lines and receipts under concurrency, with real threads (WC-07 d, INV-R10)."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest
from django.db import connections, transaction
from django.test import Client

from crm.core.company import actions as company
from crm.core.tenancy.state import enter
from receivables.actions import desk, posting
from receivables.actions.receipts import post_receipt
from receivables.models import Incoming, Receipt

from .desk import make_bank, make_line
from .test_races import at_once, fresh, world  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def line(world):  # noqa: F811
    cast, ledger = world
    with enter(cast.tenant), transaction.atomic():
        return make_line(cast, make_bank(cast, ledger.entity), "100.00", "Buyer")


def booked(cast) -> D:
    with enter(cast.tenant), transaction.atomic():
        return sum(receipt.amount for receipt in Receipt.objects.of(cast.tenant))


def test_one_bank_line_is_not_booked_twice(world, line):  # noqa: F811
    """INV-R10: by a person, by another, part by part, and by the machine at the same time."""
    cast, ledger = world
    common = {"by": cast.finance, "legal_entity": ledger.entity, "received_on": line.day, "automatic": False}
    results = at_once(
        cast,
        lambda: desk.accept([line], by=cast.finance, account=ledger.account, shares={ledger.A.pk: D("100.00")}),
        lambda: desk.accept([line], by=cast.finance, account=ledger.account, shares={}),
        lambda: post_receipt(amount=D("60.00"), bank_line=line, account=ledger.account, **common),
        lambda: post_receipt(amount=D("60.00"), bank_line=line, account=ledger.account, **common),
        lambda: posting.post_lines([line], by=cast.finance),
    )
    refused = [result for result in results if result in ("LINE_CHANGED", "LINE_EXHAUSTED")]
    assert len(refused) >= 2, results
    assert D("60.00") <= booked(cast) <= D("100.00")
    with enter(cast.tenant), transaction.atomic():
        assert Incoming.objects.of(cast.tenant).get(line=line).booked == booked(cast)


def test_wc07d_twenty_threads_post_one_request(world):  # noqa: F811
    cast, ledger = world
    with enter(cast.tenant), transaction.atomic():
        _, secret = company.create_token(cast.finance, by=cast.finance, name="t")
    body = {"legal_entity": ledger.entity.pk, "account": ledger.account.pk, "amount": "50000.00",
            "received_on": "2024-01-20"}  # fmt: skip
    headers = {"Authorization": f"Token {secret}", "Idempotency-Key": "once"}

    def post(_turn):
        try:
            return Client().post("/acme/api/v1/receipts/", body, content_type="application/json", headers=headers)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert booked(cast) == D("50000.00")
    assert fresh(cast, type(ledger.C), ledger.C.pk).balance == 0
