"""Months of a legal entity: soft close, close, two persons to open again, nothing posted into them (INV-R9)."""

import threading
from datetime import date
from decimal import Decimal as D

import pytest
import time_machine
from django.db import connections, transaction

from crm.core import records
from crm.core.company import actions as company
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.events.models import Event
from crm.core.tenancy.state import enter
from receivables.actions import allocation, periods, receipts, refunds, write_offs
from receivables.models import ArEntry, CreditEntry, Period
from tests.conftest import make_acme

from .conftest import make_ledger
from .people import approve, hire

JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)
INSIDE = date(2024, 1, 20)


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


@pytest.fixture
def lead(acme):
    """Finance, and head of a team."""
    lead = hire(acme, "Fiona Lead", "finance")
    company.create_team(by=acme.admin, name="Finance", kind="function", head=lead)
    return lead


@pytest.fixture
def soft(acme, ledger):
    return periods.soft_close(ledger.entity, JANUARY, by=acme.finance)


@pytest.fixture
def closed(acme, ledger, soft):
    return periods.close(ledger.entity, JANUARY, by=acme.finance)


@pytest.mark.django_db
class TestSteps:
    def test_open_soft_closed_closed(self, acme, ledger, closed):
        assert (closed.status, closed.month) == ("closed", JANUARY)
        assert code_of(periods.soft_close, ledger.entity, JANUARY, by=acme.finance) == "INVALID_TRANSITION"
        assert code_of(periods.close, ledger.entity, FEBRUARY, by=acme.finance) == "INVALID_TRANSITION"
        kinds = Event.objects.of(acme.tenant).filter(subject_type="receivables.period", subject_id=closed.pk)
        assert set(kinds.values_list("kind", flat=True)) == {"period.created", "period.soft_closed", "period.closed"}

    def test_only_finance_closes_and_only_what_is_over(self, acme, ledger):
        for member in (acme.rep, acme.manager, acme.legal, acme.admin):
            with pytest.raises(Forbidden):
                periods.soft_close(ledger.entity, JANUARY, by=member)
        this_month = acme.tenant.today().replace(day=1)
        assert code_of(periods.soft_close, ledger.entity, this_month, by=acme.finance) == "MONTH_NOT_OVER"
        with pytest.raises(ValidationError):
            periods.soft_close(ledger.entity, INSIDE, by=acme.finance)

    def test_the_lead_opens_a_soft_closed_month(self, acme, soft, lead):
        with pytest.raises(Forbidden):
            periods.open_again(soft, by=acme.finance, reason="late invoice")
        assert periods.open_again(soft, by=lead, reason="late invoice").status == "open"

    def test_a_closed_month_takes_two_persons(self, acme, closed, lead):
        both = hire(acme, "Both", "finance", "legal")
        assert code_of(periods.open_again, closed, by=lead, reason="r") == "NEEDS_TWO"
        assert code_of(periods.approve_reopen, closed, by=acme.legal) == "NOT_REQUESTED"
        with pytest.raises(Forbidden):
            periods.request_reopen(closed, by=acme.legal, reason="an invoice is missing")
        periods.request_reopen(closed, by=both, reason="an invoice is missing")
        assert code_of(periods.request_reopen, closed, by=acme.finance, reason="r") == "ALREADY_REQUESTED"
        for member in (both, acme.finance):
            with pytest.raises(Forbidden):
                periods.approve_reopen(closed, by=member)
        assert closed.status == "closed"
        assert periods.approve_reopen(closed, by=acme.legal).status == "open"
        event = Event.objects.of(acme.tenant).get(kind="period.reopened")
        assert (event.actor, event.reason) == (acme.legal, "an invoice is missing")

    def test_the_second_person_may_refuse(self, acme, closed):
        periods.request_reopen(closed, by=acme.finance, reason="an invoice is missing")
        periods.refuse_reopen(closed, by=acme.legal, reason="book it in February")
        assert (closed.status, closed.reopen_requested_by_id) == ("closed", None)


def rows(tenant) -> int:
    return ArEntry.objects.of(tenant).count() + CreditEntry.objects.of(tenant).count()


@pytest.mark.django_db
class TestPostings:
    def test_the_lead_posts_into_a_soft_closed_month_with_a_reason(self, acme, ledger, receive, soft, lead):
        assert code_of(receive, "100.00", received_on=INSIDE) == "PERIOD_CLOSED"
        with pytest.raises(Forbidden), periods.posting_late(by=acme.finance, reason="found late"):
            receive("100.00", received_on=INSIDE)
        with periods.posting_late(by=lead, reason="found late"):
            receive("100.00", received_on=INSIDE, automatic=False)
        event = Event.objects.of(acme.tenant).get(kind="period.posted_late")
        assert (event.reason, event.actor, event.data) == ("found late", lead, {"day": "2024-01-20"})
        assert code_of(receive, "100.00", received_on=INSIDE) == "PERIOD_CLOSED"

    def test_nobody_posts_into_a_closed_month(self, acme, ledger, receive, closed, lead):
        with periods.posting_late(by=lead, reason="found late"):
            assert code_of(receive, "100.00", received_on=INSIDE) == "PERIOD_CLOSED"

    def test_another_entity_is_not_touched(self, acme, ledger, closed):
        from crm.core.entities.models import LegalEntity

        other = records.create(LegalEntity, by=acme.admin, name="Other", code="OT")
        periods.require_open(other, INSIDE)
        periods.require_open(ledger.entity, FEBRUARY)
        assert code_of(periods.require_open, ledger.entity, INSIDE) == "PERIOD_CLOSED"

    def test_invr9_no_act_leaves_a_row_in_a_closed_month(self, acme, ledger, receive):
        """Every act that posts, done on a day whose month is closed: refused, and no row of either ledger."""
        second, third = hire(acme, "Second", "legal"), hire(acme, "Third", "finance")
        receipt = receive("20000.00", automatic=False)
        [used] = allocation.allocate(receipt, {ledger.A.pk: D("10.00")}, by=acme.finance)
        asked = {"by": acme.rep, "amount": D("1.00"), "reason": "r", "payee_account": "1"}
        waiting = refunds.request_refund(receipt, **asked)
        granted = approve(refunds.request_refund(receipt, **asked), third, acme.legal)
        loss = write_offs.request_write_off(ledger.C, by=acme.finance, amount=D("5.00"), reason="r")
        acts = {
            "post": lambda: receive("1.00", received_on=acme.tenant.today(), automatic=False),
            "allocate": lambda: allocation.allocate(receipt, {ledger.A.pk: D("1.00")}, by=acme.finance),
            "unallocate": lambda: allocation.unallocate(used, by=acme.finance),
            "automatic": lambda: allocation.allocate_automatically(receipt, by=acme.finance),
            "reverse": lambda: receipts.reverse_receipt(idle, by=acme.finance, reason="r"),
            "request": lambda: refunds.request_refund(receipt, **asked),
            "reject": lambda: refunds.dropped(waiting, by=third, status="rejected"),
            "pay": lambda: refunds.pay_refund(granted, by=acme.finance, payment_ref="1", paid_on=acme.tenant.today()),
            "write off": lambda: write_offs.approved(loss, by=second),
        }  # fmt: skip
        idle = receive("7.00", automatic=False)
        approve(loss, acme.legal)
        month = acme.tenant.today().replace(day=1)
        records.create(Period, by=acme.finance, legal_entity=ledger.entity, month=month, status="closed")
        before = rows(acme.tenant)
        assert {name: code_of(act) for name, act in acts.items()} == dict.fromkeys(acts, "PERIOD_CLOSED")
        assert rows(acme.tenant) == before


@pytest.fixture
def world(transactional_db):
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        return cast, make_ledger(cast)


def beside(*acts) -> list:
    """Each act in a thread and transaction of its own; what it returned, or the code of its refusal."""
    results: list = [None] * len(acts)

    def run(place, cast, act):
        try:
            with enter(cast.tenant), transaction.atomic():
                results[place] = act()
        except Refused as refused:
            results[place] = refused.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, *pair)) for place, pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


def race(world) -> tuple[bool, str | None]:
    """A posting that has looked at its month while the month closes, and one that comes while the close is not
    committed: (whether the month closed under the first, what became of the second).
    """
    cast, ledger = world
    looked, closed, closing = threading.Event(), threading.Event(), threading.Event()

    def post():
        periods.require_open(ledger.entity, INSIDE)
        looked.set()
        return closed.wait(1.5)

    def soft_close():
        looked.wait(10)
        periods.soft_close(ledger.entity, JANUARY, by=cast.finance)
        closed.set()
        closing.set()
        threading.Event().wait(0.7)

    def post_after():
        closing.wait(10)
        periods.require_open(ledger.entity, INSIDE)
        return "posted"

    first, _, second = beside((cast, post), (cast, soft_close), (cast, post_after))
    return first, second


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
class TestRace:
    def test_invr9_a_month_never_closes_under_a_posting(self, world):
        assert race(world) == (False, "PERIOD_CLOSED")

    def test_control_without_the_lock_it_does(self, world, monkeypatch):
        monkeypatch.setattr(periods, "_hold", lambda *args, **how: None)
        assert race(world) == (True, "posted")


@pytest.mark.django_db
def test_a_month_ends_at_the_company_s_midnight(acme, ledger):
    with time_machine.travel("2024-01-31T15:59:00Z"):
        assert code_of(periods.soft_close, ledger.entity, JANUARY, by=acme.finance) == "MONTH_NOT_OVER"
    with time_machine.travel("2024-01-31T16:01:00Z"):
        assert periods.soft_close(ledger.entity, JANUARY, by=acme.finance).status == "soft_closed"
