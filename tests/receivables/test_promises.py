"""Promises kept and broken by the money alone; disputes and holds; what the ladder's end needs people for."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from contracts import effects
from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.approvals.models import ApprovalTask
from crm.core.errors import Forbidden, Refused, ValidationError
from receivables.actions import allocation, disputes, dunning, holds, promises
from receivables.models import CustomerHold, LegalStep, PromiseToPay
from receivables.promises import State, with_state

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def state(acme, made, today) -> str:
    rows = PromiseToPay.objects.of(acme.tenant).filter(pk=made.pk)
    return with_state(rows, acme.tenant, today).get().state


@pytest.fixture
def today(acme):
    return acme.tenant.today()


def test_kept_and_broken_follow_from_the_money(acme, ledger, receive, today):
    made = promises.promise(ledger.A, by=acme.rep, promised_for=today + 5 * DAY, amount=D("10000.00"))
    assert state(acme, made, today + 5 * DAY) == State.OPEN
    assert state(acme, made, today + 6 * DAY) == State.BROKEN
    paid = allocation.allocate(receive("10000.00", automatic=False), {ledger.A.pk: D("9999.99")}, by=acme.finance)[0]
    assert state(acme, made, today + 6 * DAY) == State.BROKEN
    cent = receive("0.01", automatic=False)
    allocation.allocate(cent, {ledger.A.pk: D("0.01")}, by=acme.finance)
    assert state(acme, made, today + 6 * DAY) == State.KEPT
    allocation.unallocate(paid, by=acme.finance)
    assert state(acme, made, today + 6 * DAY) == State.BROKEN


def test_money_of_before_or_after_does_not_keep_it(acme, ledger, receive, today):
    allocation.allocate(receive("5000.00", automatic=False), {ledger.A.pk: D("5000.00")}, by=acme.finance)
    made = promises.promise(ledger.A, by=acme.rep, promised_for=today + DAY, amount=D("5000.00"))
    late = receive("5000.00", automatic=False)
    allocation.allocate(late, {ledger.A.pk: D("5000.00")}, by=acme.finance, effective=today + 2 * DAY)
    assert state(acme, made, today + 3 * DAY) == State.BROKEN


def test_a_new_promise_replaces_the_open_one(acme, ledger, today):
    first = promises.promise(ledger.A, by=acme.rep, promised_for=today + DAY)
    second = promises.promise(ledger.A, by=acme.rep, promised_for=today + 2 * DAY)
    assert state(acme, first, today) == State.WITHDRAWN
    assert (state(acme, second, today), second.amount) == (State.OPEN, D("30000.00"))
    promises.withdraw(second, by=acme.rep)
    assert state(acme, second, today) == State.WITHDRAWN
    with pytest.raises(Refused):
        promises.withdraw(second, by=acme.rep)


@pytest.mark.parametrize(
    "values", [{"promised_for": -1}, {"promised_for": 91}, {"amount": "0.00"}, {"amount": "30000.01"}]
)
def test_a_promise_that_cannot_be_one(acme, ledger, today, values):
    given = {"promised_for": today + values.get("promised_for", 5) * DAY}
    if "amount" in values:
        given["amount"] = D(values["amount"])
    with pytest.raises(ValidationError):
        promises.promise(ledger.A, by=acme.rep, **given)


def test_the_clock_runs_again_the_day_after(acme, ledger, today):
    promises.promise(ledger.A, by=acme.rep, promised_for=today)
    assert dunning.run(acme.tenant, by=acme.finance, today=today).notices.filter(receivable=ledger.A).count() == 0
    following = dunning.run(acme.tenant, by=acme.finance, today=today + DAY)
    assert following.notices.filter(receivable=ledger.A).count() == 1


VERBS = [
    lambda one, by: disputes.raise_dispute(one, by=by, reason="r"),
    lambda one, by: disputes.hold(one, by=by, reason="r"),
    lambda one, by: promises.promise(one, by=by, promised_for=by.tenant.today()),
]


@pytest.mark.parametrize("verb", VERBS)
def test_own_team_and_all_may_and_others_not(acme, ledger, verb):
    for member in (acme.other_rep, acme.peer, acme.legal, acme.presales):
        with pytest.raises(Forbidden):
            verb(ledger.A, member)
    for member, receivable in ((acme.rep, ledger.A), (acme.manager, ledger.B), (acme.finance, ledger.C)):
        verb(receivable, member)


def test_a_reason_is_needed_and_twice_is_refused(acme, ledger):
    with pytest.raises(ValidationError):
        disputes.raise_dispute(ledger.A, by=acme.rep, reason=" ")
    with pytest.raises(Refused):
        disputes.clear_dispute(ledger.A, by=acme.rep, reason="r")
    disputes.raise_dispute(ledger.A, by=acme.rep, reason="wrong price")
    with pytest.raises(Refused):
        disputes.raise_dispute(ledger.A, by=acme.rep, reason="again")


@pytest.fixture
def at_law(acme, ledger):
    """The ladder of A has reached its end."""
    records.update(ledger.A, by=acme.finance, dunning_level=5, dunned_on=date(2024, 4, 1))
    dunning.run(acme.tenant, by=acme.finance, today=date(2024, 5, 1))
    return LegalStep.objects.of(acme.tenant).get(), CustomerHold.objects.of(acme.tenant).get()


def decide(acme, record, verb, **values):
    task = ApprovalTask.objects.of(acme.tenant).get(instance=approvals.pending(record), status="open")
    verb(task, by=acme.legal, **values)
    record.refresh_from_db()
    return record.status


def test_a_hold_blocks_orders_until_an_approver_releases_it(acme, ledger, at_law):
    _step, hold = at_law
    assert "Buyer" in effects.orders_blocked(ledger.account)
    with pytest.raises(Forbidden):
        holds.request_release(hold, by=acme.rep, reason="please")
    holds.request_release(hold, by=acme.finance, reason="they paid half")
    assert effects.orders_blocked(ledger.account)
    assert decide(acme, hold, approvals.reject, comment="no") == "active"
    holds.request_release(hold, by=acme.finance, reason="they paid all")
    assert decide(acme, hold, approvals.approve) == "released"
    assert effects.orders_blocked(ledger.account) is None


def test_a_legal_step_needs_an_approval(acme, at_law):
    step, _hold = at_law
    holds.request_legal_step(step, by=acme.finance, reason="they do not answer")
    assert decide(acme, step, approvals.approve) == "approved"
    with pytest.raises(Refused):
        holds.drop_legal_step(step, by=acme.finance, reason="late")


def test_a_legal_step_may_be_dropped(acme, at_law):
    assert holds.drop_legal_step(at_law[0], by=acme.finance, reason="small").status == "dropped"
