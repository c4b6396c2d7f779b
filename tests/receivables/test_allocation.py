"""Allocation, its reversal and refunds: worked cases to the cent (WC-05, WC-06, WC-10, INV-R2 to R6, R9, R17)."""

from datetime import date
from decimal import Decimal as D

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.core import records
from crm.core.errors import Forbidden, Refused
from receivables.actions import allocation, receipts, refunds
from receivables.models import Allocation, ArEntry, CreditEntry, Period, Receipt, Receivable, Refund

pytestmark = pytest.mark.django_db


def allocated(receipt) -> dict[str, D]:
    rows = Allocation.objects.of(receipt.tenant_id).filter(receipt=receipt).values_list("receivable__number")
    return dict(rows.annotate(sum=Sum("amount")))


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


@pytest.mark.parametrize(
    ("amount", "reference", "expected", "left"),
    [
        ("75000.00", None, {"D": "12345.67", "A": "30000.00", "B": "30000.00", "C": "2654.33"}, "0.00"),
        ("50000.00", None, {"C": "50000.00"}, "0.00"),
        ("30000.00", None, {"A": "30000.00"}, "0.00"),
        ("130000.00", None, {"D": "12345.67", "A": "30000.00", "B": "30000.00", "C": "50000.00"}, "7654.33"),
        ("40000.00", 1, {"C": "40000.00"}, "0.00"),
        ("60000.00", 1, {"C": "50000.00"}, "10000.00"),
    ],
)
def test_wc05_automatic_allocation(ledger, receive, amount, reference, expected, left):
    contract = ledger.contracts[reference] if reference is not None else None
    receipt = receive(amount, contract=contract)
    assert allocated(receipt) == {name: D(sum) for name, sum in expected.items()}
    assert receipt.unallocated == D(left)
    for name, sum in expected.items():
        receivable = Receivable.objects.of(receipt.tenant_id).get(number=name)
        assert receivable.allocated == D(sum)
        assert receivable.balance == receivable.original - D(sum)


def test_disputed_receivables_are_left_alone(acme, ledger, receive):
    records.update(ledger.D, by=acme.rep, disputed=True)
    assert "D" not in allocated(receive("75000.00"))


def test_wc06_unallocation_in_a_later_period(acme, ledger, receive):
    receipt = receive("50000.00", automatic=False)
    [row] = allocation.allocate(receipt, {ledger.C.pk: D("50000.00")}, by=acme.finance, effective=date(2024, 1, 20))
    january = records.create(
        Period, by=acme.finance, legal_entity=ledger.entity, month=date(2024, 1, 1), status="closed"
    )
    assert january.status == "closed"
    with time_machine.travel("2024-02-10T04:00:00Z"):
        back = allocation.unallocate(row, D("20000.00"), by=acme.finance)
        assert (back.amount, back.effective_date, back.reverses_id) == (D("-20000.00"), date(2024, 2, 10), row.pk)
        receipt.refresh_from_db()
        ledger.C.refresh_from_db()
        assert (ledger.C.allocated, receipt.unallocated) == (D("30000.00"), D("20000.00"))
        entries = ArEntry.objects.of(acme.tenant).filter(receivable=ledger.C)
        as_of_january = entries.filter(effective_date__lte=date(2024, 1, 31)).exclude(type="OPEN")
        assert as_of_january.aggregate(sum=Sum("amount"))["sum"] == D("-50000.00")
        assert code_of(allocation.unallocate, row, D("40000.00"), by=acme.finance) == "REVERSAL_TOO_LARGE"
        assert code_of(allocation.unallocate, back, by=acme.finance) == "IS_REVERSAL"
        closed = {"by": acme.finance, "effective": date(2024, 1, 25)}
        assert code_of(allocation.allocate, receipt, {ledger.A.pk: D("1.00")}, **closed) == "PERIOD_CLOSED"


def test_more_than_there_is_cannot_be_allocated(acme, ledger, receive):
    receipt = receive("100.00", automatic=False)
    assert (
        code_of(allocation.allocate, receipt, {ledger.A.pk: D("100.01")}, by=acme.finance) == "INSUFFICIENT_UNALLOCATED"
    )
    big = receive("99999.00", automatic=False)
    assert code_of(allocation.allocate, big, {ledger.A.pk: D("30000.01")}, by=acme.finance) == "INSUFFICIENT_BALANCE"


def test_only_finance_allocates(acme, ledger, receive):
    receipt = receive("100.00", automatic=False)
    for member in (acme.rep, acme.manager, acme.admin, acme.legal):
        with pytest.raises(Forbidden):
            allocation.allocate(receipt, {ledger.A.pk: D("1.00")}, by=member)


def test_money_of_another_customer_does_not_fit(acme, ledger, receive):
    from accounts.actions import create_account

    stranger = create_account(by=acme.rep, name="Somebody else")
    receipt = receive("100.00", automatic=False, account=stranger)
    assert code_of(allocation.allocate, receipt, {ledger.A.pk: D("1.00")}, by=acme.finance) == "MISMATCH"


def test_the_ledgers_cannot_be_changed(ledger, receive):
    receive("75000.00")
    for table in ("receivables_arentry", "receivables_creditentry", "receivables_allocation"):
        for sql in (f"UPDATE {table} SET amount = 1", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(sql)


def test_the_database_guards_the_sums(ledger, receive):
    receipt = receive("100.00", automatic=False)
    for model, pk, column in ((Receipt, receipt.pk, "allocated"), (Receivable, ledger.A.pk, "allocated")):
        with pytest.raises(IntegrityError), transaction.atomic():
            model._base_manager.filter(pk=pk).update(**{column: D("99999999.00")})


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["receive", "allocate", "unallocate", "refund", "drop", "reverse"]), st.integers(1, 4_000_000)
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_caches_equal_the_ledger_whatever_happens(acme, ledger, receive, steps):
    """INV-R3, R4, R11: after any sequence, refused steps included."""
    with transaction.atomic():
        for kind, cents in steps:
            try:
                with transaction.atomic():
                    _step(kind, D(cents) / 100, acme, ledger, receive)
            except Refused:
                pass
        _verify(acme.tenant)
        transaction.set_rollback(True)


def _step(kind, amount, acme, ledger, receive):
    receipt = Receipt.objects.of(acme.tenant).order_by("-pk").first()
    if kind == "receive" or receipt is None:
        receive(f"{amount:.2f}", automatic=amount > 20000)
    elif kind == "allocate":
        allocation.allocate(receipt, {ledger.B.pk: amount, ledger.C.pk: D("0.01")}, by=acme.finance)
    elif kind == "unallocate":
        row = Allocation.objects.of(acme.tenant).filter(amount__gt=0).order_by("-pk").first()
        if row:
            allocation.unallocate(row, min(amount, row.amount), by=acme.finance)
    elif kind == "reverse":
        receipts.reverse_receipt(receipt, by=acme.finance, reason="r", release=True)
    elif kind == "refund":
        refunds.request_refund(receipt, by=acme.rep, amount=amount, reason="r", payee_account="x")
    elif refund := Refund.objects.of(acme.tenant).filter(status="requested").first():
        refunds.cancel_refund(refund, by=acme.rep, reason="no")


def _verify(tenant) -> None:
    for receivable in Receivable.objects.of(tenant):
        entries = ArEntry.objects.of(tenant).filter(receivable=receivable).aggregate(sum=Sum("amount"))["sum"]
        assert receivable.balance == entries
    for receipt in Receipt.objects.of(tenant):
        entries = CreditEntry.objects.of(tenant).filter(receipt=receipt).aggregate(sum=Sum("amount"))["sum"]
        assert (0 if receipt.status == "reversed" else receipt.unallocated) == entries
        assert receipt.amount == receipt.allocated + receipt.reserved + receipt.refunded + receipt.unallocated
