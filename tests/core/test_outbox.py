"""What reacts to Events hears of them at least once, whatever happens to the broker (reliability.md 3.3, T6, F5)."""

import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from crm.core import records
from crm.core.activities.models import Task
from crm.core.catalog.models import Product
from crm.core.events import outbox, tasks
from crm.core.events.models import Delivery, Event, Wakeup
from crm.core.tenancy.state import current_tenant_id, enter, leave
from tests.conftest import make_acme, make_globex

pytestmark = pytest.mark.django_db
RACE = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def heard(monkeypatch):
    """Ids of the Events of kind `product.created` that a handler has heard of, and ways to make it fail."""

    class Ear(list):
        failing = False

        def __call__(self, event):
            self.append(event.pk)
            if self.failing:
                raise RuntimeError("the handler fails")

    ear = Ear()
    monkeypatch.setattr(outbox, "_handlers", {"ear": ear})
    monkeypatch.setattr(outbox, "_listeners", {"product.created": ["ear"], "task.swept": ["ear"]})
    return ear


@pytest.fixture
def broker(monkeypatch):
    """Counts the calls of the broker; `broker.down = True` makes it refuse them."""

    class Broker:
        calls, down = 0, False

        def __call__(self, **_options):
            self.calls += 1
            if self.down:
                raise ConnectionError("redis is gone")

    broker = Broker()
    monkeypatch.setattr(tasks.drain, "apply_async", broker)
    monkeypatch.setitem(outbox._quiet, "until", 0.0)
    return broker


def product(cast, name="Pump"):
    return records.create(Product, by=cast.admin, name=name)


def delivery(cast) -> Delivery:
    return Delivery.objects.of(cast.tenant).get()


def drain(cast) -> int:
    with leave():
        return outbox.drain_tenant(cast.tenant.pk)


def test_a_handler_hears_of_an_event_once(acme, heard):
    product(acme)
    assert drain(acme) == 1
    assert drain(acme) == 0
    assert len(heard) == 1
    assert delivery(acme).status == "done"
    assert not Wakeup.objects.filter(tenant=acme.tenant).exists()


def test_nobody_hears_of_what_was_rolled_back(acme, heard):
    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic():
        product(acme)
        raise Undo
    assert drain(acme) == 0
    assert not Delivery.objects.of(acme.tenant).exists()


def test_nobody_hears_of_kinds_he_did_not_ask_for(acme, heard):
    records.create(Task, by=acme.rep, owner=acme.rep, title="Call", due_at=timezone.now())
    assert drain(acme) == 0


def test_a_set_is_heard_of_row_by_row(acme, heard):
    for n in range(3):
        records.create(Task, by=acme.rep, owner=acme.rep, title=f"t{n}", due_at=timezone.now())
    rows = Task.objects.of(acme.tenant)
    assert records.bulk_change(rows, by=acme.system, verb="swept", batch=uuid.uuid4(), title="swept") == 3
    assert drain(acme) == 3
    assert len(set(heard)) == 3


def test_a_failing_handler_is_tried_again_with_growing_pauses_and_then_laid_aside(acme, heard):
    heard.failing = True
    product(acme)
    pauses = []
    for attempt in range(1, outbox.ATTEMPTS + 1):
        before = timezone.now()
        assert drain(acme) == 1
        row = delivery(acme)
        assert (row.attempts, row.status) == (attempt, "dead" if attempt == outbox.ATTEMPTS else "waiting")
        pauses.append((row.due_at - before).total_seconds())
        woken = Wakeup.objects.filter(tenant=acme.tenant).exists()
        assert woken == (attempt < outbox.ATTEMPTS), "the sweeper finds it as long as it waits"
        assert drain(acme) == 0, "not before it is due"
        Delivery.objects.of(acme.tenant).update(due_at=timezone.now())
    assert pauses == sorted(pauses)
    assert pauses[0] >= 20
    assert "the handler fails" in row.error
    assert drain(acme) == 0
    heard.failing = False
    assert outbox.revive(acme.tenant.pk) == 1
    assert drain(acme) == 1
    assert delivery(acme).status == "done"


def test_what_a_failing_handler_wrote_is_undone_and_its_event_stays(acme, heard, monkeypatch):
    def half(event):
        records.create(Product, by=acme.system, name="half done")
        raise RuntimeError

    monkeypatch.setitem(outbox._handlers, "ear", half)
    product(acme)
    drain(acme)
    assert list(Product.objects.of(acme.tenant).values_list("name", flat=True)) == ["Pump"]
    assert Event.objects.of(acme.tenant).filter(kind="product.created").count() == 1


def test_one_poisoned_event_does_not_stop_the_next(acme, heard, monkeypatch):
    first = product(acme, "poison")
    second = product(acme, "good")
    monkeypatch.setitem(outbox._handlers, "ear", lambda event: 1 / 0 if event.subject_id == first.pk else heard(event))
    assert drain(acme) == 2
    assert len(heard) == 1
    assert Event.objects.of(acme.tenant).get(pk=heard[0]).subject_id == second.pk


def test_a_handler_that_was_removed_from_the_code_ends_as_dead(acme, heard, monkeypatch):
    product(acme)
    monkeypatch.setattr(outbox, "_handlers", {})
    for _attempt in range(outbox.ATTEMPTS):
        drain(acme)
        Delivery.objects.of(acme.tenant).update(due_at=timezone.now())
    assert delivery(acme).status == "dead"


def test_a_handler_works_inside_the_wall_of_the_events_company(acme, globex, heard, monkeypatch):
    """T6: in the transaction of a delivery only the rows of its own company exist."""
    seen = []

    def look(event):
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT tenant_id FROM people_member UNION SELECT tenant_id FROM catalog_product")
            seen.append((event.tenant_id, current_tenant_id(), {row[0] for row in cursor.fetchall()}))

    monkeypatch.setitem(outbox._handlers, "ear", look)
    product(acme)
    with enter(globex.tenant):
        product(globex, "Globex secret")
    with leave():
        assert outbox.drain_all() == 2
    assert sorted(seen) == sorted((cast.tenant.pk, cast.tenant.pk, {cast.tenant.pk}) for cast in (acme, globex))


def test_draining_one_company_leaves_the_others_alone(acme, globex, heard):
    with enter(globex.tenant):
        product(globex)
    product(acme)
    assert drain(acme) == 1
    with enter(globex.tenant):
        assert delivery(globex).status == "waiting"
    assert Wakeup.objects.filter(tenant=globex.tenant).exists()


def test_a_company_that_cannot_be_drained_does_not_stop_the_others(acme, globex, heard, monkeypatch):
    product(acme)
    with enter(globex.tenant):
        product(globex)
    drain_tenant = outbox.drain_tenant

    def fail_for_acme(tenant_id, limit):
        if tenant_id == acme.tenant.pk:
            raise OSError("broken")
        return drain_tenant(tenant_id, limit)

    monkeypatch.setattr(outbox, "drain_tenant", fail_for_acme)
    with leave():
        assert outbox.drain_all() == 1
    assert len(heard) == 1


def test_one_transaction_calls_the_broker_once_and_only_when_somebody_listens(
    acme, heard, broker, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        for n in range(5):
            product(acme, f"p{n}")
    assert broker.calls == 1
    with django_capture_on_commit_callbacks(execute=True):
        records.create(Task, by=acme.rep, owner=acme.rep, title="Call", due_at=timezone.now())
    assert broker.calls == 1


def test_events_of_a_job_say_so(acme, heard, monkeypatch):
    monkeypatch.setitem(outbox._handlers, "ear", lambda event: records.create(Product, by=acme.system, name="by job"))
    product(acme)
    monkeypatch.setattr(outbox, "_listeners", {})
    with leave():
        tasks.drain()
    made = Product.objects.of(acme.tenant).get(name="by job")
    assert Event.objects.of(acme.tenant).get(kind="product.created", subject_id=made.pk).source == "job"


def test_done_deliveries_are_forgotten_after_a_week_and_dead_ones_stay(acme, heard):
    for n in range(3):
        product(acme, f"p{n}")
    drain(acme)
    old = timezone.now() - outbox.KEPT - timedelta(minutes=1)
    first, second, third = Delivery.objects.of(acme.tenant).order_by("pk")
    Delivery.objects.of(acme.tenant).filter(pk__in=[first.pk, second.pk]).update(due_at=old)
    Delivery.objects.of(acme.tenant).filter(pk=second.pk).update(status="dead")
    assert outbox.tidy(acme.tenant) == 1
    assert set(Delivery.objects.of(acme.tenant).values_list("pk", flat=True)) == {second.pk, third.pk}


# --- races -----------------------------------------------------------------------------------------------------------


def in_threads(count: int, act) -> list:
    """`act(n)` in that many threads at once; what they returned or raised."""
    start, results = threading.Barrier(count), []

    def run(n):
        try:
            start.wait(10)
            results.append(act(n))
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[n]) for n in range(count)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    return results


@RACE
def test_drainers_at_once_deliver_each_event_once(heard):
    with transaction.atomic():
        acme, globex = make_acme(), make_globex()
    for cast in (acme, globex):
        with enter(cast.tenant), transaction.atomic():
            for n in range(20):
                product(cast, f"p{n}")
    handled = in_threads(4, lambda n: outbox.drain_all())
    assert sum(handled) == 40
    assert sorted(heard) == sorted(set(heard))
    assert len(heard) == 40
    assert not Wakeup.objects.exists()


@RACE
def test_a_lost_broker_delays_and_never_loses_nor_slows(heard, broker):
    broker.down = True
    with transaction.atomic():
        acme = make_acme()
    for n in range(3):
        with enter(acme.tenant), transaction.atomic():
            product(acme, f"p{n}")
    assert broker.calls == 1, "a broker that did not answer is not asked again at once"
    tasks.drain()  # the sweeper's beat
    assert len(heard) == 3
    outbox._quiet["until"] = time.monotonic() - 1
    with enter(acme.tenant), transaction.atomic():
        product(acme, "later")
    assert broker.calls == 2


@RACE
def test_an_event_that_arrives_while_the_outbox_is_drained_is_not_forgotten(heard, monkeypatch):
    """Its wake-up must survive the clean-up of a drainer that did not see it."""
    with transaction.atomic():
        acme = make_acme()
    with enter(acme.tenant), transaction.atomic():
        product(acme, "first")

    def arrive_meanwhile(event):
        heard(event)
        if len(heard) == 1:
            in_threads(1, lambda n: late())

    def late():
        with enter(acme.tenant), transaction.atomic():
            product(acme, "second")

    monkeypatch.setitem(outbox._handlers, "ear", arrive_meanwhile)
    outbox.drain_all(limit=1)
    assert Wakeup.objects.filter(tenant=acme.tenant).exists()
    outbox.drain_all()
    assert len(heard) == 2


@RACE
def test_a_wake_up_that_comes_after_the_last_look_survives_the_clean_up(heard, monkeypatch):
    with transaction.atomic():
        acme = make_acme()
    with enter(acme.tenant), transaction.atomic():
        product(acme, "first")
    look, calls = Wakeup.objects.filter, []

    def late(_n):
        with enter(acme.tenant), transaction.atomic():
            product(acme, "second")

    def look_while_another_comes(**which):
        calls.append(which)
        if len(calls) == 2:  # the clean-up
            in_threads(1, late)
        return look(**which)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Wakeup.objects, "filter", look_while_another_comes)
        outbox.drain_tenant(acme.tenant.pk)
    assert len(calls) == 2
    assert outbox.drain_all() == 1
    assert len(heard) == 2


@RACE
def test_a_worker_that_dies_in_a_handler_leaves_the_delivery_to_the_next(heard, monkeypatch):
    """F5: what a killed process had begun is rolled back by the database and done again."""
    with transaction.atomic():
        acme = make_acme()
    with enter(acme.tenant), transaction.atomic():
        product(acme)

    def die(event):
        heard(event)
        raise SystemExit("killed")

    monkeypatch.setitem(outbox._handlers, "ear", die)
    with pytest.raises(SystemExit):
        outbox.drain_all()
    monkeypatch.setitem(outbox._handlers, "ear", heard)
    outbox.drain_all()
    assert len(heard) == 2
    with enter(acme.tenant), transaction.atomic():
        assert delivery(acme).status == "done"
