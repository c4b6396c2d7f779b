"""Deals stand for any document that is approved: `deal(amount)` makes one, `ask(amount)` sends it for approval.

What the approvals tell the document is kept in `told`, as the word and the record's id.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.models import Account
from crm.core import records
from crm.core.approvals import actions, course, flows, subjects
from crm.core.approvals.models import ApprovalTask
from crm.core.company import actions as company
from crm.core.people.models import Member
from opportunities import actions as deals
from opportunities.models import Opportunity
from tests.conftest import join


class Told(list):
    def approved(self, record, *, by):
        self.append(("approved", record.pk))

    def dropped(self, record, *, by, status):
        self.append((status, record.pk))


def deal_subject(told) -> subjects.Subject:
    return subjects.Subject(
        model=Opportunity,
        facts=lambda deal: subjects.Facts(amount=deal.amount, money=True),
        content=lambda deal: {"name": deal.name, "amount": deal.amount},
        card=lambda deal: subjects.Card(
            title=deal.name, reason="The customer asks for it", money=f"{deal.amount} CNY",
            lines=[subjects.Line("Amount", f"{deal.amount}", "0.00")],
        ),
        approved=told.approved,
        dropped=told.dropped,
        url_name="opportunities:detail",
        label="Deals",
        default_nodes=subjects.standard_levels(),
    )  # fmt: skip


@pytest.fixture
def told(monkeypatch):
    told = Told()
    monkeypatch.setattr(subjects, "_subjects", {})
    subjects.register(deal_subject(told))
    return told


@pytest.fixture
def change_subject(told):
    """Replace parts of the subject: `change_subject(party=lambda deal: {…})`."""
    return lambda **parts: subjects.register(replace(subjects.of(Opportunity), **parts))


@pytest.fixture
def account(acme, told):
    return records.create(Account, by=acme.rep, name="Harbour Pumps", owner=acme.rep)


@pytest.fixture
def deal(acme, account):
    def make(amount="50000", by=None, name="Six pumps"):
        return deals.open_opportunity(by=by or acme.rep, account=account, name=name, amount=Decimal(amount))

    return make


@pytest.fixture
def ask(acme, deal):
    def submit(amount="50000", by=None, **values):
        return actions.submit(deal(amount, **values), by=by or acme.rep)

    return submit


@pytest.fixture
def flow(acme, told):
    """`flow(node, …)` puts a flow of these nodes in force for deals."""

    def publish(*nodes, **values):
        now = flows.current(acme.tenant, "opportunities.opportunity")
        return flows.publish(now, by=acme.admin, nodes=list(nodes), **values)

    return publish


def node(name: str, *people: Member, mode="sequential", **when) -> dict:
    assignee = {"kind": "member", "value": [member.pk for member in people]}
    return {"key": name.lower(), "name": name, "mode": mode, "assignee": assignee, "when": when}


def open_tasks(instance) -> list[ApprovalTask]:
    return [task for task in course.undecided(instance) if task.status == "open"]


def asked(instance) -> list[str]:
    """Names of those who must decide now; "" is the administrators' queue."""
    return [task.assignee.name if task.assignee else "" for task in open_tasks(instance)]


def the_task(instance, member) -> ApprovalTask:
    return instance.tasks.filter(assignee=member).latest("pk")


def approve_all(instance, *members):
    for member in members:
        actions.approve(the_task(instance, member), by=member)


@pytest.fixture
def boss(acme):
    """A manager above North: head of the team that North belongs to."""
    head = join(acme.admin, "Boss", "manager")
    everything = company.create_team(by=acme.admin, name="Sales", head=head)
    company.update_team(acme.north, by=acme.admin, parent=everything)
    return head
