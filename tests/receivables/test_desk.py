"""The reconcile desk: accept, split, part, on account, undo, put aside (experience.md 2.6)."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction

from crm.core import records
from crm.core.errors import Forbidden, Refused, ValidationError
from receivables.actions import allocation, desk, payers
from receivables.actions.advances import apply_advances
from receivables.actions.receipts import post_receipt, reverse_receipt
from receivables.models import Adjustment, Allocation, ArEntry, CreditEntry, Incoming, PayerAlias, Receipt, Receivable

from .desk import make_bank, make_line, make_lines, open_one, used

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(acme, ledger):
    return make_bank(acme, ledger.entity)


@pytest.fixture
def accept(acme, ledger):
    def act(lines, shares, **values):
        lines = lines if isinstance(lines, list) else [lines]
        ids = {getattr(ledger, name).pk: D(amount) for name, amount in shares.items()}
        return desk.accept(lines, by=acme.finance, account=values.pop("account", ledger.account), shares=ids, **values)

    return act


def left(line) -> D:
    return Incoming.objects.of(line.tenant_id).get(line=line).left


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


def test_one_line_to_several_receivables_and_the_rest_on_account(acme, ledger, bank, accept):
    line = make_line(acme, bank, "70000.00", "Buyer", "6217")
    [receipt] = accept(line, {"A": "30000", "C": "35000"})
    assert used(receipt) == {"A": D("30000.00"), "C": D("35000.00")}
    assert (receipt.unallocated, left(line), receipt.received_on) == (D("5000.00"), 0, line.day)
    assert code_of(accept, line, {}) == "LINE_CHANGED"


def test_several_lines_to_one_receivable(acme, ledger, bank, accept):
    lines = make_lines(acme, bank, [("20000.00", "Buyer", "", ""), ("30000.00", "Buyer", "", "")])
    receipts = accept(lines, {"C": "50000"})
    assert [used(receipt) for receipt in receipts] == [{"C": D("20000.00")}, {"C": D("30000.00")}]
    assert Receivable.objects.of(acme.tenant).get(pk=ledger.C.pk).balance == 0


def test_a_line_is_split_between_customers(acme, ledger, bank, accept):
    from accounts.actions import create_account

    line = make_line(acme, bank, "100.00", "Buyer")
    other = create_account(by=acme.rep, name="Other")
    accept(line, {"A": "60"}, amount=D("60.00"))
    assert left(line) == D("40.00")
    assert code_of(accept, line, {}, account=other) == "THIRD_PARTY_PAYER"
    [receipt] = accept(line, {}, account=other, approve_payer=True)
    assert (receipt.amount, receipt.unallocated, left(line)) == (D("40.00"), D("40.00"), 0)


def test_what_cannot_be(acme, ledger, bank, accept):
    line = make_line(acme, bank, "100.00", "Buyer")
    with pytest.raises(ValidationError):
        accept(line, {"A": "100.01"})
    with pytest.raises(ValidationError):
        accept(line, {}, amount=D("100.01"))
    assert code_of(accept, line, {}, seen=D("99.00")) == "LINE_CHANGED"
    assert (left(line), Receipt.objects.of(acme.tenant).count()) == (D("100.00"), 0)
    for member in (acme.rep, acme.manager, acme.admin, acme.legal):
        with pytest.raises(Forbidden):
            desk.accept([line], by=member, account=ledger.account, shares={})


def test_a_payer_is_learned_and_unlearned_by_undo(acme, ledger, bank, accept):
    line = make_line(acme, bank, "100.00", "Buyer", "62170001")
    [receipt] = accept(line, {"A": "100"})
    alias = PayerAlias.objects.of(acme.tenant).get()
    assert (alias.number, alias.times, alias.is_third_party) == ("62170001", 1, False)
    desk.undo(receipt, by=acme.finance)
    alias.refresh_from_db()
    assert alias.times == 0


def test_undo_reverses_and_deletes_nothing(acme, ledger, bank, accept):
    line = make_line(acme, bank, "45000.00", "Buyer")
    [receipt] = accept(line, {"A": "30000", "B": "15000"})
    rows = Allocation.objects.of(acme.tenant).count()
    desk.undo(receipt, by=acme.finance)
    receipt.refresh_from_db()
    assert (receipt.status, receipt.allocated, used(receipt), left(line)) == ("reversed", 0, {}, D("45000.00"))
    assert Allocation.objects.of(acme.tenant).count() == 2 * rows
    for model, whose in ((ArEntry, {"receivable": ledger.A}), (CreditEntry, {"receipt": receipt})):
        amounts = model.objects.of(acme.tenant).filter(**whose).exclude(type="OPEN").values_list("amount", flat=True)
        assert sum(amounts) == 0
    [again] = accept(line, {"A": "30000"})
    assert again.unallocated == D("15000.00")


def test_a_used_receipt_is_reversed_only_with_its_allocations(acme, ledger, receive):
    receipt = receive("75000.00")
    assert code_of(reverse_receipt, receipt, by=acme.finance, reason="bounced") == "RECEIPT_IN_USE"
    reverse_receipt(receipt, by=acme.finance, reason="bounced", release=True)
    assert (receipt.status, used(receipt)) == ("reversed", {})
    open_ = Receivable.objects.of(acme.tenant).filter(account=ledger.account)
    assert sum(one.balance for one in open_) == D("122345.67")


def test_a_small_difference_is_dropped_within_the_tolerance_only(acme, ledger, bank, accept):
    assert desk.drop(ledger.A, by=acme.finance) is None
    desk.change_rules(by=acme.finance, small_difference=D("0.05"))
    line = make_line(acme, bank, "29999.98", "Buyer")
    accept(line, {"A": "29999.98"}, drop_difference=True)
    [row] = Adjustment.objects.of(acme.tenant)
    assert (row.amount, row.is_rounding, row.receivable_id) == (D("-0.02"), True, ledger.A.pk)
    ledger.A.refresh_from_db()
    assert (ledger.A.balance, ledger.A.adjusted) == (0, D("-0.02"))
    accept(make_line(acme, bank, "29999.94", "Buyer"), {"B": "29999.94"}, drop_difference=True)
    ledger.B.refresh_from_db()
    assert ledger.B.balance == D("0.06")


def test_lines_no_customer_paid_are_put_aside(acme, bank):
    line = make_line(acme, bank, "3.21", "Interest")
    desk.set_aside([line], by=acme.finance, reason="interest")
    assert Incoming.objects.of(acme.tenant).get(line=line).set_aside
    desk.take_back(line, by=acme.finance)
    assert not Incoming.objects.of(acme.tenant).get(line=line).set_aside


def test_third_party_money_may_pay_for_a_customer_once_approved(acme, ledger):
    from accounts.actions import create_account

    other = create_account(by=acme.rep, name="Parent")
    receipt = post_receipt(by=acme.finance, legal_entity=ledger.entity, amount=D("10.00"), account=other,
                           received_on=date(2024, 1, 20), payer="Parent Holding", automatic=False)  # fmt: skip
    assert code_of(allocation.allocate, receipt, {ledger.A.pk: D("1.00")}, by=acme.finance) == "MISMATCH"
    with pytest.raises(Forbidden):
        payers.approve_payer(ledger.account, "Parent Holding", by=acme.rep)
    payers.approve_payer(ledger.account, "Parent  holding", by=acme.finance)
    assert allocation.allocate(receipt, {ledger.A.pk: D("1.00")}, by=acme.finance)


def test_money_of_the_future_is_refused(acme, ledger):
    with pytest.raises(ValidationError):
        post_receipt(by=acme.finance, legal_entity=ledger.entity, amount=D(1), received_on=date(2999, 1, 1))


def test_advances_pay_receivables_opened_later_of_the_same_contract(acme, ledger, receive):
    receipt = receive("55000.00", contract=ledger.contracts[1])
    assert receipt.unallocated == D("5000.00")
    other = open_one(acme, ledger.contracts[0], "E", "100.00", None)
    assert apply_advances(acme.tenant) == 0
    later = open_one(acme, ledger.contracts[1], "F", "3000.00", None)
    assert (apply_advances(acme.tenant), apply_advances(acme.tenant)) == (1, 0)
    assert used(receipt) == {"C": D("50000.00"), "F": D("3000.00")}
    row = Allocation.objects.of(acme.tenant).get(receivable=later)
    assert row.rule == "advance"
    allocation.unallocate(row, by=acme.finance)
    assert apply_advances(acme.tenant) == 0
    desk.change_rules(by=acme.finance, advances="customer")
    assert apply_advances(acme.tenant) == 1
    other.refresh_from_db()
    assert other.balance == 0


def test_posting_and_allocating_takes_few_statements(acme, ledger, receive, django_assert_max_num_queries):
    records.update(ledger.A, by=acme.rep, disputed=False)
    with django_assert_max_num_queries(30):
        receive("75000.00")
