"""Orders: within what was signed to the cent (INV-C6), and followed until everything is accepted."""

from datetime import date
from decimal import Decimal as D
from threading import Barrier, Thread

import pytest
from django.db import connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.actions import contracts, orders
from contracts.models import Order, OrderLine
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.events.models import Event
from crm.core.tenancy.state import enter
from tests.conftest import BOTH, make_acme

from .conftest import bring_into_force, line, make_contract, make_firm
from .delivering import brought, planned, quantities, ready

pytestmark = pytest.mark.django_db


def order_of(cast, contract, *given, **values):
    return orders.create_order(contract, by=cast.rep, quantities=quantities(contract, *given) or None, **values)


def code_of(refusal) -> str:
    return refusal.value.code


def test_an_order_of_everything_is_the_contract(acme, firm):
    contract = ready(acme, firm)
    order = order_of(acme, contract, promised_on=date(2031, 5, 1), erp_ref="PO-7")
    assert order.number == f"DD-{firm.entity.code}-{acme.tenant.today().year}-0001"
    assert order.amount == contract.effective_amount == D("1099.89")
    assert [(one.quantity, one.amount) for one in order.lines.all()] == [(10, D("999.90")), (3, D("99.99"))]
    kinds = list(Event.objects.of(acme.tenant).filter(subject_id=order.pk, kind="order.created"))
    assert len(kinds) == 1


def test_pieces_of_a_line_add_up_to_it_to_the_cent(acme, firm):
    contract = ready(acme, firm, lines=[line("Service", "100.00", firm.v6, "3", discount=D("0.01"))])
    amounts = [order_of(acme, contract, 1).amount for _n in range(3)]
    assert amounts == [D("99.99"), D("99.99"), D("99.99")]
    odd = ready(acme, firm, lines=[line("Rope", "10.00", firm.v13, "3", discount=D("66.67"))])  # 10.00 for 3
    assert odd.effective_amount == D("10.00")
    pieces = [order_of(acme, odd, 1).amount for _n in range(3)]
    assert sum(pieces) == D("10.00")
    assert pieces == [D("3.33"), D("3.34"), D("3.33")]


@pytest.mark.parametrize(
    ("given", "code"), [((11, 0), "ORDER_EXCEEDS_CONTRACT"), ((0, "3.001"), "ORDER_EXCEEDS_CONTRACT")]
)
def test_no_more_than_was_signed_can_be_ordered(acme, firm, given, code):
    contract = ready(acme, firm)
    with pytest.raises(Refused) as refusal:
        order_of(acme, contract, *given)
    assert code_of(refusal) == code
    assert not Order.objects.of(acme.tenant).exists()


def test_orders_stay_below_the_effective_amount_whatever_the_lines_say(acme, firm):
    """INV-C6 is asked by itself: the lines of this contract say more than it is worth."""
    contract = ready(acme, firm)
    orders.records.update(contract, by=acme.system, effective_amount=D("1099.88"))
    with pytest.raises(Refused) as refusal:
        order_of(acme, contract)
    assert code_of(refusal) == "ORDER_EXCEEDS_CONTRACT"


def test_a_framework_is_ordered_from_without_a_limit_at_its_prices(acme, firm):
    contract = ready(acme, firm, kind="framework", lines=[line("Pump", "99.99", firm.v13, "1", discount=D("10"))])
    order = order_of(acme, contract, 25)
    assert order.amount == D("2249.78")  # 99.99 × 25 × 0.9 = 2249.775
    assert orders.orderable(contract) == {contract.lines.get().pk: None}


@pytest.mark.parametrize(("given", "field"), [((0, 0), "lines"), ((-1, 1), "lines")])
def test_quantities_must_make_sense(acme, firm, given, field):
    with pytest.raises(ValidationError) as error:
        order_of(acme, ready(acme, firm), *given)
    assert field in error.value.message_dict


def test_lines_of_another_contract_are_not_taken(acme, firm):
    contract, other = ready(acme, firm), ready(acme, firm)
    with pytest.raises(ValidationError):
        orders.create_order(contract, by=acme.rep, quantities=quantities(other, 1))


def test_only_a_contract_in_force_is_ordered_from(acme, firm, draft):
    with pytest.raises(Refused) as refusal:
        order_of(acme, draft(kind="fixed"))
    assert code_of(refusal) == "CONTRACT_NOT_EFFECTIVE"


@pytest.mark.parametrize("who", ["peer", "other_rep", "presales", "finance", "legal", "partner"])
def test_strangers_to_the_contract_do_not_order(acme, firm, who):
    with pytest.raises(Forbidden):
        orders.create_order(ready(acme, firm), by=getattr(acme, who))


def test_cancelling_gives_the_quantities_back(acme, firm):
    contract = ready(acme, firm)
    order = order_of(acme, contract)
    orders.cancel_order(order, by=acme.rep, reason="Typed wrongly")
    assert order.status == "cancelled"
    assert order_of(acme, contract).amount == contract.effective_amount


def test_what_is_under_way_cannot_be_cancelled(acme, firm):
    order = order_of(acme, ready(acme, firm))
    brought(acme, planned(acme, order, 1), "shipped")
    with pytest.raises(Refused) as refusal:
        orders.cancel_order(order, by=acme.rep, reason="No")
    assert code_of(refusal) == "ORDER_DELIVERED"


def test_an_open_order_can_be_changed_and_a_closed_one_not(acme, firm):
    order = order_of(acme, ready(acme, firm))
    orders.update_order(order, by=acme.rep, promised_on=date(2031, 6, 1))
    orders.cancel_order(order, by=acme.rep, reason="No")
    with pytest.raises(Refused) as refusal:
        orders.update_order(order, by=acme.rep, promised_on=date(2031, 7, 1))
    assert (code_of(refusal), order.promised_on) == ("ORDER_NOT_OPEN", date(2031, 6, 1))


def test_completing_waits_for_every_acceptance(acme, firm):
    order = order_of(acme, ready(acme, firm))
    brought(acme, planned(acme, order, 10, 2), "accepted")
    with pytest.raises(Refused) as refusal:
        orders.complete_order(order, by=acme.presales)
    assert code_of(refusal) == "ORDER_OPEN"
    assert "Valve" in str(refusal.value)
    brought(acme, planned(acme, order), "accepted")
    order.refresh_from_db()
    assert (order.status, order.completed_on) == ("completed", acme.tenant.today())


def test_a_fixed_contract_completes_only_when_its_orders_equal_it(acme, firm):
    contract = ready(acme, firm)
    order = order_of(acme, contract, 10)
    brought(acme, planned(acme, order), "accepted")
    contract.refresh_from_db()
    with pytest.raises(Refused), transaction.atomic():
        contracts.complete(contract, by=acme.legal)
    brought(acme, planned(acme, order_of(acme, contract)), "accepted")
    assert contracts.complete(contract, by=acme.legal).status == "completed"


def test_what_is_delivered_in_quantity_and_money(acme, firm):
    contract = ready(acme, firm)
    order = order_of(acme, contract, 7, 3)
    brought(acme, planned(acme, order, 2, 1), "delivered")
    brought(acme, planned(acme, order, 1, 0), "shipped")
    pump, valve = contract.lines.order_by("pk")
    assert orders.delivered(contract) == {pump.pk: 2, valve.pk: 1}
    assert orders.delivered_amount(contract) == D("233.31")  # 2 × 99.99 + 33.33
    brought(acme, planned(acme, order, 1, 0), "rejected")
    assert orders.delivered(contract)[pump.pk] == 2


@settings(max_examples=30, deadline=None)
@given(
    quantity=st.decimals("0.001", "999", places=3),
    price=st.decimals("0.01", "9999.99", places=2),
    cuts=st.lists(st.decimals("0.001", "1", places=3), min_size=1, max_size=6),
)
def test_any_pieces_of_any_line_sum_to_the_line(quantity, price, cuts):
    """Cumulative parts: no cent is lost or won, and no piece is negative."""
    whole, done, amounts = orders.round_half_up(quantity * price), D(0), []
    for cut in [*cuts, D(1)]:
        piece = min(orders.round_half_up(quantity * cut, 3), quantity - done) if cut < 1 else quantity - done
        done += piece
        amounts.append(orders.part(whole, done, quantity) - sum(amounts, D(0)))
    assert sum(amounts) == whole
    assert min(amounts) >= 0


@pytest.mark.django_db(transaction=True, databases=BOTH)
def test_two_orders_at_once_do_not_take_the_contract_twice():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        contract = bring_into_force(cast, make_contract(cast, make_firm(cast), kind="fixed"))
    barrier, said = Barrier(2), []

    def take():
        try:
            with enter(cast.tenant), transaction.atomic():
                barrier.wait(10)
                said.append(orders.create_order(contract, by=cast.rep).number)
        except (Refused, ValidationError) as error:
            said.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [Thread(target=take) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with enter(cast.tenant), transaction.atomic():
        assert OrderLine.objects.of(cast.tenant).count() == 1
    assert sorted(said)[0].startswith("DD-")
    assert sorted(said)[1] == "ValidationError"  # nothing was left to order
