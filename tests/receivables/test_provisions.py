"""Provision for doubtful accounts: rates, single assessment, roll-forward, once a month (WC-13, INV-R15)."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from accounts.actions import create_account
from crm.core.approvals import actions as approvals
from crm.core.errors import Forbidden, Refused, ValidationError
from receivables.actions import credit, provisions, write_offs
from receivables.models import CreditClass, ProvisionLine, ProvisionRun, Receivable

from .people import approve, hire, open_tasks
from .test_ageing import owe

pytestmark = pytest.mark.django_db
MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)
RATES = [D("0.005"), D("0.02"), D("0.05"), D("0.10"), D("0.50")]


@pytest.fixture
def books(acme, ledger):
    """Open as of 2024-03-31 and 04-30 by bucket: what WC-13 a) needs. The rows of WC-05 are out of the way."""
    for one in (ledger.A, ledger.B, ledger.C, ledger.D):
        _forget(one)
    ages = (("500000.00", 0), ("120000.33", 30), ("80000.00", 60), ("33333.33", 90), ("20000.01", 91))
    for amount, days in ages:
        owe(acme, ledger, f"P{days}", amount, date.fromordinal(date(2024, 3, 31).toordinal() - days))
    return ledger


def _forget(receivable):
    """As if it had been opened for nothing."""
    from crm.core import records
    from receivables.models import ArEntry

    records.append([
        ArEntry(tenant_id=receivable.tenant_id, receivable=receivable, type="ADJUST", amount=-receivable.original,
                effective_date=receivable.due_date)
    ])  # fmt: skip


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


def set_rates(acme, ledger, rates=RATES, **values):
    values = {"valid_from": date(2024, 1, 1), "rates": {"B": rates}, **values}
    return provisions.set_matrix(ledger.entity, by=acme.finance, **values)


def test_wc13_a_by_class_and_bucket(acme, books):
    assert code_of(provisions.preview, books.entity, MARCH, by=acme.finance) == "RATES_MISSING"
    set_rates(acme, books)
    draft = provisions.preview(books.entity, MARCH, by=acme.finance)
    assert [(line.bucket, line.balance, line.amount) for line in draft.lines] == [
        ("current", D("500000.00"), D("2500.00")), ("1-30", D("120000.33"), D("2400.01")),
        ("31-60", D("80000.00"), D("4000.00")), ("61-90", D("33333.33"), D("3333.33")),
        ("90+", D("20000.01"), D("10000.01")),
    ]  # fmt: skip
    assert (draft.closing, draft.charge) == (D("22233.35"), D("22233.35"))
    assert not ProvisionRun.objects.of(acme.tenant).exists()


def test_wc13_d_the_bucket_is_rounded_not_its_rows(acme, ledger):
    for one in (ledger.A, ledger.B, ledger.C, ledger.D):
        _forget(one)
    for n in range(3):
        owe(acme, ledger, f"S{n}", "0.33", date(2024, 3, 1))
    set_rates(acme, ledger, [D(0), D("0.015"), D(0), D(0), D(0)])
    assert provisions.preview(ledger.entity, MARCH, by=acme.finance).closing == D("0.01")


def test_wc13_e_roll_forward(acme, books, receive):
    """Opening 20,000.00, write-off 1,500.00, recovery 200.00, need 22,233.35 → charge 3,533.35."""
    set_rates(acme, books)
    extra = owe(acme, books, "BAD", "1500.00", date(2024, 3, 15))
    opened = provisions.preview(books.entity, MARCH, by=acme.finance, opening=D("20000.00"))
    assert opened.opening == D("20000.00")
    _book_loss(acme, extra, receive)
    draft = provisions.preview(books.entity, MARCH, by=acme.finance, opening=D("20000.00"))
    assert (draft.written_off, draft.recovered) == (D("1500.00"), D("200.00"))
    # 200.00 were recovered and paid at once, 1,300.00 stay written off: nothing of it is open.
    assert (draft.closing, draft.charge) == (D("22233.35"), D("3533.35"))
    run = provisions.post_run(books.entity, MARCH, by=acme.finance, opening=D("20000.00"))
    assert run.closing == run.opening + run.charge - run.written_off + run.recovered
    lines = ProvisionLine.objects.of(acme.tenant).filter(run=run)
    assert sum(line.amount for line in lines) == run.closing
    following = provisions.preview(books.entity, APRIL, by=acme.finance, opening=D("7.00"))
    assert (following.opening, following.written_off, following.recovered) == (D("22233.35"), 0, 0)


def _book_loss(acme, receivable, receive):
    import time_machine

    second = hire(acme, "Second", "legal")
    with time_machine.travel("2024-03-20T04:00:00Z"):
        write_off = write_offs.request_write_off(receivable, by=acme.finance, amount=D("1500.00"), reason="insolvent")
        approve(write_off, acme.legal)
        [task] = open_tasks(write_off)
        approvals.assign(task, by=acme.admin, to=second)
        approve(write_off, second)
        receipt = receive("200.00", automatic=False, received_on=date(2024, 3, 20))
        write_offs.recover(write_off, receipt, by=acme.finance, amount=D("200.00"))


def test_invr15_one_posted_run_per_entity_and_month(acme, books):
    set_rates(acme, books)
    run = provisions.post_run(books.entity, MARCH, by=acme.finance)
    assert code_of(provisions.post_run, books.entity, MARCH, by=acme.finance) == "ALREADY_POSTED"
    assert code_of(provisions.post_run, books.entity, date(2024, 2, 1), by=acme.finance) == "ALREADY_POSTED"
    columns = {f.attname: getattr(run, f.attname) for f in run._meta.concrete_fields if f.name != "id"}
    with pytest.raises(IntegrityError), transaction.atomic():
        ProvisionRun._base_manager.create(**columns)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProvisionRun.objects.of(acme.tenant).filter(pk=run.pk).update(charge=run.charge + 1)
    assert provisions.post_run(books.entity, APRIL, by=acme.finance).opening == run.closing


def test_a_month_must_be_over_and_only_finance_runs(acme, books):
    set_rates(acme, books)
    this = acme.tenant.today().replace(day=1)
    assert code_of(provisions.preview, books.entity, this, by=acme.finance) == "MONTH_NOT_OVER"
    for member in (acme.rep, acme.manager, acme.legal, acme.admin):
        with pytest.raises(Forbidden):
            provisions.post_run(books.entity, MARCH, by=member)
        with pytest.raises(Forbidden):
            set_rates(SimpleCast(acme, member), books)


class SimpleCast:
    def __init__(self, acme, finance):
        self.tenant, self.finance = acme.tenant, finance


def test_what_is_judged_on_its_own_leaves_the_matrix(acme, books):
    set_rates(acme, books)
    old = Receivable.objects.of(acme.tenant).get(number="P91")
    provisions.assess(old, by=acme.finance, valid_from=date(2024, 3, 31), rate=D("1"), reason="bankrupt")
    draft = provisions.preview(books.entity, MARCH, by=acme.finance)
    assert "90+" not in {line.bucket for line in draft.lines}
    [single] = [line for line in draft.lines if line.receivable_id]
    assert (single.receivable_id, single.balance, single.amount) == (old.pk, D("20000.01"), D("20000.01"))
    assert draft.closing == D("12233.34") + D("20000.01")
    provisions.assess(old, by=acme.finance, valid_from=APRIL, rate=None, reason="paid again")
    assert not [line for line in provisions.preview(books.entity, APRIL, by=acme.finance).lines if line.receivable_id]


def test_classes_have_their_own_rates_and_no_default(acme, books):
    other = create_account(by=acme.rep, name="Weak payer")
    credit.set_credit(other, by=acme.finance, letter="D", limit=D("10.00"), days=10)
    from crm.core import records

    records.update(Receivable.objects.of(acme.tenant).get(number="P0"), by=acme.system, account=other)
    set_rates(acme, books)
    assert code_of(provisions.preview, books.entity, MARCH, by=acme.finance) == "RATES_MISSING"
    both = {"B": RATES, "D": [D("0.1")] * 5}
    provisions.set_matrix(books.entity, by=acme.finance, valid_from=date(2024, 2, 1), rates=both)
    lines = provisions.preview(books.entity, MARCH, by=acme.finance).lines
    assert {(line.credit_class, line.bucket): line.amount for line in lines}["D", "current"] == D("50000.00")


def test_rates_are_those_in_force(acme, books):
    set_rates(acme, books)
    set_rates(acme, books, [D("0.01")] * 5, valid_from=APRIL)
    assert provisions.preview(books.entity, MARCH, by=acme.finance).closing == D("22233.35")
    assert provisions.preview(books.entity, APRIL, by=acme.finance).closing == D("7533.33")


@pytest.mark.parametrize(
    "rates", [{}, {"E": RATES}, {"B": RATES[:4]}, {"B": [*RATES[:4], D("1.01")]}, {"B": [*RATES[:4], D("-0.1")]}]
)
def test_broken_rates_are_refused(acme, ledger, rates):
    with pytest.raises(ValidationError):
        provisions.set_matrix(ledger.entity, by=acme.finance, valid_from=MARCH, rates=rates)


def test_rates_keep_the_buckets_they_were_made_for(acme, books):
    set_rates(acme, books)
    credit.set_bounds([0, 60], by=acme.finance)
    assert provisions.preview(books.entity, MARCH, by=acme.finance).closing == D("22233.35")
    assert len(set_rates(acme, books, [D("0.1")] * 3, valid_from=APRIL).rates["B"]) == 3


def test_credit_classes_are_set_by_finance_alone(acme, ledger):
    with pytest.raises(Forbidden):
        credit.set_credit(ledger.account, by=acme.rep, letter="A")
    credit.set_credit(ledger.account, by=acme.finance, letter="A", limit=D("5.00"), days=30)
    changed = credit.set_credit(ledger.account, by=acme.finance, letter="C")
    assert (changed.letter, changed.limit, CreditClass.objects.of(acme.tenant).count()) == ("C", None, 1)
    with pytest.raises(ValidationError):
        credit.set_credit(ledger.account, by=acme.finance, letter="Z")
    assert credit.letters(acme.tenant) == {ledger.account.pk: "C"}
    for bounds in ([], [1, 30], [0], [0, 30, 30], [0, 9999], list(range(0, 100, 10))):
        with pytest.raises(ValidationError):
            credit.set_bounds(bounds, by=acme.finance)
