"""Collection plans: parted to the cent, confirmed by finance, equal to the contract (domain.md 6.15, INV-R1)."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.models import Batch, Contract, Order
from crm.core import records
from crm.core.errors import Forbidden, Refused, ValidationError
from receivables.actions import allocation, plans
from receivables.models import Adjustment, ArEntry, Plan, Receivable
from receivables.plan_lines import TEMPLATES, part

pytestmark = pytest.mark.django_db
STANDARD = [{"percent": p, "trigger": "sign", "n": 7} for p in ("30", "30", "30", "10")]


@pytest.fixture
def contract(acme, ledger):
    """`contract("100000.01")` → an effective contract, signed on the last day of January 2024."""

    def make(amount: str, kind: str = "fixed", **values):
        number = f"HT-P{Contract.objects.of(acme.tenant).count()}"
        values = {"sign_date": date(2024, 1, 31), "status": "effective", **values}
        return records.create(
            Contract, by=acme.rep, title="Machines", kind=kind, account=ledger.account, legal_entity=ledger.entity,
            owner=acme.rep, base_amount=D(amount), effective_amount=D(amount), number=number, **values,
        )  # fmt: skip

    return make


def code_of(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refusal, transaction.atomic():
        act(*args, **kwargs)
    return refusal.value.code


def sums(contract) -> D:
    rows = Receivable.objects.of(contract.tenant_id).filter(contract=contract, superseded=False)
    return rows.aggregate(sum=Sum(F("original") + F("adjusted")))["sum"]


def confirmed(contract, cast, mode, lines, **values) -> list[Receivable]:
    plan = plans.draft_plan(contract, by=cast.rep, mode=mode, lines=lines, **values)
    return plans.confirm_plan(plan, by=cast.finance)


@pytest.mark.parametrize(
    ("total", "mode", "lines", "expected"),
    [
        ("100000.01", "percent", STANDARD, "30000.00 30000.00 30000.00 10000.01"),
        ("999999.99", "percent", STANDARD, "300000.00 300000.00 300000.00 99999.99"),
        ("100.00", "percent", [{"percent": p, "trigger": "sign"} for p in ("33.33", "33.33", "33.34")],
         "33.33 33.33 33.34"),
        ("100000.00", "equal", [{"trigger": "sign"}] * 12, "8333.33 " * 11 + "8333.37"),
        ("100.00", "equal", [{"trigger": "sign"}] * 3, "33.33 33.33 33.34"),
        ("100.00", "mixed", [{"amount": "10.01", "trigger": "sign"}, {"trigger": "sign"},
                             {"percent": "33.33", "trigger": "sign"}], "10.01 56.66 33.33"),
        ("100.00", "amount", [{"amount": "60", "trigger": "sign"}, {"amount": "40.00", "trigger": "sign"}],
         "60.00 40.00"),
    ],
)  # fmt: skip
def test_wc01_receivables_of_a_confirmed_plan(acme, contract, total, mode, lines, expected):
    made = contract(total)
    rows = confirmed(made, acme, mode, lines)
    assert [row.original for row in rows] == [D(part) for part in expected.split()]
    assert sums(made) == made.effective_amount
    entries = ArEntry.objects.of(acme.tenant).filter(receivable__contract=made)
    assert entries.aggregate(sum=Sum("amount"))["sum"] == made.effective_amount


@pytest.mark.parametrize(
    ("total", "mode", "lines", "code"),
    [
        ("0.05", "percent", STANDARD, "PLAN_BALANCE_NEGATIVE"),
        ("100.00", "percent", STANDARD[:3], "PLAN_PERCENT"),
        ("100.00", "amount", [{"amount": "99.99"}], "PLAN_SUM"),
        ("100.00", "mixed", [{"amount": "40"}, {"percent": "60"}], "PLAN_BALANCE_LINE"),
        ("100.00", "mixed", [{}, {}], "PLAN_BALANCE_LINE"),
    ],
)
def test_what_does_not_add_up_is_refused(acme, contract, total, mode, lines, code):
    assert code_of(plans.draft_plan, contract(total), by=acme.rep, mode=mode, lines=lines) == code
    assert not Plan.objects.of(acme.tenant).exists()


def test_wc12_due_dates_from_the_signature(acme, contract):
    rules = [("net_days", 30, "2024-03-01"), ("months", 1, "2024-02-29"), ("month_end_after", 1, "2024-02-29")]
    lines = [{"percent": "25", "trigger": "sign", "term": term, "n": n} for term, n, _ in rules]
    lines += [{"percent": "25", "trigger": "date", "date": "2024-05-01"}]
    rows = confirmed(contract("100.00"), acme, "percent", lines)
    assert [str(row.due_date) for row in rows] == [*(due for *_, due in rules), "2024-05-01"]
    shifted = [{"percent": "100", "trigger": "sign", "n": 3, "shift": "next"}]
    assert confirmed(contract("100.00"), acme, "percent", shifted)[0].due_date == date(2024, 2, 4)


def test_planned_lines_wait_and_earlier_batches_count(acme, contract):
    made = contract("100.00")
    order = records.create(Order, by=acme.rep, contract=made, number="O1")
    records.create(
        Batch, by=acme.presales, order=order, number=1, planned_on=date(2024, 2, 1), status="accepted",
        accepted_on=date(2024, 2, 10),
    )  # fmt: skip
    lines = TEMPLATES["standard"].lines(made)
    advance, progress, acceptance, retention = confirmed(made, acme, "percent", lines)
    assert (advance.due_date, progress.due_date) == (date(2024, 2, 7), date(2024, 2, 25))
    assert (acceptance.due_date, retention.due_date, retention.issue_date) == (None, None, None)
    assert [row.kind for row in (advance, retention)] == ["advance", "retention"]


@pytest.mark.parametrize("key", TEMPLATES)
def test_templates_part_any_contract(contract, acme, key):
    made = contract("999999.99", start_date=date(2024, 1, 31))
    template = TEMPLATES[key]
    assert sum(part(made.effective_amount, template.mode, template.lines(made))) == made.effective_amount
    assert confirmed(made, acme, template.mode, template.lines(made))
    assert sums(made) == made.effective_amount


def test_who_drafts_and_who_confirms(acme, contract):
    made = contract("100.00")
    for member in (acme.peer, acme.legal, acme.presales, acme.partner):
        with pytest.raises(Forbidden):
            plans.draft_plan(made, by=member, mode="percent", lines=STANDARD)
    for member in (acme.rep, acme.manager, acme.finance):
        plan = plans.draft_plan(made, by=member, mode="percent", lines=STANDARD)
    for member in (acme.rep, acme.manager, acme.legal, acme.admin):
        with pytest.raises(Forbidden):
            plans.confirm_plan(plan, by=member)
    assert len(plans.confirm_plan(plan, by=acme.finance)) == 4


def test_only_an_effective_contract_owes(acme, contract):
    plan = plans.draft_plan(contract("100.00", status="signed"), by=acme.rep, mode="percent", lines=STANDARD)
    assert code_of(plans.confirm_plan, plan, by=acme.finance) == "CONTRACT_NOT_EFFECTIVE"
    undated = plans.draft_plan(contract("100.00"), by=acme.rep, mode="equal", lines=[{"trigger": "date"}])
    assert code_of(plans.confirm_plan, undated, by=acme.finance) == "PLAN_DATE"
    ended = contract("100.00", status="closed")
    assert code_of(plans.draft_plan, ended, by=acme.rep, mode="equal", lines=[{}]) == "CONTRACT_ENDED"


def test_confirming_again_is_refused(acme, contract):
    made = contract("100.00")
    plan = plans.draft_plan(made, by=acme.rep, mode="percent", lines=STANDARD)
    plans.confirm_plan(plan, by=acme.finance)
    assert code_of(plans.confirm_plan, plan, by=acme.finance) == "INVALID_TRANSITION"
    assert code_of(plans.edit_plan, plan, by=acme.rep, mode="equal", lines=[{}]) == "PLAN_CONFIRMED"
    assert sums(made) == D("100.00")


def test_the_amount_may_change_between_draft_and_confirmation(acme, contract):
    made = contract("100.00")
    percent = plans.draft_plan(made, by=acme.rep, mode="percent", lines=STANDARD)
    fixed = plans.draft_plan(made, by=acme.rep, mode="amount", lines=[{"amount": "100.00", "trigger": "sign"}])
    records.update(made, by=acme.system, effective_amount=D("90.00"))
    assert code_of(plans.confirm_plan, fixed, by=acme.finance) == "PLAN_SUM"
    plans.confirm_plan(percent, by=acme.finance)
    assert sums(made) == D("90.00")


def test_another_plan_replaces_an_unused_one(acme, contract):
    made = contract("100.00")
    old = confirmed(made, acme, "percent", STANDARD)
    new = confirmed(made, acme, "equal", [{"trigger": "sign"}] * 2)
    assert sums(made) == D("100.00")
    for one in old:
        one.refresh_from_db()
        entries = ArEntry.objects.of(acme.tenant).filter(receivable=one).aggregate(sum=Sum("amount"))["sum"]
        assert (one.superseded, one.current, one.balance, entries) == (True, 0, 0, 0)
        assert Adjustment.objects.of(acme.tenant).get(receivable=one).plan == one.plan
    assert [row.original for row in new] == [D("50.00")] * 2
    assert Plan.objects.of(acme.tenant).filter(contract=made, status="confirmed").count() == 1


def test_a_plan_in_use_stays(acme, contract, receive):
    made = contract("100.00")
    [first, *_] = confirmed(made, acme, "percent", STANDARD)
    receipt = receive("10.00", automatic=False)
    allocation.allocate(receipt, {first.pk: D("10.00")}, by=acme.finance)
    second = plans.draft_plan(made, by=acme.rep, mode="equal", lines=[{"trigger": "sign"}] * 2)
    assert code_of(plans.confirm_plan, second, by=acme.finance) == "PLAN_IN_USE"
    assert sums(made) == D("100.00")


def test_an_adjustment_has_one_cause(acme, contract):
    [row, *_] = confirmed(contract("100.00"), acme, "percent", STANDARD)
    for values in ({}, {"is_rounding": True, "plan": row.plan}):
        with pytest.raises(IntegrityError), transaction.atomic():
            records.append([
                Adjustment(tenant=acme.tenant, receivable=row, amount=D("-1"), effective_date=date.today(), **values)
            ])  # fmt: skip


def test_a_framework_contract_is_planned_order_by_order(acme, contract):
    frame = contract("0.00", kind="framework")
    orders = [records.create(Order, by=acme.rep, contract=frame, number=f"O{n}", amount=D("50.00")) for n in (1, 2)]
    with pytest.raises(ValidationError):
        plans.draft_plan(frame, by=acme.rep, mode="equal", lines=[{}])
    with pytest.raises(ValidationError):
        plans.draft_plan(contract("100.00"), by=acme.rep, mode="equal", lines=[{}], order=orders[0])
    for order in orders:
        confirmed(frame, acme, "equal", [{"trigger": "sign"}] * 3, order=order)
        rows = Receivable.objects.of(acme.tenant).filter(plan__order=order)
        assert [row.original for row in rows.order_by("line")] == [D("16.66"), D("16.66"), D("16.68")]


def test_unreadable_lines_say_which(acme, contract):
    made = contract("100.00")
    for bad in (
        {"n": -1}, {"n": "x"}, {"amount": "1e3x"}, {"trigger": "moon"}, {"date": "yesterday"}, {"percent": "NaN?"},
    ):  # fmt: skip
        with pytest.raises(ValidationError, match="2"):
            plans.draft_plan(made, by=acme.rep, mode="mixed", lines=[{}, bad])
    with pytest.raises(ValidationError):
        plans.draft_plan(made, by=acme.rep, mode="mixed", lines=[])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.decimals(min_value="0.01", max_value="99999999.99", places=2), st.integers(1, 12), st.integers(0, 100))
def test_inv_r1_any_confirmed_plan_equals_its_contract(acme, contract, total, parts, percent):
    with transaction.atomic():
        made = contract(str(total))
        try:
            lines = [{"percent": str(percent), "trigger": "sign"}, {"trigger": "sign"}]
            confirmed(made, acme, "mixed", lines)
            confirmed(made, acme, "equal", [{"trigger": "sign"}] * parts)
        finally:
            assert sums(made) == total
        transaction.set_rollback(True)
