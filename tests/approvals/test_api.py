"""The REST face: the same verbs and refusals as the pages."""

import json

import pytest

from crm.core.approvals import actions, flows
from crm.core.approvals.models import Flow
from crm.core.tenancy.state import leave
from opportunities.models import Opportunity

from .conftest import approve_all, node, open_tasks, the_task

pytestmark = pytest.mark.django_db
KIND = "opportunities.opportunity"


@pytest.fixture
def call(api):
    def as_member(member, method, path, data=None, **headers):
        caller = api(member)
        with leave():
            return caller(method, path, None if data is None else json.dumps(data), **headers)

    return as_member


@pytest.fixture
def get(api):
    def as_member(member, path, **query):
        caller = api(member)
        with leave():
            return caller("get", path, query)

    return as_member


def test_what_waits_and_what_one_sent(acme, ask, get):
    instance = ask()
    waiting = get(acme.manager, "approval-tasks/", mine="true").json()["results"]
    assert [row["id"] for row in waiting] == [the_task(instance, acme.manager).pk]
    assert get(acme.finance, "approval-tasks/", mine="true").json()["results"] == []
    (sent,) = get(acme.rep, "approvals/", box="mine").json()["results"]
    assert sent["summary"]["money"] == "50000.00 CNY" and sent["tasks"][0]["status"] == "open"
    assert get(acme.peer, f"approvals/{instance.pk}/").status_code == 404
    assert get(acme.peer, f"approval-tasks/{waiting[0]['id']}/").status_code == 404
    assert len(get(acme.rep, "approvals/", subject_type=KIND, subject_id=instance.subject_id).json()["results"]) == 1


def test_decisions(acme, ask, call):
    instance = ask()
    path = f"approval-tasks/{the_task(instance, acme.manager).pk}/"
    assert call(acme.finance, "post", f"{path}approve/", {}).status_code == 404
    assert call(acme.admin, "post", f"{path}approve/", {}).json()["code"] == "NOT_YOURS"
    assert call(acme.manager, "post", f"{path}reject/", {}).status_code == 400
    assert call(acme.manager, "post", f"{path}return/", {"comment": "x", "to_node": "no"}).status_code == 400
    done = call(acme.manager, "post", f"{path}approve/", {"comment": "Good"})
    assert done.status_code == 200 and done.json()["status"] == "approved" and done.json()["comment"] == "Good"
    assert call(acme.manager, "post", f"{path}approve/", {}).status_code == 200
    assert call(acme.manager, "post", f"{path}reject/", {"comment": "No"}).json()["code"] == "ALREADY_DECIDED"


def test_a_changed_document_is_voided_for_good(acme, ask, call):
    instance = ask()
    Opportunity.objects.of(acme.tenant).filter(pk=instance.subject_id).update(name="Sixty pumps")
    path = f"approval-tasks/{the_task(instance, acme.manager).pk}/approve/"
    answer = call(acme.manager, "post", path, {})
    assert answer.status_code == 409 and answer.json()["code"] == "CONTENT_CHANGED"
    instance.refresh_from_db()
    assert instance.status == "void"


def test_passing_on(acme, ask, call):
    instance = ask()
    path = f"approval-tasks/{the_task(instance, acme.manager).pk}/"
    added = call(acme.manager, "post", f"{path}add-approver/", {"member": acme.legal.pk, "where": "before"}).json()
    assert added["assignee"] == acme.legal.pk and added["kind"] == "added_before"
    assert call(acme.admin, "post", f"{path}assign/", {"to": acme.finance.pk}).json()["assignee"] == acme.finance.pk
    approve_all(instance, acme.legal)
    assert call(acme.finance, "post", f"{path}transfer/", {"to": acme.presales.pk}).status_code == 200
    assert call(acme.rep, "post", f"{path}assign/", {"to": acme.peer.pk}).status_code == 403
    assert open_tasks(instance)[0].assignee == acme.presales


def test_requests_are_urged_copied_and_withdrawn(acme, ask, call):
    path = f"approvals/{ask().pk}/"
    assert call(acme.rep, "post", f"{path}urge/", {}).status_code == 200
    assert call(acme.rep, "post", f"{path}urge/", {}).json()["code"] == "URGED_RECENTLY"
    assert call(acme.rep, "post", f"{path}copy/", {"to": acme.peer.pk}).status_code == 200
    assert call(acme.rep, "post", f"{path}withdraw/", {}).json()["status"] == "withdrawn"
    assert call(acme.rep, "post", "approvals/", {}).status_code == 405


def test_flows_by_version(acme, ask, call, get):
    assert call(acme.rep, "post", "approval-flows/", {"subject_type": KIND}).status_code == 403
    assert call(acme.admin, "post", "approval-flows/", {"subject_type": "leads.lead"}).status_code == 400
    flow = call(acme.admin, "post", "approval-flows/", {"subject_type": KIND}).json()
    path = f"approval-flows/{flow['id']}/"
    way = call(acme.admin, "post", f"{path}try/", {"amount": "100000", "submitter": acme.rep.pk}).json()
    assert way == [
        {"node": "manager", "name": "销售经理", "members": [acme.manager.pk]},
        {"node": "finance", "name": "财务", "members": [acme.finance.pk]},
    ]
    assert call(acme.admin, "patch", path, {"nodes": [{"name": "x"}]}).status_code == 400
    now = call(acme.admin, "patch", path, {"nodes": [node("Only", acme.legal)], "cc": [acme.peer.pk]}).json()
    assert (now["number"], now["cc"], now["nodes"][0]["name"]) == (2, [acme.peer.pk], "Only")
    assert call(acme.admin, "patch", path, {"nodes": [node("Third", acme.legal)]}).status_code == 409
    assert Flow.objects.of(acme.tenant).filter(subject_type=KIND).count() == 2
    instance = ask()
    approve_all(instance, acme.legal)
    (wait,) = get(acme.admin, f"approval-flows/{now['id']}/waits/").json()
    assert wait["node"] == "only" and wait["count"] == 1 and wait["median_seconds"] >= 0
    assert get(acme.rep, "approval-flows/").status_code == 403


def test_deputies(acme, call, get):
    day = acme.tenant.today().isoformat()
    period = {"deputy": acme.legal.pk, "start": day, "end": day}
    made = call(acme.manager, "post", "delegations/", period)
    assert made.status_code == 201 and made.json()["principal"] == acme.manager.pk
    assert call(acme.manager, "post", "delegations/", period).json()["code"] == "DELEGATION_OVERLAPS"
    assert call(acme.rep, "post", "delegations/", {**period, "principal": acme.manager.pk}).status_code == 403
    path = f"delegations/{made.json()['id']}/"
    assert get(acme.rep, path).status_code == 404 and get(acme.legal, path).status_code == 200
    assert call(acme.legal, "post", f"{path}revoke/", {}).status_code == 409
    assert call(acme.manager, "post", f"{path}revoke/", {}).json()["revoked_at"]


def test_a_key_makes_a_decision_once(acme, ask, call):
    instance = ask()
    path = f"approval-tasks/{the_task(instance, acme.manager).pk}/approve/"
    first = call(acme.manager, "post", path, {}, Idempotency_Key="one")
    again = call(acme.manager, "post", path, {}, Idempotency_Key="one")
    assert first.status_code == again.status_code == 200 or again.status_code == 200
    assert actions.latest(Opportunity.objects.of(acme.tenant).get(pk=instance.subject_id)).status == "approved"
    assert flows.current(acme.tenant, KIND).number == 1
