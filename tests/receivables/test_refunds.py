"""Refunds: reserve, separation of duties, one payment (WC-10, INV-C4, INV-R3, INV-R17)."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.errors import Forbidden, Refused, ValidationError
from receivables.actions import allocation, receipts, refunds
from receivables.models import BankAccount, BankLine, CreditEntry, Incoming, Refund, StatementFile

from .people import approve, hire, open_tasks, task_of

pytestmark = pytest.mark.django_db
PAID = {"payment_ref": "B1", "paid_on": date(2024, 2, 1)}


@pytest.fixture
def second(acme):
    return hire(acme, "Second", "finance")


@pytest.fixture
def third(acme):
    return hire(acme, "Third", "finance")


@pytest.fixture
def line(acme, ledger):
    """A bank line of 60,000.00 from the customer's account 6222."""
    account = records.create(BankAccount, by=acme.finance, legal_entity=ledger.entity, name="ICBC", number="1")
    statement = records.create(StatementFile, by=acme.finance, bank_account=account, name="f", sha256="0" * 64)
    row = BankLine(
        tenant=acme.tenant, bank_account=account, statement=statement, row_key="1", day=date(2024, 1, 20),
        credit=D("60000.00"), counterparty_account="6222 0001",
    )  # fmt: skip
    records.append([row])
    records.create(Incoming, by=acme.finance, line=row, bank_account=account, day=row.day, amount=row.credit)
    return row


@pytest.fixture
def receipt(ledger, receive, line):
    """60,000.00 for contract C2 of 50,000.00: 10,000.00 are left (WC-08 row 4 has 6,000.00 left of 60,000.00)."""
    return receive("60000.00", contract=ledger.contracts[1], bank_line=line)


def ask(receipt, by, amount="6000.00", account="6222-0001"):
    refund = refunds.request_refund(receipt, by=by, amount=D(amount), reason="waived", payee_account=account)
    receipt.refresh_from_db()
    return refund


def state(receipt):
    receipt.refresh_from_db()
    entries = CreditEntry.objects.of(receipt.tenant_id).filter(receipt=receipt).aggregate(sum=Sum("amount"))["sum"]
    assert receipt.unallocated == entries
    assert receipt.amount == receipt.allocated + receipt.reserved + receipt.refunded + receipt.unallocated
    return receipt.reserved, receipt.refunded, receipt.unallocated


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


def test_wc10_reserve_reject_pay_once(acme, ledger, receive, receipt, second, third):
    ask(receipt, acme.rep, "4000.00")
    assert state(receipt) == (D("4000.00"), D(0), D("6000.00"))
    assert code_of(ask, receipt, acme.rep, "6000.01") == "INSUFFICIENT_UNALLOCATED"
    refund = ask(receipt, acme.rep)
    assert state(receipt) == (D("10000.00"), D(0), D(0))
    assert allocation.allocate_automatically(receipt, by=acme.finance) == []
    approvals.reject(task_of(refund, second), by=second, comment="not agreed")
    refund.refresh_from_db()
    assert refund.status == "rejected"
    assert state(receipt) == (D("4000.00"), D(0), D("6000.00"))

    again = approve(ask(receipt, acme.rep), second)
    assert (again.status, again.approved_by_id) == ("approved", second.pk)
    refunds.pay_refund(again, by=third, **PAID)
    assert state(receipt) == (D("4000.00"), D("6000.00"), D(0))
    assert code_of(refunds.pay_refund, again, by=third, **PAID) == "INVALID_TRANSITION"


def test_invc4_neither_who_asked_nor_who_posted_approves(acme, receipt, second, third):
    refund = ask(receipt, second)
    asked = {task.assignee_id for task in open_tasks(refund)}
    assert asked == {third.pk}
    for member in (acme.finance, second):
        with pytest.raises(Forbidden):
            refunds.approved(refund, by=member)
        assert code_of(approvals.transfer, task_of(refund, third), by=third, to=member) == "CANNOT_DECIDE"
    approve(refund, third)
    with pytest.raises(Forbidden):
        refunds.pay_refund(refund, by=third, **PAID)
    refunds.pay_refund(refund, by=second, **PAID)


def test_invc4_not_through_delegation(acme, receipt, second, third):
    from crm.core.approvals.models import Delegation

    today = acme.tenant.today()
    records.create(Delegation, by=third, principal=third, deputy=second, start=today, end=today)
    refund = ask(receipt, second)
    assert {task.assignee_id for task in open_tasks(refund)} == {third.pk}


def test_another_account_takes_one_more_approval(acme, receipt, second):
    same, other = ask(receipt, acme.rep, "1.00"), ask(receipt, acme.rep, "2.00", account="9999")
    assert (same.other_account, other.other_account) == (False, True)
    assert approve(same, second).status == "approved"
    assert approve(other, second).status == "requested"
    assert approve(other, acme.legal).status == "approved"


def test_without_a_known_account_one_must_be_named(acme, receive, receipt):
    assert refunds.request_refund(receipt, by=acme.rep, amount=D(1), reason="r").payee_account == "6222 0001"
    cash = receive("100.00", automatic=False)
    with pytest.raises(ValidationError) as error, transaction.atomic():
        refunds.request_refund(cash, by=acme.rep, amount=D("1.00"), reason="r")
    assert "payee_account" in error.value.message_dict


def test_withdrawn_and_cancelled_free_the_reserve(acme, receipt, second):
    refund = ask(receipt, acme.rep)
    refunds.cancel_refund(refund, by=acme.rep, reason="not needed")
    assert (refund.status, state(receipt)[0]) == ("cancelled", 0)
    refund = approve(ask(receipt, acme.rep), second)
    with pytest.raises(Forbidden):
        refunds.cancel_refund(refund, by=acme.rep, reason="not needed")
    refunds.cancel_refund(refund, by=acme.finance, reason="not needed")
    assert (refund.status, state(receipt)[0]) == ("cancelled", 0)


def test_invr17_one_bank_reference_pays_one_refund(acme, receipt, second, third):
    one, two = (approve(ask(receipt, acme.rep, "1.00"), second) for _ in range(2))
    refunds.pay_refund(one, by=third, **PAID)
    with pytest.raises(ValidationError), transaction.atomic():
        refunds.pay_refund(two, by=third, **PAID)
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.of(acme.tenant).filter(pk=two.pk).update(payment_ref="B1")
    with pytest.raises(ValidationError):
        refunds.pay_refund(two, by=third, payment_ref=" ", paid_on=date(2024, 2, 1))


def test_others_do_not_ask_for_the_money_of_my_customers(acme, receipt, receive):
    for member in (acme.other_rep, acme.legal, acme.presales, hire(acme, "Keeper", "admin")):
        with pytest.raises(Forbidden):
            ask(receipt, member)
    unknown = receive("5.00", account=None, automatic=False)
    with pytest.raises(Forbidden):
        ask(unknown, acme.rep, "1.00")
    ask(unknown, acme.finance, "1.00")


def test_nothing_of_a_reversed_receipt_is_given_back(acme, receive):
    bounced = receipts.reverse_receipt(receive("100.00", automatic=False), by=acme.finance, reason="bounced")
    assert code_of(ask, bounced, acme.finance, "1.00") == "NOT_POSTED"
