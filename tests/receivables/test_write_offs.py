"""Bad debt: two persons approve, the contract stays, what comes in later reverses it first (INV-R16)."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from crm.core.approvals import actions as approvals
from crm.core.errors import Forbidden, Refused
from receivables.actions import write_offs
from receivables.models import Adjustment, ArEntry, Receivable, WriteOff

from .people import approve, hire, open_tasks, task_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(acme):
    return hire(acme, "Second", "legal")


def ask(acme, receivable, amount="20000.00", by=None):
    return write_offs.request_write_off(
        receivable, by=by or acme.finance, amount=D(amount), reason="The customer is insolvent"
    )


def written(acme, receivable, second, amount="20000.00") -> WriteOff:
    write_off = approve(ask(acme, receivable, amount), acme.legal)
    [task] = open_tasks(write_off)
    approvals.assign(task, by=acme.admin, to=second)
    return approve(write_off, second)


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


def entries(receivable) -> dict:
    rows = ArEntry.objects.of(receivable.tenant_id).filter(receivable=receivable).values_list("type")
    return dict(rows.annotate(sum=Sum("amount")))


def test_invr16_a_write_off_leaves_contract_and_adjustments_alone(acme, ledger, second):
    write_off = written(acme, ledger.C, second)
    ledger.C.refresh_from_db()
    ledger.contracts[1].refresh_from_db()
    assert (write_off.status, write_off.effective_date) == ("approved", acme.tenant.today())
    assert (ledger.C.adjusted, ledger.C.written_off, ledger.C.balance) == (0, D("20000.00"), D("30000.00"))
    assert ledger.contracts[1].effective_amount == D("50000.00")
    assert entries(ledger.C) == {"OPEN": D("50000.00"), "WRITE_OFF": D("-20000.00")}
    assert not Adjustment.objects.of(acme.tenant).exists()


def test_two_persons_approve_and_neither_asked(acme, ledger, second):
    write_off = ask(acme, ledger.C)
    with pytest.raises(Forbidden):
        write_offs.approved(write_off, by=acme.finance)
    assert code_of(write_offs.approved, write_off, by=acme.legal) == "TWO_PERSONS"
    approve(write_off, acme.legal)
    [task] = open_tasks(write_off)
    assert code_of(approvals.assign, task, by=acme.admin, to=acme.finance) == "CANNOT_DECIDE"
    assert write_off.status == "in_approval"
    approvals.assign(task, by=acme.admin, to=acme.legal)
    assert code_of(approvals.approve, task_of(write_off, acme.legal), by=acme.legal) == "TWO_PERSONS"
    ledger.C.refresh_from_db()
    assert ledger.C.written_off == 0


def test_only_finance_asks_and_not_for_more_than_is_open(acme, ledger):
    for member in (acme.rep, acme.manager, acme.legal, acme.admin):
        with pytest.raises(Forbidden):
            ask(acme, ledger.C, by=member)
    ask(acme, ledger.C, "30000.00")
    assert code_of(ask, acme, ledger.C, "20000.01") == "INSUFFICIENT_BALANCE"
    ask(acme, ledger.C, "20000.00")


def test_what_was_paid_meanwhile_is_not_written_off(acme, ledger, receive, second):
    write_off = approve(ask(acme, ledger.C, "50000.00"), acme.legal)
    receive("100.00", contract=ledger.contracts[1])
    [task] = open_tasks(write_off)
    approvals.assign(task, by=acme.admin, to=second)
    assert code_of(approvals.approve, task_of(write_off, second), by=second) == "INSUFFICIENT_BALANCE"


def test_a_rejected_write_off_books_nothing(acme, ledger):
    write_off = ask(acme, ledger.C)
    approvals.reject(task_of(write_off, acme.legal), by=acme.legal, comment="sue them")
    write_off.refresh_from_db()
    assert write_off.status == "rejected"
    assert entries(ledger.C) == {"OPEN": D("50000.00")}


def test_a_recovery_reverses_first_and_never_more(acme, ledger, receive, second):
    write_off = written(acme, ledger.C, second)
    receipt = receive("25000.00", automatic=False, received_on=date(2024, 6, 1))
    row = write_offs.recover(write_off, receipt, by=acme.finance, amount=D("15000.00"))
    ledger.C.refresh_from_db()
    assert (row.amount, write_off.recovered) == (D("15000.00"), D("15000.00"))
    assert (ledger.C.written_off, ledger.C.allocated, ledger.C.balance) == (
        D("5000.00"), D("15000.00"), D("30000.00"),
    )  # fmt: skip
    assert entries(ledger.C) == {
        "OPEN": D("50000.00"), "WRITE_OFF": D("-20000.00"), "RECOVER": D("15000.00"), "ALLOCATE": D("-15000.00"),
    }  # fmt: skip
    back = ArEntry.objects.of(acme.tenant).get(type="RECOVER")
    assert back.reverses == ArEntry.objects.of(acme.tenant).get(type="WRITE_OFF")
    assert code_of(write_offs.recover, write_off, receipt, by=acme.finance, amount=D("5000.01")) == "RECOVERY_TOO_LARGE"
    with pytest.raises(IntegrityError), transaction.atomic():
        WriteOff.objects.of(acme.tenant).filter(pk=write_off.pk).update(recovered=D("20000.01"))
    with pytest.raises(Forbidden):
        write_offs.recover(write_off, receipt, by=acme.rep, amount=D("1.00"))
    assert Receivable.objects.of(acme.tenant).get(pk=ledger.C.pk).balance == sum(entries(ledger.C).values())
