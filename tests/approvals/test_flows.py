"""Requests through their nodes (domain.md 4.5, WC-25)."""

import pytest

from crm.core.approvals import actions, course, flows
from crm.core.errors import Conflict, Forbidden, Refused, ValidationError
from crm.core.events.models import Event
from crm.core.people.models import Member
from opportunities.models import Opportunity

from .conftest import approve_all, asked, node, open_tasks, the_task

pytestmark = pytest.mark.django_db


def refuses(code: str):
    return pytest.raises(Refused, check=lambda error: error.code == code)


def states(instance) -> list[tuple[str, str]]:
    return [(task.node_name, task.status) for task in instance.tasks.order_by("pk")]


def current(instance) -> str:
    instance.refresh_from_db()
    return instance.status


def test_a_small_amount_needs_the_manager_only(acme, ask, told):
    instance = ask("99999.99")
    assert asked(instance) == ["Manager"]
    approve_all(instance, acme.manager)
    assert current(instance) == "approved" and instance.decided_at
    assert told == [("approved", instance.subject_id)]


def test_a_large_amount_goes_up_the_levels(acme, ask, told):
    instance = ask("999999.99")
    approve_all(instance, acme.manager)
    assert asked(instance) == ["Finance"] and told == []
    approve_all(instance, acme.finance)
    assert asked(instance) == ["Legal"] and told == []
    approve_all(instance, acme.legal)
    assert told == [("approved", instance.subject_id)]


def test_a_million_waits_for_a_general_manager_whom_nobody_named(acme, ask, told):
    instance = ask("1000000.00")
    approve_all(instance, acme.manager, acme.finance, acme.legal)
    assert asked(instance) == [""] and told == []
    assert open_tasks(instance)[0].kind == "admin_queue"


def test_all_must_approve_and_the_first_no_rejects(acme, ask, flow, told):
    """WC-25: parallel-all of three: approve, reject → rejected at once, the third has no response."""
    flow(node("All", acme.manager, acme.finance, acme.legal, mode="all"))
    instance = ask()
    assert asked(instance) == ["Manager", "Finance", "Legal"]
    approve_all(instance, acme.manager)
    actions.reject(the_task(instance, acme.finance), by=acme.finance, comment="Too cheap")
    assert current(instance) == "rejected"
    assert the_task(instance, acme.legal).status == "no_response"
    assert told == [("rejected", instance.subject_id)]


def test_all_must_approve(acme, ask, flow):
    flow(node("All", acme.manager, acme.finance, mode="all"))
    instance = ask()
    approve_all(instance, acme.finance)
    assert current(instance) == "pending"
    approve_all(instance, acme.manager)
    assert current(instance) == "approved"


def test_of_any_the_first_decision_wins(acme, ask, flow):
    flow(node("Any", acme.manager, acme.finance, acme.legal, mode="any"))
    instance = ask()
    approve_all(instance, acme.finance)
    assert current(instance) == "approved"
    assert {the_task(instance, each).status for each in (acme.manager, acme.legal)} == {"no_response"}
    with refuses("ALREADY_DECIDED"):
        actions.reject(the_task(instance, acme.legal), by=acme.legal, comment="No")


def test_one_after_another(acme, ask, flow):
    flow(node("Row", acme.legal, acme.finance))
    instance = ask()
    assert asked(instance) == ["Legal"]
    with refuses("NOT_YET"):
        actions.approve(the_task(instance, acme.finance), by=acme.finance)
    approve_all(instance, acme.legal, acme.finance)
    assert current(instance) == "approved"


def test_a_second_tap_changes_nothing(acme, ask, told):
    instance = ask()
    task = the_task(instance, acme.manager)
    actions.approve(task, by=acme.manager)
    before = Event.objects.of(acme.tenant).count()
    assert actions.approve(task, by=acme.manager).status == "approved"
    assert told == [("approved", instance.subject_id)]
    assert Event.objects.of(acme.tenant).count() == before
    with refuses("ALREADY_DECIDED"):
        actions.reject(task, by=acme.manager, comment="On second thoughts")


def test_only_the_one_asked_decides(acme, ask):
    instance = ask()
    for stranger in (acme.finance, acme.peer, acme.admin):
        with refuses("NOT_YOURS"):
            actions.approve(the_task(instance, acme.manager), by=stranger)


def test_no_needs_a_reason(acme, ask):
    instance = ask()
    task = the_task(instance, acme.manager)
    for verb in (actions.reject, actions.give_back):
        with pytest.raises(ValidationError):
            verb(task, by=acme.manager, comment="  ")
    assert current(instance) == "pending"


def test_return_to_the_submitter_ends_the_request(acme, ask, told):
    instance = ask()
    actions.give_back(the_task(instance, acme.manager), by=acme.manager, comment="Add the freight")
    assert current(instance) == "returned"
    assert told == [("returned", instance.subject_id)]


def test_return_from_the_third_node_to_the_first_runs_all_again(acme, ask, flow):
    """WC-25: return to node 1 from node 3 → nodes 1–3 run again."""
    flow(node("One", acme.manager), node("Two", acme.finance), node("Three", acme.legal))
    instance = ask()
    approve_all(instance, acme.manager, acme.finance)
    task = the_task(instance, acme.legal)
    with pytest.raises(ValidationError):
        actions.give_back(task, by=acme.legal, comment="No", to_node="three")
    actions.give_back(task, by=acme.legal, comment="Check the price again", to_node="one")
    assert current(instance) == "pending"
    for member in (acme.manager, acme.finance, acme.legal):
        assert asked(instance) == [member.name]
        assert the_task(instance, member).round == 2
        approve_all(instance, member)
    assert current(instance) == "approved"
    assert states(instance) == [
        ("One", "approved"), ("Two", "approved"), ("Three", "returned"),
        ("One", "approved"), ("Two", "approved"), ("Three", "approved"),
    ]  # fmt: skip


def test_withdraw_edit_resubmit_runs_all_nodes_again(acme, ask, flow, told):
    flow(node("One", acme.manager), node("Two", acme.finance))
    instance = ask()
    approve_all(instance, acme.manager)
    with refuses("NOT_YOURS"):
        actions.withdraw(instance, by=acme.manager)
    actions.withdraw(instance, by=acme.rep)
    actions.withdraw(instance, by=acme.rep)
    assert current(instance) == "withdrawn" and told == [("withdrawn", instance.subject_id)]
    deal = Opportunity.objects.of(acme.tenant).get(pk=instance.subject_id)
    again = actions.submit(deal, by=acme.rep)
    assert asked(again) == ["Manager"]
    assert actions.latest(deal) == again == actions.pending(deal)


def test_what_is_decided_cannot_be_withdrawn(acme, ask):
    instance = ask()
    approve_all(instance, acme.manager)
    with refuses("ALREADY_DECIDED"):
        actions.withdraw(instance, by=acme.rep)


def test_a_document_has_one_request_at_a_time(acme, ask):
    instance = ask()
    deal = Opportunity.objects.of(acme.tenant).get(pk=instance.subject_id)
    with refuses("ALREADY_IN_APPROVAL"):
        actions.submit(deal, by=acme.rep)


# INV-C3


def test_an_edited_document_voids_its_request(acme, ask, told):
    instance = ask()
    Opportunity.objects.of(acme.tenant).filter(pk=instance.subject_id).update(name="Sixty pumps")
    with refuses("CONTENT_CHANGED"):
        actions.approve(the_task(instance, acme.manager), by=acme.manager)
    assert current(instance) == "void"
    assert told == [("returned", instance.subject_id)]
    assert open_tasks(instance) == []


def test_the_content_is_checked_at_every_decision(acme, ask, flow, told):
    flow(node("One", acme.manager), node("Two", acme.finance))
    instance = ask()
    approve_all(instance, acme.manager)
    Opportunity.objects.of(acme.tenant).filter(pk=instance.subject_id).update(amount=1)
    with refuses("CONTENT_CHANGED"):
        actions.reject(the_task(instance, acme.finance), by=acme.finance, comment="No")
    assert current(instance) == "void" and ("rejected", instance.subject_id) not in told


def test_a_document_that_refuses_keeps_the_request_waiting(acme, ask, change_subject):
    def refuse(record, *, by):
        raise Refused("The period is closed.", code="PERIOD_CLOSED")

    change_subject(approved=refuse)
    instance = ask()
    task = the_task(instance, acme.manager)
    with refuses("PERIOD_CLOSED"):
        actions.approve(task, by=acme.manager)
    assert current(instance) == "pending" and the_task(instance, acme.manager).status == "open"


# 转交, 加签


def test_transfer_moves_the_decision_and_keeps_the_original(acme, ask):
    instance = ask()
    task = the_task(instance, acme.manager)
    actions.transfer(task, by=acme.manager, to=acme.legal)
    task.refresh_from_db()
    assert (task.assignee, task.original_assignee) == (acme.legal, acme.manager)
    with refuses("NOT_YOURS"):
        actions.approve(task, by=acme.manager)
    approve_all(instance, acme.legal)
    assert current(instance) == "approved"


def test_a_task_is_not_given_to_whoever_may_not_decide(acme, ask, flow):
    flow(node("All", acme.manager, acme.finance, mode="all"))
    instance = ask()
    task = the_task(instance, acme.manager)
    for wrong, code in ((acme.rep, "CANNOT_DECIDE"), (acme.partner, "CANNOT_DECIDE"), (acme.finance, "ALREADY_ASKED")):
        with refuses(code):
            actions.transfer(task, by=acme.manager, to=wrong)
        with refuses(code):
            actions.add_approver(task, by=acme.manager, member=wrong, where="before")


def test_added_before_decides_first(acme, ask, told):
    """WC-25: 前加签 X on Y's task: Y waits for X; X rejects → rejected."""
    instance = ask()
    actions.add_approver(the_task(instance, acme.manager), by=acme.manager, member=acme.legal, where="before")
    assert asked(instance) == ["Legal"]
    with refuses("NOT_YET"):
        actions.approve(the_task(instance, acme.manager), by=acme.manager)
    actions.reject(the_task(instance, acme.legal), by=acme.legal, comment="Not with this clause")
    assert current(instance) == "rejected" and told == [("rejected", instance.subject_id)]


def test_after_added_before_the_task_comes_back(acme, ask):
    instance = ask()
    actions.add_approver(the_task(instance, acme.manager), by=acme.manager, member=acme.legal, where="before")
    approve_all(instance, acme.legal)
    assert asked(instance) == ["Manager"]
    actions.transfer(the_task(instance, acme.manager), by=acme.manager, to=acme.finance)
    approve_all(instance, acme.finance)
    assert current(instance) == "approved"


@pytest.mark.parametrize("mode", ["sequential", "all", "any"])
def test_added_after_decides_next(acme, ask, flow, mode):
    flow(node("One", acme.manager, mode=mode), node("Two", acme.finance))
    instance = ask()
    actions.add_approver(the_task(instance, acme.manager), by=acme.manager, member=acme.legal, where="after")
    assert asked(instance) == ["Manager"]
    approve_all(instance, acme.manager)
    assert asked(instance) == ["Legal"]
    approve_all(instance, acme.legal)
    assert asked(instance) == ["Finance"]


def test_added_after_stands_before_the_next_in_the_row(acme, ask, flow):
    flow(node("Row", acme.manager, acme.finance))
    instance = ask()
    actions.add_approver(the_task(instance, acme.manager), by=acme.manager, member=acme.legal, where="after")
    for member in (acme.manager, acme.legal, acme.finance):
        assert asked(instance) == [member.name]
        approve_all(instance, member)
    assert current(instance) == "approved"


def test_added_beside_must_approve_too(acme, ask):
    instance = ask()
    actions.add_approver(the_task(instance, acme.manager), by=acme.manager, member=acme.legal, where="parallel")
    assert asked(instance) == ["Manager", "Legal"]
    approve_all(instance, acme.manager)
    assert current(instance) == "pending"
    approve_all(instance, acme.legal)
    assert current(instance) == "approved"


def test_a_place_that_does_not_exist(acme, ask):
    instance = ask()
    with pytest.raises(ValidationError):
        actions.add_approver(the_task(instance, acme.manager), by=acme.manager, member=acme.legal, where="above")


# 催办, 抄送


def test_urging_is_for_the_submitter_and_once_an_hour(acme, ask):
    instance = ask()
    with refuses("NOT_YOURS"):
        actions.urge(instance, by=acme.peer)
    actions.urge(instance, by=acme.rep)
    with refuses("URGED_RECENTLY"):
        actions.urge(instance, by=acme.rep)
    instance.tasks.update(urged_at="2026-01-01T00:00:00Z")
    actions.urge(instance, by=acme.rep)
    approve_all(instance, acme.manager)
    with refuses("ALREADY_DECIDED"):
        actions.urge(instance, by=acme.rep)


def test_a_copy_lets_a_colleague_read(acme, ask):
    from crm.core.approvals import subjects
    from crm.core.approvals.models import Instance

    instance = ask()

    def sees(member) -> bool:
        return Instance.objects.visible_to(member).filter(pk=instance.pk).exists()

    assert sees(acme.rep) and sees(acme.manager) and sees(acme.admin)
    assert not sees(acme.other_rep) and not sees(acme.finance) and not sees(acme.partner)
    with refuses("NOT_YOURS"):
        actions.send_copy(instance, by=acme.peer, to=acme.other_rep)
    with refuses("CANNOT_READ"):
        actions.send_copy(instance, by=acme.rep, to=acme.partner)
    actions.send_copy(instance, by=acme.rep, to=acme.other_rep)
    assert sees(acme.other_rep)
    read = Opportunity.objects.of(acme.tenant).filter(subjects.asked_q(acme.other_rep, Opportunity))
    assert [deal.pk for deal in read] == [instance.subject_id]


def test_the_flow_names_who_gets_copies(acme, ask, flow):
    flow(node("One", acme.manager), cc=[acme.legal.pk])
    assert [copy.member for copy in ask().copies.all()] == [acme.legal]


# flows


def test_an_edit_is_the_next_version_and_running_requests_keep_theirs(acme, ask, flow):
    before = ask()
    now = flow(node("Other", acme.legal))
    assert now.number == 2 and before.flow.number == 1
    approve_all(before, acme.manager)
    assert current(before) == "approved"
    assert asked(ask()) == ["Legal"]


def test_an_old_version_is_not_edited(acme, flow):
    old = flows.current(acme.tenant, "opportunities.opportunity")
    flow(node("Other", acme.legal))
    with pytest.raises(Conflict):
        flows.publish(old, by=acme.admin, nodes=[node("Third", acme.legal)])


def test_only_administrators_change_flows(acme, told):
    now = flows.current(acme.tenant, "opportunities.opportunity")
    for member in (acme.rep, acme.manager, acme.finance, acme.legal):
        with pytest.raises(Forbidden):
            flows.publish(now, by=member, nodes=[node("Mine", member)])


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"name": " "}, "name"),
        ({"mode": "lottery"}, "sequential"),
        ({"assignee": {"kind": "magician"}}, "who decides"),
        ({"assignee": {"kind": "role", "value": "partner"}}, "role"),
        ({"assignee": {"kind": "unit", "value": []}}, "team"),
        ({"assignee": {"kind": "member", "value": [10**9]}}, "colleagues"),
        ({"assignee": {"kind": "member", "value": ["x"]}}, "does not exist"),
        ({"assignee": {"kind": "manager", "value": 9}}, "levels"),
        ({"when": {"min_amount": "much"}}, "number"),
        ({"when": {"min_amount": "-1"}}, "not negative"),
        ({"when": {"min_amount": "NaN"}}, "not negative"),
        ({"when": []}, ""),
    ],
)
def test_a_flow_that_makes_no_sense_is_refused(acme, flow, broken, says):
    good = node("One", acme.manager)
    if says == "":
        assert flow({**good, **broken}).nodes[0]["when"] == {}
        return
    with pytest.raises(ValidationError) as error:
        flow({**good, **broken})
    assert says in " ".join(error.value.messages) and "Step 1" in " ".join(error.value.messages)


def test_a_flow_without_steps_is_refused(flow):
    with pytest.raises(ValidationError):
        flow()


def test_where_no_step_applies_administrators_choose(acme, ask, flow):
    """INV-C7: nothing is approved because no rule matched."""
    flow(node("Big", acme.manager, min_amount="100"))
    instance = ask("50")
    assert asked(instance) == [""] and current(instance) == "pending"
    actions.assign(open_tasks(instance)[0], by=acme.admin, to=acme.finance)
    approve_all(instance, acme.finance)
    assert current(instance) == "approved"


def test_a_new_company_has_a_flow_for_everything(db, told):
    from crm.core.approvals.models import Flow
    from crm.core.tenancy.state import enter, leave
    from tests.conftest import found

    with leave():
        tenant, _founder = found("Initech", "initech")
        with enter(tenant):
            flow = Flow.objects.of(tenant).get()
    assert [step["key"] for step in flow.nodes] == ["manager", "finance", "legal", "gm"]
    assert flow.nodes[0]["name"] == "销售经理"


def test_every_change_leaves_an_event(acme, ask):
    instance = ask()
    approve_all(instance, acme.manager)
    kinds = set(Event.objects.of(acme.tenant).values_list("kind", flat=True))
    assert {"flow.founded", "instance.submitted", "approvaltask.opened", "approvaltask.approved",
            "instance.approved"} <= kinds  # fmt: skip


def test_a_person_leaves_only_after_passing_tasks_on(acme, ask):
    from crm.core.company import actions as company

    instance = ask()
    with refuses("STILL_HOLDS"):
        company.deactivate(acme.manager, by=acme.admin)
    actions.assign(the_task(instance, acme.manager), by=acme.admin, to=acme.legal)
    company.deactivate(Member.objects.of(acme.tenant).get(pk=acme.manager.pk), by=acme.admin)
    assert course.undecided(instance)[0].assignee == acme.legal
