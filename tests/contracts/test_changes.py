"""Change orders of a contract: lines, orders, versions, requests (INV-C1, C2, C4, C5, domain.md 6.18)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connections, transaction

from contracts import change_lines
from contracts.actions import changes
from contracts.actions.orders import create_order
from contracts.decisions import CHANGE, change_facts
from contracts.models import ChangeOrder, Contract, OrderLine
from contracts.previews import preview, refusals
from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.approvals import flows, subjects
from crm.core.approvals.levels import route, standard_levels
from crm.core.approvals.models import ApprovalTask
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.tenancy.state import enter
from tests.conftest import make_acme

from .conftest import bring_into_force, line, make_contract, make_firm

pytestmark = pytest.mark.django_db


def draft_change(cast, contract, kind="reduce", delta="-6000.00", by=None, **values):
    values = {"grounds": "agreed", **values}
    if "lines" not in values and delta is not None:
        values["delta"] = D(delta)
    return changes.draft_change(contract, by=by or cast.rep, kind=kind, **values)


def decide(cast, change):
    records.move(change, "in_approval", by=change.owner, verb="submitted")
    return changes.approved(change, by=cast.finance)


def test_the_amount_is_the_sum_of_the_lines_after_each_change(acme, firm, effective):
    """INV-C1."""
    contract = effective(lines=[line("A", "100.00", firm.v6, "3"), line("B", "33.33", firm.v13)])
    decide(acme, draft_change(acme, contract, delta="-33.34"))
    contract.refresh_from_db()
    new = [{"line": None, "description": "C", "tax_code": firm.v6.pk, "quantity": "2", "unit_price": "5.55"}]
    decide(acme, draft_change(acme, contract, "increase", lines=new))
    contract.refresh_from_db()
    applied = contract.changes.filter(status="applied")
    assert contract.effective_amount == contract.base_amount + sum(change.delta for change in applied) == D("311.09")
    assert contract.effective_amount == change_lines.total(change_lines.current(contract))
    assert [row.number for row in contract.versions.all()] == [1, 2, 3]


def test_a_line_is_changed_by_quantity_price_or_agreed_amount(acme, firm, effective):
    contract = effective(lines=[line("A", "33.33", firm.v6, "3")])
    [row] = contract.lines.all()
    by_quantity = draft_change(acme, contract, lines=[{"line": row.pk, "quantity": "2"}])
    assert by_quantity.delta == D("-33.33")
    agreed = draft_change(acme, contract, lines=[{"line": row.pk, "amount": "99.00"}])
    assert agreed.delta == D("-0.99")
    decide(acme, agreed)
    row.refresh_from_db()
    assert (row.quantity, row.unit_price, row.amount) == (D(3), D("33.33"), D("99.00"))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("reduce", {"delta": D("1.00")}),
        ("increase", {"delta": D("-1.00")}),
        ("terms", {"delta": D("-1.00")}),
        ("extend", {}),
        ("terms", {}),
        ("reduce", {"delta": D("-1.00"), "lines": []}),
        ("reduce", {"lines": [{"line": 999_999, "quantity": "1"}]}),
        ("reduce", {"delta": D("-1.00"), "terms": {"price": "x"}}),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_said(acme, effective, kind, values):
    contract = effective()
    with pytest.raises(ValidationError):
        changes.draft_change(contract, by=acme.rep, kind=kind, grounds="agreed", **values)


def test_a_change_says_why(acme, effective):
    with pytest.raises(ValidationError):
        draft_change(acme, effective(), grounds=" ")


def test_only_a_contract_in_force_is_changed_by_an_order(acme, draft):
    with pytest.raises(Refused) as refused:
        draft_change(acme, draft())
    assert refused.value.code == "CONTRACT_NOT_EFFECTIVE"


def test_an_extension_moves_the_end_and_keeps_the_amount(acme, effective):
    contract = effective()
    end = acme.tenant.today() + timedelta(400)
    decide(
        acme, draft_change(acme, contract, "extend", delta=None, new_end_date=end, terms={"payment_terms": "30 days"})
    )
    contract.refresh_from_db()
    assert (contract.end_date, contract.payment_terms, contract.revision) == (end, "30 days", 2)


def test_a_termination_ends_the_contract(acme, effective):
    contract = effective()
    decide(acme, draft_change(acme, contract, "cancel", "-600000.00"))
    contract.refresh_from_db()
    assert (contract.status, contract.effective_amount) == ("terminated", 0)


def test_finance_changes_terms_but_no_amounts(acme, effective):
    contract = effective()
    draft_change(acme, contract, "terms", None, by=acme.finance, terms={"payment_terms": "60 days"})
    with pytest.raises(Forbidden):
        draft_change(acme, contract, by=acme.finance)
    with pytest.raises(Forbidden):
        draft_change(acme, contract, by=acme.legal)


def test_a_change_of_an_old_version_is_void(acme, effective):
    contract = effective()
    one, two = draft_change(acme, contract), draft_change(acme, contract, delta="-1.00")
    decide(acme, one)
    two = decide(acme, two)
    contract.refresh_from_db()
    assert (two.status, contract.effective_amount, contract.revision) == ("void", D("594000.00"), 2)
    again = changes.draft_again(two, by=acme.rep)
    assert (again.delta, again.base_revision, again.status) == (D("-1.00"), 2, "draft")
    decide(acme, again)
    contract.refresh_from_db()
    assert contract.effective_amount == D("593999.00")


def test_quantities_do_not_fall_below_what_is_under_way(acme, firm, effective):
    """INV-C5."""
    contract = effective(kind="fixed", lines=[line("Pump", "100.00", firm.v13, "10")])
    [row] = contract.lines.all()
    create_order(contract, by=acme.rep)
    OrderLine.objects.of(acme.tenant).update(shipped=D(6), delivered=D(4))
    below = draft_change(acme, contract, lines=[{"line": row.pk, "quantity": "5"}])
    assert any("6 of “Pump” is shipped" in sentence for sentence in refusals(preview(below)))
    with pytest.raises(Refused):
        changes.submit_change(below, by=acme.rep)
    with pytest.raises(Refused):
        decide(acme, below)


def test_orders_follow_the_contract(acme, firm, effective):
    """INV-C6: they keep adding up to it, and are never cut below what was shipped."""
    contract = effective(kind="fixed", lines=[line("Pump", "100.00", firm.v13, "10")])
    [row] = contract.lines.all()
    first = create_order(contract, by=acme.rep, quantities={row.pk: D(4)})
    second = create_order(contract, by=acme.rep)
    decide(acme, draft_change(acme, contract, delta="-100.01"))
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.amount, second.amount) == (D("360.00"), D("539.99"))
    contract.refresh_from_db()
    decide(acme, draft_change(acme, contract, lines=[{"line": row.pk, "quantity": "7"}]))
    first.refresh_from_db(), second.refresh_from_db(), contract.refresh_from_db()
    assert first.amount + second.amount == contract.effective_amount == D("700.00")
    assert second.lines.get().quantity == D(3)


def level_keys(change, nodes) -> list[str]:
    return [node["key"] for node in route(nodes, change_facts(change))]


@pytest.fixture
def wc_25_flow(acme):
    """The levels of WC-25 alone: without the node that finance has whenever money is given up."""
    flow = flows.current(acme.tenant, CHANGE.type)
    return records.update(flow, by=acme.system, nodes=flows.clean_nodes(acme.tenant, standard_levels()))


def test_wc_25_an_increase_that_crosses_a_level(acme, firm, effective, wc_25_flow):
    contract = effective(lines=[line("A", "480000.00", firm.v6)])
    change = draft_change(acme, contract, "increase", "30000.00")
    assert change_facts(change).amount == D("510000.00")
    assert level_keys(change, wc_25_flow.nodes) == ["manager", "finance", "legal"]


def test_wc_25_splitting_does_not_lower_the_level(acme, firm, effective, wc_25_flow):
    contract, found = effective(lines=[line("A", "450000.00", firm.v6)]), []
    for days in (60, 30, 0):
        contract.refresh_from_db()
        change = draft_change(acme, contract, delta="-40000.00")
        found.append((change_facts(change).amount, level_keys(change, wc_25_flow.nodes)))
        applied = decide(acme, change)
        records.update(applied, by=acme.system, applied_at=applied.applied_at - timedelta(days))
    assert found == [
        (D("40000.00"), ["manager"]), (D("80000.00"), ["manager"]), (D("120000.00"), ["manager", "finance"]),
    ]  # fmt: skip


def test_finance_decides_whenever_money_is_given_up(acme, effective):
    change = draft_change(acme, effective())
    assert change_facts(change).money
    assert level_keys(change, flows.current(acme.tenant, CHANGE.type).nodes) == ["manager", "finance"]


def open_task(cast, change) -> ApprovalTask:
    rows = ApprovalTask.objects.of(cast.tenant).filter(status="open", instance__subject_id=change.pk)
    return rows.filter(instance__subject_type=CHANGE.type).order_by("pk").first()


def test_one_request_goes_through_manager_and_finance_and_is_applied(acme, effective):
    contract = effective()
    change = changes.submit_change(draft_change(acme, contract), by=acme.rep)
    assert change.status == "in_approval" and change.preview
    with pytest.raises(Refused) as refused:
        changes.edit_change(change, by=acme.rep, kind="reduce", grounds="x", delta=D(-1))
    assert refused.value.code == "NOT_DRAFT"
    deciders = []
    while task := open_task(acme, change):
        deciders.append(task.assignee.name)
        approvals.approve(task, by=task.assignee)
    change.refresh_from_db(), contract.refresh_from_db()
    assert deciders == ["Manager", "Finance"]
    assert (change.status, contract.effective_amount, contract.revision) == ("applied", D("594000.00"), 2)


def test_a_rejected_request_is_a_draft_and_the_contract_as_it_was(acme, effective):
    contract = effective()
    change = changes.submit_change(draft_change(acme, contract), by=acme.rep)
    task = open_task(acme, change)
    approvals.reject(task, by=task.assignee, comment="No")
    change.refresh_from_db(), contract.refresh_from_db()
    assert (change.status, contract.effective_amount, contract.revision) == ("draft", D("600000.00"), 1)
    changes.edit_change(change, by=acme.rep, kind="reduce", grounds="less", delta=D("-10.00"))
    changes.discard(change, by=acme.rep)
    assert change.status == "void"


def test_who_drafted_a_change_never_decides_it(acme, effective):
    """INV-C4: a manager's own draft goes to somebody else, also when another sends it."""
    contract = effective()
    change = draft_change(acme, contract, by=acme.manager)
    assert subjects.of(change).party(change) >= {acme.manager.pk}
    changes.submit_change(change, by=acme.manager)
    assert open_task(acme, change).assignee_id != acme.manager.pk


def test_the_card_tells_an_approver_what_moves(acme, effective):
    card = CHANGE.card(draft_change(acme, effective(), grounds="10 % of the tail"))
    assert card.money == "600,000.00 → 594,000.00 CNY (\N{MINUS SIGN}6,000.00)"
    assert card.reason == "10 % of the tail"
    assert any(row.before == "600,000.00" and row.value.startswith("594,000.00") for row in card.lines)


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_wc_07_f_two_changes_of_one_version_at_once():
    """INV-C2: two approvals in two threads; one is applied, the other void."""
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        contract = bring_into_force(cast, make_contract(cast, make_firm(cast)))
        both = [draft_change(cast, contract, delta=delta) for delta in ("-1000.00", "-10.00")]
        for change in both:
            records.move(change, "in_approval", by=cast.rep, verb="submitted")
    barrier = threading.Barrier(2)

    def approve(change):
        try:
            with enter(cast.tenant), transaction.atomic():
                barrier.wait(10)
                return changes.approved(change, by=cast.finance).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, both)) == ["applied", "void"]
    with enter(cast.tenant), transaction.atomic():
        contract = Contract.objects.of(cast.tenant).get(pk=contract.pk)
        [applied] = ChangeOrder.objects.of(cast.tenant).filter(contract=contract, status="applied")
        assert contract.effective_amount == D("600000.00") + applied.delta
        assert contract.versions.count() == contract.revision == 2
