"""Deliveries: 0 ≤ accepted ≤ delivered ≤ shipped ≤ ordered, whatever happens and whoever comes at once (INV-C5)."""

from datetime import timedelta
from decimal import Decimal as D
from threading import Barrier, Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, connections, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts import effects
from contracts.actions import batches, handover, orders
from contracts.models import Batch, OrderLine
from crm.core import records
from crm.core.activities.timeline import files_of
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.tenancy.state import enter
from tests.conftest import BOTH, make_acme

from .conftest import line, make_firm
from .delivering import brought, planned, quantities, ready

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def order(acme, firm):
    return orders.create_order(ready(acme, firm), by=acme.rep)


def sums(order) -> list[tuple]:
    """(shipped, delivered, accepted) of each line as kept."""
    return list(order.lines.order_by("pk").values_list("shipped", "delivered", "accepted"))


def counted(order) -> list[tuple]:
    """The same, added up from the deliveries themselves."""
    return [
        tuple(sum((_net(one, column) for one in row.batch_lines.select_related("batch")), D(0)) for column in COLUMNS)
        for row in order.lines.order_by("pk")
    ]


COLUMNS = ("shipped", "delivered", "accepted")


def _net(one, column: str) -> D:
    known = {"shipped": (one.shipped, 0, 0), "delivered": (one.delivered, one.delivered, 0)}
    known["accepted"] = (one.accepted,) * 3
    return D(known.get(one.batch.status, (0, 0, 0))[COLUMNS.index(column)])


def test_a_batch_goes_its_way_and_completes_the_order(acme, order):
    today = acme.tenant.today()
    batch = planned(acme, order, is_final=True, delivery_note="LS-1")
    assert [row.quantity for row in batch.lines.all()] == [10, 3]
    batches.ship(batch, by=acme.presales, on=today - 2 * DAY, delivery_note="LS-2")
    batches.deliver(batch, by=acme.presales, on=today - DAY)
    batches.accept(batch, by=acme.presales, accepted_by=" Mr Li ", on=today - DAY)
    order.refresh_from_db()
    assert (batch.status, batch.accepted_by, batch.delivery_note) == ("accepted", "Mr Li", "LS-2")
    assert (batch.shipped_on, batch.delivered_on, batch.accepted_on) == (today - 2 * DAY, today - DAY, today - DAY)
    assert (order.status, order.completed_on) == ("completed", today - DAY)
    assert sums(order) == [(10, 10, 10), (3, 3, 3)]


def test_the_first_shipment_begins_the_performance(acme, order):
    assert order.contract.status == "effective"
    brought(acme, planned(acme, order, 1), "shipped")
    order.contract.refresh_from_db()
    assert order.contract.status == "performing"


def test_nothing_is_shipped_before_delivery_has_accepted_the_contract(acme, firm, effective):
    contract = effective(kind="fixed")
    order = orders.create_order(contract, by=acme.rep)
    with pytest.raises(Forbidden):
        batches.plan_batch(order, by=acme.rep, planned_on=acme.tenant.today())
    handover.offer(contract, by=acme.rep, to=acme.presales)
    order.refresh_from_db()
    batch = batches.plan_batch(order, by=acme.presales, planned_on=acme.tenant.today())
    with pytest.raises(Refused, match="not accepted"):
        batches.ship(batch, by=acme.presales)


def test_more_than_ordered_is_neither_planned_nor_shipped(acme, order):
    with pytest.raises(Refused) as refusal:
        planned(acme, order, "10.001")
    assert refusal.value.code == "OVER_DELIVERY"
    first, second = planned(acme, order, 6), planned(acme, order, 4)
    with pytest.raises(Refused, match="only 4"):
        brought(acme, first, "shipped")
        batches.ship(second, by=acme.presales, quantities=quantities(order, 5))
    assert batches.unplanned(order)[order.lines.order_by("pk")[0].pk] == 0
    with pytest.raises(ValidationError):
        planned(acme, order, 0)


def test_the_tolerance_of_the_line_may_be_used_and_no_more(acme, firm):
    lines = [line("Sand", "5.00", firm.v13, "100", over_delivery=D("3"))]
    order = orders.create_order(ready(acme, firm, lines=lines), by=acme.rep)
    batch = planned(acme, order)
    with pytest.raises(Refused), transaction.atomic():
        batches.ship(batch, by=acme.presales, quantities=quantities(order, "103.001"))
    batches.ship(batch, by=acme.presales, quantities=quantities(order, "103"))
    assert sums(order) == [(103, 0, 0)]


def test_what_did_not_arrive_or_was_not_accepted_may_be_shipped_again(acme, order):
    batch = brought(acme, planned(acme, order, 10), "shipped")
    batches.deliver(batch, by=acme.presales, quantities=quantities(order, 9))
    assert sums(order)[0] == (9, 9, 0)
    batches.accept(batch, by=acme.presales, accepted_by="Li", quantities=quantities(order, 7))
    assert sums(order)[0] == (7, 7, 7)
    assert batches.unplanned(order)[order.lines.order_by("pk")[0].pk] == 3
    order.refresh_from_db()
    assert order.status == "open"
    assert [(row.shipped, row.delivered, row.accepted) for row in batch.lines.all()] == [(10, 9, 7)]


def test_a_rejected_batch_is_reworked_and_goes_again(acme, order):
    batch = brought(acme, planned(acme, order), "rejected")
    assert (batch.grounds, sums(order)) == ("Rust", [(0, 0, 0), (0, 0, 0)])
    batches.rework(batch, by=acme.presales, planned_on=acme.tenant.today() + DAY)
    assert (batch.status, batch.shipped_on, batch.delivered_on) == ("planned", None, None)
    brought(acme, batch, "accepted")
    assert sums(order) == [(10, 10, 10), (3, 3, 3)]


@pytest.mark.parametrize(
    ("act", "state"),
    [
        (lambda cast, batch: batches.deliver(batch, by=cast.presales), "planned"),
        (lambda cast, batch: batches.accept(batch, by=cast.presales, accepted_by="Li"), "shipped"),
        (lambda cast, batch: batches.reject(batch, by=cast.presales, grounds="No"), "shipped"),
        (lambda cast, batch: batches.ship(batch, by=cast.presales), "shipped"),
        (lambda cast, batch: batches.ship(batch, by=cast.presales), "accepted"),
        (lambda cast, batch: batches.accept(batch, by=cast.presales, accepted_by="Li"), "rejected"),
        (lambda cast, batch: batches.accept(batch, by=cast.presales, accepted_by="Li"), "accepted"),
        (lambda cast, batch: batches.rework(batch, by=cast.presales, planned_on=cast.tenant.today()), "planned"),
    ],
)
def test_steps_are_not_skipped_nor_taken_twice(acme, order, act, state):
    batch = brought(acme, planned(acme, order, 2), state)
    before = sums(order)
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(acme, batch)
    assert refusal.value.code == "INVALID_TRANSITION"
    assert sums(order) == before


def test_days_follow_each_other_and_are_past(acme, order):
    today = acme.tenant.today()
    batch = planned(acme, order, 1)
    for on in (today + DAY,):
        with pytest.raises(ValidationError) as error:
            batches.ship(batch, by=acme.presales, on=on)
        assert "on" in error.value.message_dict
    batches.ship(batch, by=acme.presales, on=today)
    with pytest.raises(ValidationError):
        batches.deliver(batch, by=acme.presales, on=today - DAY)


def test_an_acceptance_has_a_name_and_a_rejection_a_reason(acme, order):
    batch = brought(acme, planned(acme, order, 1), "delivered")
    with pytest.raises(ValidationError) as error:
        batches.accept(batch, by=acme.presales, accepted_by="  ")
    assert "accepted_by" in error.value.message_dict
    with pytest.raises(ValidationError) as error:
        batches.reject(batch, by=acme.presales, grounds=" ")
    assert "grounds" in error.value.message_dict


def test_no_more_arrives_than_left_and_no_more_is_accepted_than_arrived(acme, order):
    batch = brought(acme, planned(acme, order, 5), "shipped")
    for given in (6, -1):
        with pytest.raises(ValidationError), transaction.atomic():
            batches.deliver(batch, by=acme.presales, quantities=quantities(order, given))
    batches.deliver(batch, by=acme.presales, quantities=quantities(order, 4))
    with pytest.raises(ValidationError), transaction.atomic():
        batches.accept(batch, by=acme.presales, accepted_by="Li", quantities=quantities(order, 5))
    assert sums(order)[0] == (4, 4, 0)


def test_the_signed_note_is_kept_with_the_acceptance(acme, order, settings, tmp_path):
    settings.STORAGES = {**settings.STORAGES, "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}}  # fmt: skip
    batch = brought(acme, planned(acme, order, 1), "delivered")
    note = SimpleUploadedFile("note.txt", b"signed", "text/plain")
    batches.accept(batch, by=acme.presales, accepted_by="Li", file=note)
    assert [file.name for file in files_of(batch)] == ["note.txt"]


def test_whoever_follows_hears_of_it_in_the_same_transaction_and_may_refuse(acme, order, monkeypatch):
    heard = []

    class Listener(effects.Follower):
        def accepted(self, batch, *, by, on):
            heard.append((batch.pk, batch.order.contract_id, batch.is_final, on, batch.status))
            if batch.is_final:
                raise Refused("Closed period", code="PERIOD_CLOSED")

    monkeypatch.setattr(effects, "_followers", [Listener()])
    today = acme.tenant.today()
    brought(acme, planned(acme, order, 1), "accepted")
    final = brought(acme, planned(acme, order, 1, is_final=True), "delivered")
    with pytest.raises(Refused), transaction.atomic():
        batches.accept(final, by=acme.presales, accepted_by="Li")
    final.refresh_from_db()
    assert [row[1:] for row in heard] == [
        (order.contract_id, False, today, "accepted"), (order.contract_id, True, today, "accepted"),
    ]  # fmt: skip
    assert (final.status, sums(order)[0]) == ("delivered", (2, 2, 1))


def test_the_final_acceptance_of_an_order_comes_once(acme, order):
    brought(acme, planned(acme, order, 1, is_final=True), "accepted")
    second = brought(acme, planned(acme, order, 1), "delivered")
    with pytest.raises(ValidationError, match="final acceptance"):
        batches.accept(second, by=acme.presales, accepted_by="Li", is_final=True)


@pytest.mark.parametrize("who", ["peer", "other_rep", "finance", "legal", "partner"])
def test_strangers_record_no_delivery(acme, order, who):
    batch = planned(acme, order, 1)
    with pytest.raises(Forbidden):
        batches.ship(batch, by=getattr(acme, who))


def test_a_presales_engineer_delivers_only_what_was_handed_to_him(acme, firm, effective):
    order = orders.create_order(effective(kind="fixed"), by=acme.rep)
    with pytest.raises(Forbidden):
        batches.plan_batch(order, by=acme.presales, planned_on=acme.tenant.today())
    assert not Batch.objects.visible_to(acme.presales).exists()


def test_a_closed_order_takes_no_more_batches(acme, order):
    orders.cancel_order(order, by=acme.rep, reason="No")
    with pytest.raises(Refused) as refusal:
        planned(acme, order, 1)
    assert refusal.value.code == "ORDER_NOT_OPEN"


@pytest.mark.parametrize(
    "bug",
    [
        "accepted = delivered + 1", "delivered = shipped + 0.001", "shipped = quantity + tolerance + 0.001",
        "accepted = -1",
    ],
)  # fmt: skip
def test_the_database_refuses_every_breach_by_itself(acme, order, bug):
    breach = f"UPDATE {OrderLine._meta.db_table} SET {bug} WHERE order_id = %s"
    with pytest.raises(IntegrityError, match="order_line_within_order"), connection.cursor() as cursor:
        cursor.execute(breach, [order.pk])


def test_the_guard_does_not_depend_on_the_action(acme, order, monkeypatch):
    """A planted bug in the arithmetic of rooms is still stopped, with a sentence."""
    monkeypatch.setattr(OrderLine, "room", property(lambda line: D(10**6)))
    batch = planned(acme, order)
    with pytest.raises(ValidationError, match="No more can be delivered"):
        batches.ship(batch, by=acme.presales, quantities=quantities(order, 11))


class Deliveries(RuleBasedStateMachine):
    """Any sequence of deliveries: what is kept equals what is counted, in the order that INV-C5 asks for."""

    @initialize()
    def begin(self):
        self.order = self.found()
        self.batches = []

    @rule(pump=st.integers(0, 6), valve=st.integers(0, 2))
    def plan(self, pump, valve):
        self.attempt(lambda: self.batches.append(planned(self.cast, self.order, pump, valve)))

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), to=st.sampled_from(["ship", "deliver", "accept", "reject", "rework"]))
    def step(self, data, to):
        batch = data.draw(st.sampled_from(self.batches))
        given = {row.order_line_id: D(data.draw(st.integers(0, 7))) for row in batch.lines.all()}
        more = {
            "accept": {"accepted_by": "Li", "quantities": given}, "reject": {"grounds": "No"},
            "rework": {"planned_on": self.cast.tenant.today()}, "ship": {"quantities": given},
            "deliver": {"quantities": given},
        }  # fmt: skip
        self.attempt(lambda: getattr(batches, to)(batch, by=self.cast.presales, **more[to]))

    def attempt(self, act):
        try:
            with transaction.atomic():
                act()
        except (Refused, ValidationError):
            for batch in self.batches:
                batch.refresh_from_db()

    @invariant()
    def kept_is_counted_and_in_order(self):
        if not hasattr(self, "order"):
            return
        assert sums(self.order) == counted(self.order)
        for (shipped, delivered, accepted), most in zip(sums(self.order), (10, 3), strict=True):
            assert 0 <= accepted <= delivered <= shipped <= most


def test_any_sequence_of_deliveries_keeps_the_order(acme, firm):
    Deliveries.cast = acme
    Deliveries.found = lambda self: orders.create_order(ready(acme, firm), by=acme.rep)
    run_state_machine_as_test(Deliveries, settings=settings(max_examples=15, stateful_step_count=15, deadline=None))


@pytest.mark.django_db(transaction=True, databases=BOTH)
def test_two_shipments_at_once_do_not_exceed_the_order():
    """Both batches hold 2 of 3 for themselves (planned before the order was cut); only one may leave."""
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        contract = ready(cast, make_firm(cast), lines=[line("Pump", "10.00", make_firm(cast).v13, "4")])
        order = orders.create_order(contract, by=cast.rep)
        pair = [planned(cast, order, 2) for _n in range(2)]
        records.update(order.lines.get(), by=cast.system, quantity=D(3))
    barrier, said = Barrier(2), []

    def leave(batch):
        try:
            with enter(cast.tenant), transaction.atomic():
                barrier.wait(10)
                batches.ship(batch, by=cast.presales)
                said.append("shipped")
        except (Refused, ValidationError) as error:
            said.append(getattr(error, "code", "INVALID"))
        finally:
            connections.close_all()

    threads = [Thread(target=leave, args=[batch]) for batch in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with enter(cast.tenant), transaction.atomic():
        assert OrderLine.objects.of(cast.tenant).get().shipped == 2
    assert sorted(said) == ["OVER_DELIVERY", "shipped"]
