"""The inbox, the card, decisions, deputies and the flow editor through the pages."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.core.approvals import actions, flows
from crm.core.approvals.models import Delegation, Flow
from crm.core.tenancy.state import leave
from opportunities.models import Opportunity

from .conftest import approve_all, node, open_tasks, the_task

pytestmark = pytest.mark.django_db
KIND = "opportunities.opportunity"


@pytest.fixture
def get(client):
    def page(member, path, **headers):
        client.force_login(member.user)
        with leave():
            return client.get(f"/acme/{path}", headers=headers)

    return page


@pytest.fixture
def post(client):
    def send(by, path, /, **data):
        client.force_login(by.user)
        with leave():
            return client.post(f"/acme/{path}", data)

    return send


def text(response) -> str:
    return response.content.decode()


def test_the_inbox_has_what_waits_for_me(acme, ask, get):
    instance = ask()
    link = f"/acme/approvals/{instance.pk}/"
    assert link in text(get(acme.manager, "approvals/"))
    assert link not in text(get(acme.finance, "approvals/"))
    assert link not in text(get(acme.rep, "approvals/"))
    assert link in text(get(acme.rep, "approvals/?box=mine"))
    assert link in text(get(acme.admin, "approvals/?box=all"))
    approve_all(instance, acme.manager)
    assert link not in text(get(acme.manager, "approvals/"))
    assert link in text(get(acme.manager, "approvals/?box=decided"))
    assert get(acme.manager, "approvals/?box=nonsense").status_code == 200


def test_the_menu_counts_what_waits(acme, ask, get):
    ask()
    page = text(get(acme.manager, "approvals/deputies/"))
    assert re.search(r'bottom-bar.*?approvals/".*?<span class="count hot">1</span>', page, re.S)
    assert re.search(r'nav-link.*?<span class="count">1</span>', page, re.S)


def test_the_card_says_who_what_and_why(acme, ask, get):
    instance = ask()
    page = text(get(acme.manager, f"approvals/{instance.pk}/"))
    for said in ("Six pumps", "50000.00 CNY", "The customer asks for it", "Rep", "<del", "Approve", "Reject"):
        assert said in page
    assert "<table" not in page
    mine = text(get(acme.rep, f"approvals/{instance.pk}/"))
    assert "Withdraw" in mine and "Remind" in mine and "/do/approve/" not in mine
    assert get(acme.peer, f"approvals/{instance.pk}/").status_code == 404


def test_one_tap_approves(acme, ask, post):
    instance = ask()
    task = the_task(instance, acme.manager)
    answer = post(acme.manager, f"approvals/tasks/{task.pk}/do/approve/")
    assert answer.status_code == 302 and answer["Location"] == f"/acme/approvals/{instance.pk}/"
    assert post(acme.manager, f"approvals/tasks/{task.pk}/do/approve/").status_code == 302
    instance.refresh_from_db()
    assert instance.status == "approved"


def test_a_get_decides_nothing(acme, ask, get):
    instance = ask()
    task = the_task(instance, acme.manager)
    for verb in ("approve", "reject", "return", "transfer", "add", "assign"):
        assert get(acme.manager, f"approvals/tasks/{task.pk}/do/{verb}/").status_code == 200
    for verb in ("withdraw", "urge", "copy"):
        assert get(acme.rep, f"approvals/{instance.pk}/do/{verb}/").status_code == 200
    assert get(acme.manager, f"approvals/tasks/{task.pk}/do/nonsense/").status_code == 404
    instance.refresh_from_db()
    assert instance.status == "pending" and open_tasks(instance) == [task]


def test_no_asks_for_a_reason(acme, ask, post):
    instance = ask()
    path = f"approvals/tasks/{the_task(instance, acme.manager).pk}/do/reject/"
    assert post(acme.manager, path).status_code == 422
    assert post(acme.manager, path, comment="Too cheap").status_code == 302
    instance.refresh_from_db()
    assert instance.status == "rejected"


def test_return_transfer_add_and_assign_by_form(acme, ask, flow, post):
    flow(node("One", acme.manager), node("Two", acme.finance))
    instance = ask()
    approve_all(instance, acme.manager)

    def do(who, verb, /, **data):
        answer = post(who, f"approvals/tasks/{open_tasks(instance)[0].pk}/do/{verb}/", **data)
        assert answer.status_code == 302, text(answer)

    do(acme.finance, "return", comment="Check again", to_node="one")
    do(acme.manager, "transfer", to=acme.legal.pk)
    do(acme.legal, "add", member=acme.presales.pk, where="before")
    do(acme.presales, "approve", comment="It can be built")
    do(acme.admin, "assign", to=acme.peer.pk)
    do(acme.peer, "approve")
    do(acme.finance, "return", comment="No", to_node="")
    instance.refresh_from_db()
    assert instance.status == "returned"


def test_the_submitter_is_not_offered_as_approver(acme, ask, get):
    task = the_task(ask(), acme.manager)
    page = text(get(acme.manager, f"approvals/tasks/{task.pk}/do/transfer/"))
    assert f'<option value="{acme.legal.pk}"' in page
    assert f'<option value="{acme.rep.pk}"' not in page and f'<option value="{acme.partner.pk}"' not in page


def test_a_changed_document_is_said_and_the_void_stays(acme, ask, post):
    instance = ask()
    Opportunity.objects.of(acme.tenant).filter(pk=instance.subject_id).update(name="Sixty pumps")
    answer = post(acme.manager, f"approvals/tasks/{the_task(instance, acme.manager).pk}/do/approve/")
    assert answer.status_code == 409 and "changed after it was submitted" in text(answer)
    instance.refresh_from_db()
    assert instance.status == "void"


def test_remind_withdraw_and_copy(acme, ask, post):
    instance = ask()
    assert post(acme.rep, f"approvals/{instance.pk}/do/urge/").status_code == 302
    assert post(acme.rep, f"approvals/{instance.pk}/do/urge/").status_code == 409
    assert post(acme.rep, f"approvals/{instance.pk}/do/copy/", to=acme.peer.pk).status_code == 302
    assert post(acme.peer, f"approvals/{instance.pk}/do/withdraw/").status_code == 409
    assert post(acme.rep, f"approvals/{instance.pk}/do/withdraw/").status_code == 302


def test_the_panel_follows_the_record(acme, ask, get, deal):
    instance = ask()
    path = f"approvals/of/{KIND}/{instance.subject_id}/"
    assert "Decide" in text(get(acme.manager, path))
    assert "Sales manager" in text(get(acme.rep, path)) or "销售经理" in text(get(acme.rep, path))
    assert get(acme.other_rep, path).status_code == 404
    assert get(acme.rep, f"approvals/of/leads.lead/{instance.subject_id}/").status_code == 404
    assert text(get(acme.rep, f"approvals/of/{KIND}/{deal().pk}/")).strip() == ""


def test_deputies(acme, get, post):
    today = acme.tenant.today()
    assert post(acme.manager, "approvals/deputies/", deputy=acme.legal.pk, start="x", end="").status_code == 422
    period = {"deputy": acme.legal.pk, "start": today.isoformat(), "end": today.isoformat()}
    assert post(acme.manager, "approvals/deputies/", **period).status_code == 302
    assert post(acme.manager, "approvals/deputies/", **period).status_code == 409
    row = Delegation.objects.of(acme.tenant).get()
    assert "Manager → Legal" in text(get(acme.legal, "approvals/deputies/"))
    assert "Manager → Legal" not in text(get(acme.rep, "approvals/deputies/"))
    assert post(acme.rep, f"approvals/deputies/{row.pk}/revoke/").status_code == 404
    assert post(acme.manager, f"approvals/deputies/{row.pk}/revoke/").status_code == 302


# the flow editor


@pytest.fixture
def usual(acme, told):
    return flows.current(acme.tenant, KIND)


def fields(page: str) -> dict:
    """What a browser would send: hidden and text inputs, chosen options, ticked boxes."""
    sent: dict = {}
    for tag in re.findall(r"<input[^>]*>", page.split('class="stack narrow"')[1]):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if found.get("type") == "checkbox" and " checked" not in tag:
            continue
        if "name" in found and found["name"] != "csrfmiddlewaretoken":
            default = "on" if found.get("type") == "checkbox" else ""
            sent.setdefault(found["name"], []).append(found.get("value", default))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        for value in re.findall(r'<option value="([^"]*)" selected', options):
            sent.setdefault(name, []).append(value)
    return sent


def test_the_editor_round_trips_a_flow(acme, usual, get, post):
    path = f"settings/flows/{usual.pk}/edit/"
    sent = fields(text(get(acme.admin, path)))
    answer = post(acme.admin, path, **sent, do="save")
    assert answer.status_code == 302, re.findall(r'class="error[^>]*>.*?</ul>', text(answer), re.S)
    now = Flow.objects.of(acme.tenant).get(is_current=True, subject_type=KIND)
    assert now.number == 2
    assert [step["key"] for step in now.nodes] == [step["key"] for step in usual.nodes]
    assert [step["assignee"] for step in now.nodes] == [step["assignee"] for step in usual.nodes]
    amounts = [step["when"].get("min_amount") for step in now.nodes]
    assert amounts[0] is None and [float(each) for each in amounts[1:]] == [100_000, 500_000, 1_000_000]
    assert post(acme.admin, path, **sent, do="save").status_code == 409


def test_steps_are_added_moved_and_removed_before_saving(acme, usual, get, post):
    path = f"settings/flows/{usual.pk}/edit/"
    page = text(get(acme.admin, path))
    for do in ("down:0", "remove:2", "add"):
        page = text(post(acme.admin, path, **fields(page), do=do))
    sent = fields(page)
    assert sent["order"] == ["1,0,3,4"]
    assert Flow.objects.of(acme.tenant).filter(subject_type=KIND).count() == 1
    assert post(acme.admin, path, **sent, do="save").status_code == 422  # the new step has no name yet
    sent |= {"n4-name": "Head of South", "n4-kind": "unit", "n4-units": [acme.south.pk], "n4-mode": "sequential"}
    assert post(acme.admin, path, **sent, do="save").status_code == 302
    now = Flow.objects.of(acme.tenant).get(is_current=True, subject_type=KIND)
    assert [step["key"] for step in now.nodes] == ["finance", "manager", "gm", "head-of-south"]
    assert now.nodes[3]["assignee"] == {"kind": "unit", "value": [acme.south.pk]}


def test_the_editor_says_where_an_amount_would_go(acme, usual, get, post):
    path = f"settings/flows/{usual.pk}/edit/"
    sent = fields(text(get(acme.admin, path)))
    sent |= {"try-amount": "1000000", "try-submitter": acme.rep.pk}
    page = text(post(acme.admin, path, **sent, do="try"))
    found = re.sub(r"<[^>]+>|\s+", " ", page.split('class="flow-found"')[1].split("</ol>")[0])
    assert "Manager" in found and "Finance" in found and "Legal" in found and "nobody" in found
    sent["try-amount"] = "99999.99"
    page = text(post(acme.admin, path, **sent, do="try"))
    assert "Finance" not in page.split('class="flow-found"')[1].split("</ol>")[0]
    assert Flow.objects.of(acme.tenant).filter(subject_type=KIND).count() == 1


def test_flows_are_for_administrators(acme, usual, get, post):
    for path in ("settings/flows/", f"settings/flows/{usual.pk}/", f"settings/flows/{usual.pk}/edit/"):
        assert get(acme.admin, path).status_code == 200
        for member in (acme.rep, acme.manager, acme.finance, acme.legal):
            assert get(member, path).status_code == 403
        assert get(acme.partner, path).status_code == 403
    assert post(acme.admin, f"settings/flows/{KIND}/start/").status_code == 302
    assert post(acme.admin, "settings/flows/leads.lead/start/").status_code == 404


def test_the_flow_page_shows_waiting_times(acme, ask, get):
    instance = ask()
    approve_all(instance, acme.manager)
    page = text(get(acme.admin, f"settings/flows/{instance.flow_id}/"))
    assert re.search(r'data-label="Decided">1<', page) and "0 minutes" in page
    assert get(acme.admin, f"settings/flows/{instance.flow_id}/?period=2020").status_code == 200
    assert get(acme.admin, f"settings/flows/{instance.flow_id}/?period=soon").status_code in (400, 422)


@pytest.mark.parametrize("path", ["approvals/", "approvals/?box=all", "approvals/deputies/"])
def test_lists_cost_the_same_for_one_row_and_thirty(acme, ask, get, path):
    def count() -> int:
        get(acme.admin, path)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert get(acme.admin, path).status_code == 200
        return len([one for one in queries if "SAVEPOINT" not in one["sql"] and "set_config" not in one["sql"]])

    def fill(how_many: int) -> None:
        for number in range(how_many):
            ask(name=f"Deal {number}")
            day = acme.tenant.today().replace(year=2040)
            person = [acme.rep, acme.peer, acme.manager][number % 3]
            actions_day = day.replace(month=number % 12 + 1, day=number // 12 + 1)
            Delegation(tenant=acme.tenant, principal=person, deputy=acme.legal, start=actions_day,
                       end=actions_day).save()  # fmt: skip

    fill(1)
    one = count()
    fill(29)
    assert count() == one <= 12


def test_a_card_costs_a_fixed_number_of_queries(acme, ask, get):
    instance = ask("999999")
    approve_all(instance, acme.manager, acme.finance)
    get(acme.legal, f"approvals/{instance.pk}/")
    with CaptureQueriesContext(connection) as queries:
        get(acme.legal, f"approvals/{instance.pk}/")
    assert len(queries) <= 20, [one["sql"][:90] for one in queries]


def test_withdrawn_documents_can_be_sent_again(acme, ask, post):
    instance = ask()
    post(acme.rep, f"approvals/{instance.pk}/do/withdraw/")
    deal = Opportunity.objects.of(acme.tenant).get(pk=instance.subject_id)
    assert actions.submit(deal, by=acme.rep).pk != instance.pk
