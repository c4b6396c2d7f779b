"""Separation of duties as a table: every money act × role × the same person (domain.md 9, INV-C4).

A row says which roles may do an act at all; then which person may not, whatever his role.
"""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction

from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.approvals.models import Delegation
from crm.core.errors import Forbidden, Refused
from crm.core.people.roles import Role
from receivables.actions import allocation, credit, periods, plans, provisions, receipts, refunds, write_offs

from .people import approve, hire, open_tasks, task_of

pytestmark = pytest.mark.django_db
TODAY = date(2024, 2, 1)


@pytest.fixture
def desk(acme, ledger, receive):
    """One of everything that can be acted upon, and one person of each role who has had no part in it."""
    from types import SimpleNamespace

    poster, asker, approver = (hire(acme, name, "finance") for name in ("Poster", "Asker", "Approver"))
    with transaction.atomic():
        receipt = receipts.post_receipt(
            by=poster, legal_entity=ledger.entity, amount=D("9000.00"), received_on=date(2024, 1, 20),
            automatic=False, account=ledger.account,
        )  # fmt: skip
    [used] = allocation.allocate(receipt, {ledger.B.pk: D("10.00")}, by=poster)
    refund = refunds.request_refund(receipt, by=asker, amount=D("1.00"), reason="r", payee_account="1")
    people = {role: hire(acme, f"Pure {role}", role) for role in Role.values}
    # Sales act for their own customers: the cast's rep owns this one, the manager leads him.
    people |= {"rep": acme.rep, "manager": acme.manager}
    return SimpleNamespace(
        cast=acme, ledger=ledger, receipt=receipt, used=used, refund=refund, poster=poster, asker=asker, people=people,
        approver=approver,
    )  # fmt: skip


def granted(desk):
    """A refund that two others approved."""
    return approve(desk.refund, desk.approver, desk.cast.legal)


def lost(desk):
    write_off = write_offs.request_write_off(desk.ledger.C, by=desk.asker, amount=D("5.00"), reason="r")
    approve(write_off, desk.cast.legal)
    second = hire(desk.cast, "Second legal", "legal")
    approvals.assign(open_tasks(write_off)[0], by=desk.cast.admin, to=second)
    return approve(write_off, second)


def shut(desk, *, asked: bool = False):
    month = date(2024, 3, 1)
    periods.soft_close(desk.ledger.entity, month, by=desk.asker)
    period = periods.close(desk.ledger.entity, month, by=desk.asker)
    return periods.request_reopen(period, by=desk.asker, reason="r") if asked else period


RATES = {"B": [D("0.1")] * 5}
REFUND = {"amount": D("1.00"), "reason": "r", "payee_account": "1"}
# Act: (what is done, by whom at all). Everybody else is refused.
ACTS = {
    "post a receipt": (lambda d, by: receipts.post_receipt(
        by=by, legal_entity=d.ledger.entity, amount=D(1), received_on=TODAY, account=d.ledger.account), {"finance"}),
    "allocate": (lambda d, by: allocation.allocate(d.receipt, {d.ledger.A.pk: D(1)}, by=by), {"finance"}),
    "un-allocate": (lambda d, by: allocation.unallocate(d.used, by=by), {"finance"}),
    "reverse a receipt": (lambda d, by: receipts.reverse_receipt(d.receipt, by=by, reason="r"), {"finance"}),
    "draft a plan": (lambda d, by: plans.draft_plan(
        d.ledger.contracts[0], by=by, mode="equal", lines=[{"trigger": "date", "date": "2024-05-01"}]),
        {"rep", "manager", "finance"}),
    "ask for a refund": (lambda d, by: refunds.request_refund(d.receipt, by=by, **REFUND),
                         {"rep", "manager", "finance"}),
    "pay a refund": (lambda d, by: refunds.pay_refund(granted(d), by=by, payment_ref="1", paid_on=TODAY), {"finance"}),
    "cancel an approved refund": (lambda d, by: refunds.cancel_refund(granted(d), by=by, reason="r"), {"finance"}),
    "ask for a write-off": (lambda d, by: write_offs.request_write_off(
        d.ledger.C, by=by, amount=D("1.00"), reason="r"), {"finance"}),
    "recover": (lambda d, by: write_offs.recover(lost(d), d.receipt, by=by, amount=D("1.00")), {"finance"}),
    "soft-close a month": (lambda d, by: periods.soft_close(d.ledger.entity, date(2024, 3, 1), by=by), {"finance"}),
    "ask to open a month": (lambda d, by: periods.request_reopen(shut(d), by=by, reason="r"), {"finance"}),
    "agree to open a month": (lambda d, by: periods.approve_reopen(shut(d, asked=True), by=by), {"legal", "admin"}),
    "enter provision rates": (lambda d, by: provisions.set_matrix(
        d.ledger.entity, by=by, valid_from=TODAY, rates=RATES), {"finance"}),
    "judge on its own": (lambda d, by: provisions.assess(
        d.ledger.C, by=by, valid_from=TODAY, rate=D("0.5"), reason="r"), {"finance"}),
    "set a credit class": (lambda d, by: credit.set_credit(d.ledger.account, by=by, letter="A"), {"finance"}),
    "move the buckets": (lambda d, by: credit.set_bounds([0, 30], by=by), {"finance"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_who_may_do_a_money_act(desk, name):
    act, allowed = ACTS[name]
    passed = set()
    for role, member in desk.people.items():
        try:
            with transaction.atomic():
                act(desk, member)
                passed.add(role)
                transaction.set_rollback(True)
        except Forbidden:
            continue
        except Refused as refused:
            if name != "reverse a receipt" or refused.code != "RECEIPT_IN_USE":
                raise
            passed.add(role)
    assert passed == allowed


def approve_as(desk, member):
    """Every way in which a member could decide the refund: named, handed over, deputised, or directly."""
    task = task_of(desk.refund, desk.approver)
    today = desk.cast.tenant.today()
    ways = {
        "decide": lambda: approvals.approve(task, by=member),
        "be handed it": lambda: approvals.transfer(task, by=desk.approver, to=member),
        "be added": lambda: approvals.add_approver(task, by=desk.approver, member=member, where="before"),
        "be assigned": lambda: approvals.assign(task, by=desk.cast.admin, to=member),
        "approve directly": lambda: refunds.approved(desk.refund, by=member),
    }
    records.create(Delegation, by=desk.approver, principal=desk.approver, deputy=member, start=today, end=today)
    return ways


@pytest.mark.parametrize("who", ["poster", "asker"])
def test_neither_who_posted_nor_who_asked_approves_a_refund(desk, who):
    member = getattr(desk, who)
    ways = approve_as(desk, member)
    for name, way in ways.items():
        with pytest.raises(Refused), transaction.atomic():
            way()
            pytest.fail(name)
    assert member.pk not in {task.assignee_id for task in open_tasks(desk.refund)}
    desk.refund.refresh_from_db()
    assert desk.refund.status == "requested"


def test_no_approver_pays(desk):
    """Neither the first approver, nor the last, who is of finance and legal both."""
    both = hire(desk.cast, "Both", "finance", "legal")
    refund = approve(desk.refund, desk.approver, both)
    for member in (desk.approver, both):
        with pytest.raises(Forbidden), transaction.atomic():
            refunds.pay_refund(refund, by=member, payment_ref="1", paid_on=TODAY)
    assert refunds.pay_refund(refund, by=desk.poster, payment_ref="1", paid_on=TODAY).status == "paid"


def test_an_administrator_has_no_say_in_money(desk):
    """He chooses who decides a stuck request, and is never asked himself."""
    keeper = hire(desk.cast, "Keeper", "admin")
    with pytest.raises(Refused):
        approvals.transfer(task_of(desk.refund, desk.approver), by=desk.approver, to=keeper)


def test_who_asks_does_not_open_the_month(desk):
    both = hire(desk.cast, "Both", "finance", "legal")
    period = periods.request_reopen(shut(desk), by=both, reason="r")
    with pytest.raises(Forbidden):
        periods.approve_reopen(period, by=both)
    assert periods.approve_reopen(period, by=desk.cast.legal).status == "open"
