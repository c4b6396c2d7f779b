"""Where contracts and receivables meet: one act upstream, and what follows downstream in the same transaction."""

from datetime import date
from decimal import Decimal as D

import pytest
import time_machine

from contracts.actions import contracts, orders
from contracts.actions.changes import approved, draft_change
from crm.core import records
from crm.core.errors import Refused
from receivables import changes, verifier
from receivables.actions import desk, invoices
from receivables.actions.plans import confirm_plan, draft_plan
from receivables.actions.receipts import post_receipt
from receivables.models import CustomerHold, Receivable
from tests.contracts.conftest import bring_into_force, make_contract, make_firm

from .invoicing import issue

pytestmark = pytest.mark.django_db
PLAN = [{"percent": "100", "trigger": "date", "date": "2030-01-01"}]


@pytest.fixture
def contract(acme):
    made = bring_into_force(acme, make_contract(acme, make_firm(acme)))
    confirm_plan(draft_plan(made, by=acme.rep, mode="percent", lines=PLAN), by=acme.finance)
    return made


def test_what_is_owed_follows_the_contract_to_another_seller(acme, contract):
    contracts.transfer_contract(contract, acme.peer, by=acme.manager, reason="leaves")
    assert Receivable.objects.of(acme.tenant).get(contract=contract).owner == acme.peer


def test_a_customer_on_hold_gets_no_new_order(acme, contract):
    owed = Receivable.objects.of(acme.tenant).get(contract=contract)
    hold = records.create(CustomerHold, by=acme.system, account=contract.account, receivable=owed, grounds="overdue")
    with pytest.raises(Refused) as refusal:
        orders.create_order(contract, by=acme.rep)
    assert refusal.value.code == "CUSTOMER_ON_HOLD"
    for status in ("in_approval", "released"):
        records.move(hold, status, by=acme.system, verb=status)
    assert orders.create_order(contract, by=acme.rep).amount == D("600000.00")


def test_a_void_paper_invoice_is_not_corrected_by_a_red_one(acme, contract):
    owed = Receivable.objects.of(acme.tenant).get(contract=contract)
    today = date(2026, 3, 10)
    with time_machine.travel(today):
        torn = issue(acme, contract, {owed: "60000.00"}, 1, on=today, medium="paper")
        invoices.void_invoice(torn, by=acme.finance, reason="torn")
        kept = issue(acme, contract, {owed: "600000.00"}, 2, on=today, medium="paper")
    assert changes.blues(owed) == [(kept, D("600000.00"))]


def test_a_small_difference_that_was_dropped_breaks_no_promise(acme, contract):
    """INV-R1 speaks of what was agreed; the cents that finance let go are no change of the contract."""
    owed = Receivable.objects.of(acme.tenant).get(contract=contract)
    desk.change_rules(by=acme.finance, small_difference=D("0.05"))
    receipt = post_receipt(by=acme.finance, legal_entity=owed.legal_entity, account=owed.account,
                           amount=D("599999.98"), received_on=acme.tenant.today())  # fmt: skip
    assert receipt.unallocated == 0
    owed.refresh_from_db()
    desk.drop(owed, by=acme.finance)
    owed.refresh_from_db()
    assert (owed.balance, owed.adjusted) == (0, D("-0.02"))
    assert not list(verifier.differences(acme.tenant))
    grown = draft_change(contract, by=acme.rep, kind="increase", grounds="more", delta=D("100.00"))
    records.move(grown, "in_approval", by=acme.rep, verb="submitted")
    assert approved(grown, by=acme.manager).status == "applied"
    assert not list(verifier.differences(acme.tenant))
