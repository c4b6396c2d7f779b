"""Money under concurrency: real threads, and a control that shows the race without the lock (WC-07, M1)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, connections, transaction

from crm.core.errors import Refused
from crm.core.tenancy.state import enter
from receivables.actions import allocation, receipts, refunds
from receivables.models import Receipt, Receivable
from tests.conftest import make_acme

from .conftest import make_ledger

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def world():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        return cast, make_ledger(cast)


def post(cast, ledger, amount: str) -> Receipt:
    with enter(cast.tenant), transaction.atomic():
        return receipts.post_receipt(
            by=cast.finance, legal_entity=ledger.entity, amount=D(amount), received_on=date(2024, 1, 20),
            account=ledger.account, automatic=False,
        )  # fmt: skip


def at_once(cast, *acts) -> list:
    """Each act in a thread and transaction of its own, started together: results, or codes of refusals."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        try:
            with enter(cast.tenant), transaction.atomic():
                barrier.wait(10)
                return act()
        except Refused as refused:
            return refused.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def fresh(cast, model, pk):
    with enter(cast.tenant), transaction.atomic():
        return model.objects.of(cast.tenant).get(pk=pk)


def test_two_allocations_of_one_receipt(world):
    cast, ledger = world
    receipt = post(cast, ledger, "100.00")
    acts = [
        lambda one=one: allocation.allocate(receipt, {one.pk: D("60.00")}, by=cast.finance)
        for one in (ledger.A, ledger.C)
    ]
    results = at_once(cast, *acts)
    assert results.count("INSUFFICIENT_UNALLOCATED") == 1
    assert fresh(cast, Receipt, receipt.pk).allocated == D("60.00")


def test_two_receipts_for_one_receivable(world):
    cast, ledger = world
    both = [post(cast, ledger, "20000.00") for _ in range(2)]
    results = at_once(
        cast,
        *(lambda r=r: allocation.allocate(r, {ledger.A.pk: D("20000.00")}, by=cast.finance) for r in both),
    )
    assert results.count("INSUFFICIENT_BALANCE") == 1
    assert fresh(cast, Receivable, ledger.A.pk).balance == D("10000.00")


def test_allocation_against_refund(world):
    cast, ledger = world
    receipt = post(cast, ledger, "100.00")
    results = at_once(
        cast,
        lambda: allocation.allocate(receipt, {ledger.A.pk: D("80.00")}, by=cast.finance),
        lambda: refunds.request_refund(receipt, by=cast.rep, amount=D("50.00"), reason="r", payee_account="x"),
    )
    assert results.count("INSUFFICIENT_UNALLOCATED") == 1


def test_crosswise_allocations_do_not_deadlock(world):
    cast, ledger = world
    one, two = (post(cast, ledger, "100.00") for _ in range(2))
    results = at_once(
        cast,
        lambda: allocation.allocate(one, {ledger.A.pk: D("10.00"), ledger.B.pk: D("10.00")}, by=cast.finance),
        lambda: allocation.allocate(two, {ledger.B.pk: D("10.00"), ledger.A.pk: D("10.00")}, by=cast.finance),
    )
    assert all(isinstance(result, list) for result in results)


def test_sixteen_threads_share_one_payment(world):
    cast, ledger = world
    receipt = post(cast, ledger, "1000.00")
    results = at_once(cast, *[lambda: allocation.allocate(receipt, {ledger.C.pk: D("100.00")}, by=cast.finance)] * 16)
    assert results.count("INSUFFICIENT_UNALLOCATED") == 6
    assert fresh(cast, Receipt, receipt.pk).unallocated == 0


def test_control_the_race_is_real_without_the_lock(world, monkeypatch):
    """Without the row lock both pass the check: the test setup makes the race happen."""
    cast, ledger = world
    receipt = post(cast, ledger, "100.00")
    met, passed, check = threading.Barrier(2), [], allocation._check

    def check_together(*args):
        check(*args)
        passed.append(True)
        met.wait(10)

    monkeypatch.setattr(allocation, "_check", check_together)
    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", lambda self, **how: self)

    def tolerant(one):
        try:
            with transaction.atomic():
                allocation.allocate(receipt, {one.pk: D("60.00")}, by=cast.finance)
        except (Refused, IntegrityError):
            pass

    at_once(cast, lambda: tolerant(ledger.A), lambda: tolerant(ledger.C))
    assert len(passed) == 2
