"""Who is asked, who never decides (INV-C4), and who decides when nobody is found (INV-C7)."""

from datetime import UTC, date, datetime

import pytest

from crm.core import records
from crm.core.approvals import actions, approvers, course, deputies
from crm.core.approvals.approvers import Asking
from crm.core.company import actions as company
from crm.core.errors import Refused, ValidationError
from opportunities.models import Opportunity
from tests.conftest import join

from .conftest import approve_all, asked, node, open_tasks, the_task
from .test_flows import current, refuses

pytestmark = pytest.mark.django_db


def who(assignee, submitter, out=(), money=False) -> list[str]:
    found = approvers.find({"assignee": assignee}, Asking(submitter, frozenset({submitter.pk, *out}), money))
    return [member.name for member in found]


def manager(level=1) -> dict:
    return {"kind": "manager", "value": level}


def test_the_manager_is_the_head_of_the_team_else_its_sales_managers(acme):
    assert who(manager(), acme.rep) == ["Manager"]
    company.update_team(acme.north, by=acme.admin, head=acme.legal)
    assert who(manager(), acme.rep) == ["Legal"]
    assert who(manager(), acme.other_rep) == []
    assert who(manager(), acme.finance) == []


def test_the_chain_goes_up_the_teams(acme, boss):
    assert who(manager(), acme.rep) == ["Manager"]
    assert who(manager(2), acme.rep) == ["Boss"]
    assert who(manager(3), acme.rep) == []
    assert who(manager(), acme.manager) == ["Boss"]
    assert who(manager(), acme.rep, out=[acme.manager.pk]) == ["Boss"]


def test_roles_people_and_heads_of_other_units(acme, boss):
    second = join(acme.admin, "Second Finance", "finance")
    assert who({"kind": "role", "value": "finance"}, acme.rep) == ["Finance", "Second Finance"]
    assert who({"kind": "role", "value": "finance"}, second) == ["Finance"]
    assert who({"kind": "member", "value": [acme.legal.pk, acme.finance.pk]}, acme.rep) == ["Legal", "Finance"]
    company.update_team(acme.south, by=acme.admin, head=acme.legal)
    assert who({"kind": "unit", "value": [acme.south.pk]}, acme.rep) == ["Legal"]
    assert who({"kind": "unit", "value": [acme.north.pk]}, acme.manager) == ["Boss"]
    assert who({"kind": "queue"}, acme.rep) == []


def test_who_has_left_is_not_asked(acme):
    records.update(acme.finance, by=acme.admin, is_active=False)
    assert who({"kind": "role", "value": "finance"}, acme.rep) == []
    assert who({"kind": "member", "value": [acme.finance.pk]}, acme.rep) == []


def test_an_administrator_decides_money_only_where_the_flow_names_him(acme):
    pure = join(acme.admin, "Pure Admin", "admin")
    assert who({"kind": "role", "value": "admin"}, acme.rep, money=True) == ["Acme founder"]
    assert who({"kind": "role", "value": "admin"}, acme.rep) == ["Acme founder", "Pure Admin"]
    assert who({"kind": "member", "value": [pure.pk]}, acme.rep, money=True) == ["Pure Admin"]


# INV-C4


def test_a_manager_does_not_approve_his_own_request(acme, deal, boss):
    instance = actions.submit(deal(by=acme.manager), by=acme.manager)
    assert asked(instance) == ["Boss"]


def test_a_manager_without_anybody_above_waits_for_administrators(acme, deal):
    instance = actions.submit(deal(by=acme.manager), by=acme.manager)
    assert asked(instance) == [""]


def test_the_only_approver_named_is_the_submitter(acme, ask, flow):
    flow(node("Rep decides", acme.rep))
    assert asked(ask()) == [""]


def test_one_who_took_part_is_not_asked(acme, ask, change_subject):
    """Who posted the receipt does not approve its refund."""
    change_subject(party=lambda deal: {acme.manager.pk})
    assert asked(ask()) == [""]


def test_the_creator_of_a_money_request_does_not_approve_it(acme, deal):
    deal = deal(by=acme.manager)
    records.update(deal, by=acme.manager, owner=acme.rep)
    assert asked(actions.submit(deal, by=acme.rep)) == [""]


def test_taking_part_later_ends_the_right_to_decide(acme, ask, change_subject):
    instance = ask()
    change_subject(party=lambda deal: {acme.manager.pk})
    with refuses("SELF_APPROVAL"):
        actions.approve(the_task(instance, acme.manager), by=acme.manager)
    assert current(instance) == "pending"


def test_no_self_approval_through_transfer_or_adding(acme, ask):
    instance = ask()
    task = the_task(instance, acme.manager)
    with refuses("CANNOT_DECIDE"):
        actions.transfer(task, by=acme.manager, to=acme.rep)
    with refuses("CANNOT_DECIDE"):
        actions.add_approver(task, by=acme.manager, member=acme.rep, where="after")
    with refuses("CANNOT_DECIDE"):
        actions.assign(task, by=acme.admin, to=acme.rep)


def test_no_self_approval_through_delegation(acme, ask):
    """A deputy who is the submitter does not get his principal's task."""
    today = acme.tenant.today()
    deputies.delegate(by=acme.manager, deputy=acme.rep, start=today, end=today)
    instance = ask()
    assert asked(instance) == ["Manager"]
    assert open_tasks(instance)[0].principal is None
    with refuses("NOT_YOURS"):
        actions.approve(open_tasks(instance)[0], by=acme.rep)


# INV-C7


def test_nobody_found_is_never_approved(acme, ask, flow, told):
    flow(node("Nobody"))
    instance = ask()
    assert asked(instance) == [""] and told == [] and current(instance) == "pending"
    for member in (acme.rep, acme.manager, acme.admin):
        with refuses("NOT_YOURS"):
            actions.approve(open_tasks(instance)[0], by=member)


def test_administrators_choose_who_decides_and_not_themselves(acme, ask, flow):
    flow(node("Nobody"))
    instance = ask()
    task = open_tasks(instance)[0]
    with pytest.raises(Refused):
        actions.assign(task, by=acme.manager, to=acme.legal)
    with refuses("NAMED_ONLY"):
        actions.assign(task, by=acme.admin, to=acme.admin)
    pure = join(acme.admin, "Pure Admin", "admin")
    with refuses("CANNOT_DECIDE"):
        actions.assign(task, by=acme.admin, to=pure)
    actions.assign(task, by=acme.admin, to=acme.legal)
    approve_all(instance, acme.legal)
    assert current(instance) == "approved"
    with refuses("ALREADY_DECIDED"):
        actions.assign(task, by=acme.admin, to=acme.finance)


# delegation


def seated(acme, at: datetime) -> tuple:
    (seat,) = approvers.seats(node("One", acme.manager), Asking(acme.rep), at)
    return seat.assignee.name, seat.principal and seat.principal.name


@pytest.fixture
def march(acme):
    """Manager is away from 1 to 7 March 2027, local days of Shanghai."""
    return deputies.delegate(by=acme.manager, deputy=acme.legal, start=date(2027, 3, 1), end=date(2027, 3, 7))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2027, 2, 28, 15, 59, 59, tzinfo=UTC), ("Manager", None)),
        (datetime(2027, 2, 28, 16, 0, tzinfo=UTC), ("Legal", "Manager")),
        (datetime(2027, 3, 7, 15, 59, tzinfo=UTC), ("Legal", "Manager")),  # 23:59 local
        (datetime(2027, 3, 7, 16, 0, tzinfo=UTC), ("Manager", None)),  # 00:00 local on the 8th
    ],
)
def test_a_period_is_one_of_local_days(acme, march, at, expected):
    assert seated(acme, at) == expected


def test_an_ended_period_sends_nothing(acme, march):
    with refuses("NOT_YOURS"):
        deputies.revoke(march, by=acme.legal)
    deputies.revoke(march, by=acme.manager)
    deputies.revoke(march, by=acme.manager)
    assert seated(acme, datetime(2027, 3, 2, tzinfo=UTC)) == ("Manager", None)


@pytest.mark.parametrize("decider", ["legal", "manager"])
def test_the_deputy_decides_and_the_principal_may_still(acme, ask, decider):
    today = acme.tenant.today()
    deputies.delegate(by=acme.manager, deputy=acme.legal, start=today, end=today)
    instance = ask()
    task = open_tasks(instance)[0]
    assert (task.assignee, task.principal) == (acme.legal, acme.manager)
    member = getattr(acme, decider)
    actions.approve(task, by=member)
    task.refresh_from_db()
    assert task.decided_by == member and current(instance) == "approved"


def test_periods_that_make_no_sense(acme, march):
    today = acme.tenant.today()
    wrong = [
        ("deputy", {"deputy": acme.manager, "start": today, "end": today}),
        ("deputy", {"deputy": acme.partner, "start": today, "end": today}),
        ("end", {"deputy": acme.legal, "start": date(2027, 5, 2), "end": date(2027, 5, 1)}),
        ("end", {"deputy": acme.legal, "start": date(2020, 5, 1), "end": date(2020, 5, 2)}),
    ]
    for field, values in wrong:
        with pytest.raises(ValidationError) as error:
            deputies.delegate(by=acme.manager, **values)
        assert field in error.value.message_dict
    with refuses("DELEGATION_OVERLAPS"):
        deputies.delegate(by=acme.manager, deputy=acme.finance, start=date(2027, 3, 7), end=date(2027, 3, 9))


def test_for_somebody_else_only_administrators(acme):
    day = date(2027, 3, 1)
    with pytest.raises(Refused):
        deputies.delegate(by=acme.rep, principal=acme.manager, deputy=acme.peer, start=day, end=day)
    assert deputies.delegate(by=acme.admin, principal=acme.manager, deputy=acme.legal, start=day, end=day)


def test_a_record_without_a_flow_of_its_own_gets_the_usual_one(acme, ask):
    assert [step["key"] for step in course.nodes_of(ask("600000"))] == ["manager", "finance", "legal"]
    assert Opportunity.objects.of(acme.tenant).count() == 1
