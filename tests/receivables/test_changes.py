"""A change of a contract in the sub-ledger: WC-08, WC-09, all or nothing (INV-R1, R7, R9, R16, R18)."""

from datetime import date
from decimal import Decimal as D

import pytest

from contracts import effects
from contracts.actions import changes
from contracts.models import ContractVersion
from contracts.previews import preview
from crm.core import records
from crm.core.capitals import rmb_capitals
from crm.core.errors import Refused
from crm.core.taxes import from_gross
from receivables.actions.allocation import allocate
from receivables.actions.plans import confirm_plan, draft_plan
from receivables.actions.receipts import post_receipt
from receivables.models import (
    Adjustment,
    Allocation,
    ArEntry,
    Invoice,
    InvoiceLine,
    InvoiceRequest,
    InvoiceShare,
    Period,
    Receivable,
    Refund,
)  # fmt: skip
from tests.contracts.conftest import bring_into_force, line, make_contract, make_firm

pytestmark = pytest.mark.django_db
PLAN = [{"percent": p, "kind": kind, "trigger": "date", "date": f"2030-0{n}-01"} for n, (p, kind) in enumerate(
    (("30", "advance"), ("30", "progress"), ("30", "acceptance"), ("10", "retention")), 1)]  # fmt: skip


@pytest.fixture
def firm(acme):
    return make_firm(acme)


def planned(cast, contract) -> list[Receivable]:
    """The receivables of the usual plan 30/30/30/10, confirmed."""
    plan = draft_plan(contract, by=cast.rep, mode="percent", lines=PLAN)
    return confirm_plan(plan, by=cast.finance)


def pay(cast, receivable, amount: str):
    """A receipt of this amount, used for the receivable alone."""
    receipt = post_receipt(
        by=cast.finance, legal_entity=receivable.legal_entity, account=receivable.account, amount=D(amount),
        received_on=cast.tenant.today(), payer="Buyer", automatic=False,
    )  # fmt: skip
    allocate(receipt, {receivable.pk: D(amount)}, by=cast.finance)
    return receipt


def bill(cast, receivable, gross: str, number: str, tax_code) -> Invoice:
    """An issued blue invoice of one line for the receivable."""
    taxed = from_gross(D(gross), tax_code.rate)
    invoice = records.create(
        Invoice, by=cast.finance, number=number, date=date(2026, 1, 1), account=receivable.account,
        contract=receivable.contract, legal_entity=receivable.legal_entity, net=taxed.net, tax=taxed.tax,
        gross=taxed.gross,
    )  # fmt: skip
    common = {"tenant": cast.tenant, "invoice": invoice}
    records.append([InvoiceLine(
        **common, description="Service", tax_code=tax_code, rate=tax_code.rate, net=taxed.net, tax=taxed.tax,
        gross=taxed.gross,
    )])  # fmt: skip
    records.append([InvoiceShare(**common, receivable=receivable, amount=taxed.gross)])
    records.update(receivable, by=cast.finance, invoiced=receivable.invoiced + taxed.gross)
    return invoice


def decide(cast, change):
    """The approval's last word, without its own steps."""
    records.move(change, "in_approval", by=change.owner, verb="submitted")
    return changes.approved(change, by=cast.finance)


def standing(receivable) -> tuple[D, D, D]:
    receivable.refresh_from_db()
    return receivable.current, receivable.allocated, receivable.balance


def owed(contract) -> D:
    rows = Receivable.objects.of(contract.tenant_id).filter(contract=contract, superseded=False)
    return sum((row.current for row in rows), D(0))


@pytest.fixture
def service(acme, firm):
    """WC-08: 600,000.00 at 6 %, plan 30/30/30/10, the first three paid."""
    contract = bring_into_force(acme, make_contract(acme, firm))
    rows = planned(acme, contract)
    for row in rows[:3]:
        pay(acme, row, "180000.00")
    return contract, rows


def waive(cast, contract, tail, delta="-6000.00", **values):
    return changes.draft_change(
        contract, by=cast.rep, kind="reduce", grounds="10 % of the final payment waived", delta=D(delta),
        effects=[{"receivable": tail.pk, "delta": delta}], **values,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("paid", "excess", "after", "unallocated", "reserved"),
    [
        ("0.00", "CREDIT", ("54000.00", "0.00", "54000.00"), "0.00", "0.00"),
        ("20000.00", "CREDIT", ("54000.00", "20000.00", "34000.00"), "0.00", "0.00"),
        ("57000.00", "CREDIT", ("54000.00", "54000.00", "0.00"), "3000.00", "0.00"),
        ("60000.00", "REFUND", ("54000.00", "54000.00", "0.00"), "0.00", "6000.00"),
    ],
)
def test_wc_08_a_tenth_of_the_final_payment_is_waived(acme, service, paid, excess, after, unallocated, reserved):
    contract, rows = service
    receipt = pay(acme, rows[3], paid) if D(paid) else None
    change = decide(acme, waive(acme, contract, rows[3], excess=excess, refund_account="6222 0001"))
    contract.refresh_from_db()
    assert change.status == "applied"
    assert contract.effective_amount == owed(contract) == D("594000.00")
    assert rmb_capitals(contract.effective_amount) == "人民币伍拾玖万肆仟元整"
    assert standing(rows[3]) == tuple(map(D, after))
    if receipt:
        receipt.refresh_from_db()
        assert (receipt.unallocated, receipt.reserved) == (D(unallocated), D(reserved))
        assert receipt.amount == receipt.allocated + receipt.unallocated + receipt.reserved
    refunds = list(Refund.objects.of(acme.tenant).values_list("amount", "status", "payee_account"))
    assert refunds == ([(D("6000.00"), "approved", "6222 0001")] if excess == "REFUND" else [])


def test_wc_08_what_was_billed_is_asked_back_by_a_red_invoice(acme, firm, service):
    contract, rows = service
    blue = bill(acme, rows[3], "60000.00", "B1", firm.v6)
    change = waive(acme, contract, rows[3])
    [table] = [table for table in preview(change) if table.title == "Invoices"]
    assert [(row.after, row.note) for row in table.rows] == [(D("-6000.00"), "net 5,660.38, tax 339.62")]
    decide(acme, change)
    request = InvoiceRequest.objects.of(acme.tenant).get(is_red=True)
    assert (request.amount, request.blue, request.reason_code, request.change_id) == (
        D("6000.00"), blue, "04", change.pk,
    )  # fmt: skip
    rows[3].refresh_from_db()
    assert rows[3].invoiced - rows[3].red_pending == rows[3].current == D("54000.00")  # INV-R7


def test_wc_08_the_other_reading_cancels_the_whole_tail(acme, service):
    contract, rows = service
    decide(acme, waive(acme, contract, rows[3], "-60000.00"))
    contract.refresh_from_db()
    assert contract.effective_amount == owed(contract) == D("540000.00")
    assert standing(rows[3]) == (D(0), D(0), D(0))


def test_wc_08_a_rejected_request_changes_nothing(acme, service):
    contract, rows = service
    pay(acme, rows[3], "60000.00")
    before = everything(acme, contract)
    change = waive(acme, contract, rows[3], excess="REFUND", refund_account="6222 0001")
    records.move(change, "in_approval", by=acme.rep, verb="submitted")
    changes.dropped(change, by=acme.finance, status="rejected")
    assert everything(acme, contract) == before
    assert change.status == "draft"


def test_wc_08_applied_twice_has_one_effect(acme, service):
    contract, rows = service
    pay(acme, rows[3], "60000.00")
    change = decide(acme, waive(acme, contract, rows[3], excess="REFUND", refund_account="6222 0001"))
    before = everything(acme, contract)
    changes.approved(change, by=acme.finance)
    changes.apply(change, by=acme.finance)
    assert everything(acme, contract) == before


@pytest.fixture
def machine(acme, firm):
    """`machine(amount)` → WC-09: the contract, its receivables 30/30/30/10 and the receipt that part-paid no. 2."""

    def build(amount: str = "1000000.00"):
        contract = bring_into_force(
            acme, make_contract(acme, firm, kind="fixed", lines=[line("Machine", amount, firm.v13)])
        )
        rows = planned(acme, contract)
        first = pay(acme, rows[0], "300000.00")
        second = pay(acme, rows[1], "100000.00")
        for number, row in enumerate(rows[:2], 1):
            bill(acme, row, "300000.00", f"B{number}", firm.v13)
        return contract, rows, [first, second]

    return build


def lower(cast, contract, how: str, excess: str, delta: str = "-100000.00"):
    return changes.draft_change(
        contract, by=cast.rep, kind="reduce", grounds="10 % off", delta=D(delta), how=how, excess=excess,
        refund_account="6222 0001",
    )  # fmt: skip


K = 1000
WC_09 = [
    ("pro_rata", "CREDIT", [(270, 270, 0), (270, 100, 170), (270, 0, 270), (90, 0, 90)], 30, 0, 530),
    ("pro_rata", "OFFSET_SAME_CONTRACT", [(270, 270, 0), (270, 130, 140), (270, 0, 270), (90, 0, 90)], 0, 0, 500),
    ("pro_rata", "REFUND", [(270, 270, 0), (270, 100, 170), (270, 0, 270), (90, 0, 90)], 0, 30, 530),
    ("tail", "CREDIT", [(300, 300, 0), (300, 100, 200), (300, 0, 300), (0, 0, 0)], 0, 0, 500),
]


@pytest.mark.parametrize(("how", "excess", "cells", "unallocated", "reserved", "open_total"), WC_09)
def test_wc_09_a_tenth_off_after_part_payment(acme, machine, how, excess, cells, unallocated, reserved, open_total):
    contract, rows, receipts = machine()
    decide(acme, lower(acme, contract, how, excess))
    contract.refresh_from_db()
    assert contract.effective_amount == owed(contract) == D("900000.00")
    assert [standing(row) for row in rows] == [tuple(D(cell * K) for cell in row) for row in cells]
    for receipt in receipts:
        receipt.refresh_from_db()
    assert sum(receipt.unallocated for receipt in receipts) == unallocated * K
    assert sum(receipt.reserved for receipt in receipts) == reserved * K
    assert sum(row.balance for row in rows) == open_total * K
    reds = [from_gross(request.amount, D("0.13")) for request in InvoiceRequest.objects.of(acme.tenant)]
    expected = [] if how == "tail" else [(D("30000.00"), D("26548.67"), D("3451.33"))] * 2
    assert [(red.gross, red.net, red.tax) for red in reds] == expected


def test_wc_09_the_offset_says_that_a_change_did_it(acme, machine):
    contract, rows, _receipts = machine()
    decide(acme, lower(acme, contract, "pro_rata", "OFFSET_SAME_CONTRACT"))
    row = Allocation.objects.of(acme.tenant).get(receivable=rows[1], rule="change")
    assert row.amount == D("30000.00")


def test_wc_09_with_an_odd_cent(acme, machine):
    contract, rows, _receipts = machine("1000000.01")
    change = lower(acme, contract, "pro_rata", "CREDIT")
    assert [effect["delta"] for effect in change.effects] == ["-30000.00", "-30000.00", "-30000.00", "-10000.00"]
    decide(acme, change)
    assert [standing(row)[0] for row in rows] == [D("270000.00")] * 3 + [D("90000.01")]
    contract.refresh_from_db()
    assert contract.effective_amount == owed(contract) == D("900000.01")


def test_the_newest_allocation_is_taken_back_first(acme, service):
    contract, rows = service
    old, new = pay(acme, rows[3], "50000.00"), pay(acme, rows[3], "10000.00")
    decide(acme, waive(acme, contract, rows[3], "-15000.00"))
    for receipt in (old, new):
        receipt.refresh_from_db()
    assert (old.unallocated, new.unallocated) == (D("5000.00"), D("10000.00"))


def test_an_increase_goes_to_a_receivable_that_is_there_or_to_a_new_one(acme, service):
    contract, rows = service
    effects = [
        {"receivable": rows[3].pk, "delta": "1000.00"},
        {"receivable": None, "delta": "2000.00", "kind": "service", "due_date": "2030-06-30"},
    ]
    change = changes.draft_change(
        contract, by=acme.rep, kind="increase", grounds="More work", delta=D("3000.00"), effects=effects
    )
    decide(acme, change)
    new = Receivable.objects.of(acme.tenant).filter(contract=contract).latest("pk")
    assert (new.original, new.line, new.due_date, new.kind) == (D("2000.00"), 5, date(2030, 6, 30), "service")
    assert standing(rows[3])[0] == D("61000.00")
    contract.refresh_from_db()
    assert owed(contract) == contract.effective_amount == D("603000.00")


def test_every_adjustment_names_its_change_and_stands_in_the_sub_ledger(acme, service):
    """INV-R16, INV-R4."""
    contract, rows = service
    change = decide(acme, waive(acme, contract, rows[3]))
    [row] = Adjustment.objects.of(acme.tenant).filter(receivable__contract=contract)
    assert (row.change_id, row.amount, row.is_rounding) == (change.pk, D("-6000.00"), False)
    entries = ArEntry.objects.of(acme.tenant).filter(receivable=rows[3])
    assert sum(entry.amount for entry in entries) == standing(rows[3])[2]
    assert entries.get(type="ADJUST").source_id == change.pk


@pytest.mark.parametrize(
    ("effects", "code"),
    [
        (lambda rows: [{"receivable": rows[3].pk, "delta": "-5000.00"}], "EFFECTS_SUM"),
        (lambda rows: [{"receivable": rows[3].pk, "delta": "-70000.00"},
                       {"receivable": rows[2].pk, "delta": "64000.00"}], "BELOW_ZERO"),
        (lambda rows: [{"receivable": rows[3].pk + 9999, "delta": "-6000.00"}], "FOREIGN_RECEIVABLE"),
    ],
)  # fmt: skip
def test_effects_that_do_not_fit_cannot_be_submitted(acme, service, effects, code):
    contract, rows = service
    change = changes.draft_change(
        contract, by=acme.rep, kind="reduce", grounds="x", delta=D("-6000.00"), effects=effects(rows)
    )
    with pytest.raises(Refused) as refused:
        changes.submit_change(change, by=acme.rep)
    assert refused.value.code == code


def test_nothing_is_lowered_below_what_was_written_off(acme, service):
    contract, rows = service
    records.update(rows[3], by=acme.system, written_off=D("58000.00"))
    change = waive(acme, contract, rows[3])
    with pytest.raises(Refused, match="written off") as refused:
        changes.submit_change(change, by=acme.rep)
    assert refused.value.code == "WRITTEN_OFF"


class LastToRefuse(effects.Follower):
    def applied(self, change, *, by):
        raise Refused("Something downstream cannot follow.", code="DOWNSTREAM")


def test_a_failure_in_the_middle_leaves_nothing(acme, machine, monkeypatch):
    """INV-R18: the last follower refuses after all receivables, reds and refunds are written."""
    contract, _rows, _receipts = machine()
    change = lower(acme, contract, "pro_rata", "REFUND")
    records.move(change, "in_approval", by=acme.rep, verb="submitted")
    before = everything(acme, contract)
    monkeypatch.setattr(effects, "_followers", [*effects.followers(), LastToRefuse()])
    with pytest.raises(Refused, match="downstream"):
        changes.approved(change, by=acme.finance)
    assert everything(acme, contract) == before
    change.refresh_from_db()
    assert change.status == "in_approval"


def test_a_closed_period_takes_no_change(acme, service):
    """INV-R9."""
    contract, rows = service
    change = waive(acme, contract, rows[3])
    today = acme.tenant.today()
    records.create(
        Period, by=acme.system, legal_entity=contract.legal_entity, month=today.replace(day=1), status="closed"
    )
    with pytest.raises(Refused, match="closed"):
        changes.submit_change(change, by=acme.rep)


def everything(cast, contract) -> list:
    """All that a change could move, as values."""
    contract.refresh_from_db()
    tables = (Adjustment, Allocation, ArEntry, InvoiceRequest, Refund, ContractVersion)
    found = [list(model.objects.of(cast.tenant).order_by("pk").values()) for model in tables]
    rows = Receivable.objects.of(cast.tenant).order_by("pk").values("original", "adjusted", "allocated", "red_pending")
    return [*found, list(rows), contract.effective_amount, contract.revision, list(contract.lines.values())]
