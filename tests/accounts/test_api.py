"""Customers, contacts, activities, tasks, files, search and the duplicate check over REST."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions import add_collaborator, add_contact, create_account
from accounts.models import Account
from crm.core.activities import actions
from crm.core.activities.models import Activity, Attachment, Task
from crm.core.company import actions as company
from crm.core.tenancy.state import enter, leave

pytestmark = pytest.mark.django_db
VALID = "91110000600037341L"


@pytest.fixture
def account(acme):
    return create_account(by=acme.rep, name="北京星河软件有限公司", phone="13800138000")


@pytest.fixture
def ask(api):
    """`ask(member, method, path, data)`: the token is made inside the member's company, the call comes from outside."""

    def call(member, method, path, data=None, **headers):
        with enter(member.tenant_id):
            send = api(member)
        with leave():
            return send(method, path, data, **headers)

    return call


def about(record):
    return {"type": record._meta.label_lower, "id": record.pk}


def test_accounts_are_made_read_changed_and_listed(acme, ask):
    made = ask(
        acme.rep,
        "post",
        "accounts/",
        {"name": "上海明远机电有限公司", "uscc": VALID.lower(), "annual_revenue": "12.50"},
    )
    assert made.status_code == 201
    body = made.json()
    assert (body["owner"], body["uscc"], body["uscc_is_valid"]) == (acme.rep.pk, VALID, True)
    assert body["annual_revenue"] == "12.50"
    one = f"accounts/{body['id']}/"
    assert ask(acme.rep, "patch", one, {"region": "上海", "version": 1}).json()["version"] == 2
    assert ask(acme.rep, "patch", one, {"region": "北京", "version": 1}).status_code == 409
    assert ask(acme.rep, "get", one)["ETag"] == '"2"'
    for query, found in [("?q=明远", 1), ("?q=明天", 0), ("?region=上海", 1), ("?status=lost", 0), ("?view=mine", 1)]:
        assert len(ask(acme.rep, "get", f"accounts/{query}").json()["results"]) == found, query
    assert ask(acme.rep, "get", "accounts/?status=nonsense").status_code == 400


def test_what_may_not_be_set_stays(acme, account, globex, ask):
    """Mass assignment (A1)."""
    wanted = {"tenant": globex.tenant.pk, "status": "active", "owner": acme.peer.pk, "created_by": acme.admin.pk,
              "valid_uscc": VALID, "is_placeholder": True, "last_followup_at": "2026-01-01T00:00Z"}  # fmt: skip
    before = Account.objects.of(acme.tenant).values().get(pk=account.pk)
    assert ask(acme.rep, "patch", f"accounts/{account.pk}/", wanted).status_code == 200
    assert Account.objects.of(acme.tenant).values().get(pk=account.pk) == before
    made = ask(acme.rep, "post", "accounts/", {"name": "新", **{**wanted, "owner": acme.rep.pk}}).json()
    assert (made["status"], made["is_placeholder"], made["last_followup_at"]) == ("potential", False, None)
    assert ask(acme.rep, "post", "accounts/", {"name": "给别人", "owner": acme.peer.pk}).status_code == 403


def test_a_known_customer_is_refused_with_hits(acme, account, ask):
    answer = ask(acme.other_rep, "post", "accounts/", {"name": "北京星河软件"})
    assert answer.status_code == 409 and answer.json()["code"] == "DUPLICATE"
    assert answer.json()["hits"] == [
        {"tier": "REVIEW", "type": "accounts.account", "id": None, "label": "", "owner": "Rep"}
    ]
    assert ask(acme.other_rep, "post", "accounts/", {"name": "北京星河软件", "decided": True}).status_code == 201
    same = ask(acme.other_rep, "post", "accounts/", {"name": "北京星河软件", "phone": "13800138000", "decided": True})
    assert (same.status_code, same.json()["code"]) == (409, "KNOWN")


def test_the_database_keeps_a_credit_code_once(acme, ask):
    create_account(by=acme.other_rep, name="甲", uscc=VALID)
    with pytest.raises(ValidationError) as error:
        create_account(by=acme.rep, name="乙", uscc=VALID)
    assert list(error.value.message_dict) == ["uscc"]


def test_transfer_and_collaborators(acme, account, ask):
    one = f"accounts/{account.pk}"
    assert ask(acme.rep, "post", f"{one}/add_collaborator/", {"member": acme.presales.pk}).json()["collaborators"] == [
        acme.presales.pk
    ]
    assert (
        ask(acme.rep, "post", f"{one}/remove_collaborator/", {"member": acme.presales.pk}).json()["collaborators"] == []
    )
    body = {"to": acme.peer.pk, "reason": "r"}
    assert ask(acme.rep, "post", f"{one}/transfer/", body).status_code == 403
    assert ask(acme.manager, "post", f"{one}/transfer/", {"to": 999999, "reason": "r"}).status_code == 400
    assert ask(acme.manager, "post", f"{one}/transfer/", body).json()["owner"] == acme.peer.pk
    assert ask(acme.rep, "get", f"{one}/").status_code == 404


def test_contacts_of_an_account(acme, account, ask):
    other = create_account(by=acme.other_rep, name="别家")
    made = ask(acme.rep, "post", "contacts/", {"account": account.pk, "name": "王一", "email": "wang@xinghe.example"})
    assert made.status_code == 201
    assert ask(acme.rep, "post", "contacts/", {"account": other.pk, "name": "x"}).status_code == 400
    assert ask(acme.rep, "patch", f"contacts/{made.json()['id']}/", {"account": other.pk}).status_code == 400
    assert [c["name"] for c in ask(acme.rep, "get", f"contacts/?account={account.pk}").json()["results"]] == ["王一"]
    assert ask(acme.rep, "get", f"contacts/?account={other.pk}").json()["results"] == []
    assert ask(acme.other_rep, "get", f"contacts/{made.json()['id']}/").status_code == 404


def test_activities_are_logged_and_never_changed(acme, account, ask):
    body = {
        "type": "call",
        "subjects": [about(account)],
        "note": "谈了",
        "next_step": "再打",
        "next_at": "2999-01-01T00:00:00Z",
    }
    made = ask(acme.rep, "post", "activities/", body)
    assert made.status_code == 201
    assert made.json()["counts_as_followup"] is True and made.json()["subjects"] == [about(account)]
    one = f"activities/{made.json()['id']}/"
    assert ask(acme.rep, "patch", one, {"note": "x"}).status_code == 405
    assert ask(acme.rep, "delete", one).status_code == 405
    assert ask(acme.manager, "get", one).json()["note"] == "谈了"
    assert ask(acme.other_rep, "get", one).status_code == 404
    assert Task.objects.of(acme.tenant).get().title == "再打"


@pytest.mark.parametrize(
    "change",
    [{"subjects": []}, {"subjects": [{"type": "accounts.account", "id": 0}]}, {"type": "x"}, {"subjects": "x"},
     {"subjects": [{"type": "people.member", "id": 1}]}, {"occurred_at": "2999-01-01T00:00:00Z"},
     {"latitude": "91"}, {"duration_min": 99999}, {"next_at": "2000-01-01T00:00:00Z"}, {"note": "\x00"}],
)  # fmt: skip
def test_wrong_activities_are_explained(acme, account, ask, change):
    answer = ask(acme.rep, "post", "activities/", {"type": "call", "subjects": [about(account)], **change})
    assert answer.status_code == 400, answer.content
    assert not Activity.objects.of(acme.tenant).exists()


def test_activities_about_what_one_does_not_see(acme, globex, account, ask):
    body = {"type": "call", "subjects": [about(account)]}
    assert ask(acme.other_rep, "post", "activities/", body).status_code == 400
    assert ask(globex.stranger, "post", "activities/", body).status_code == 400
    assert ask(acme.finance, "post", "activities/", body).status_code in (400, 403)
    assert not Activity.objects.of(acme.tenant).exists()


def test_lists_of_one_record(acme, account, ask, upload):
    add_collaborator(account, acme.presales, by=acme.rep)
    actions.log([account], by=acme.presales, type="demo", note="演示")
    actions.log([account], by=acme.rep, type="call", files=[upload("a.txt", b"1")])
    query = f"?subject_type=accounts.account&subject_id={account.pk}"
    assert len(ask(acme.rep, "get", f"activities/{query}").json()["results"]) == 2
    assert len(ask(acme.rep, "get", f"activities/{query}&type=demo").json()["results"]) == 1
    assert len(ask(acme.rep, "get", "activities/").json()["results"]) == 1
    assert len(ask(acme.rep, "get", f"activities/?actor={acme.rep.pk}").json()["results"]) == 1
    assert len(ask(acme.rep, "get", f"attachments/{query}").json()["results"]) == 1
    for path in ("activities", "tasks", "attachments"):
        assert ask(acme.other_rep, "get", f"{path}/{query}").json()["results"] == []
        assert ask(acme.rep, "get", f"{path}/?subject_type=accounts.account&subject_id=x").status_code == 400


def test_tasks_and_their_verbs(acme, account, ask):
    body = {"title": "寄样品", "due_at": "2030-01-01T01:00:00Z", "subject": about(account)}
    made = ask(acme.rep, "post", "tasks/", body).json()
    assert (made["owner"], made["status"], made["subject_id"]) == (acme.rep.pk, "open", account.pk)
    one = f"tasks/{made['id']}"
    assert ask(acme.rep, "patch", f"{one}/", {"due_at": "2030-02-01T01:00:00Z", "version": 1}).status_code == 200
    assert ask(acme.rep, "post", f"{one}/complete/").json()["status"] == "done"
    assert ask(acme.rep, "post", f"{one}/drop/").status_code == 409
    assert ask(acme.rep, "post", f"{one}/reopen/").json()["status"] == "open"
    assert ask(acme.peer, "post", f"{one}/complete/").status_code == 404
    assert ask(acme.rep, "post", "tasks/", {**body, "owner": acme.peer.pk}).status_code == 403


def test_files_go_up_and_down(acme, account, client, upload, ask):
    theirs = create_account(by=acme.other_rep, name="别家")
    _, secret = company.create_token(acme.rep, by=acme.rep, name="t")
    headers = {"Authorization": f"Token {secret}"}
    data = {"file": upload("报价.txt", b"1"), "subject_type": "accounts.account", "subject_id": account.pk}
    with leave():
        made = client.post("/acme/api/v1/attachments/", data, headers=headers)
        assert made.status_code == 201, made.content
        foreign = {**data, "file": upload("a.txt", b"1"), "subject_id": theirs.pk}
        assert client.post("/acme/api/v1/attachments/", foreign, headers=headers).status_code == 400
        trap = {**data, "file": upload("x.svg", b"<svg onload=alert(1)>")}
        assert client.post("/acme/api/v1/attachments/", trap, headers=headers).json()["code"] == "NOT_ALLOWED"
    one = f"attachments/{made.json()['id']}"
    down = ask(acme.manager, "get", f"{one}/download/")
    assert b"".join(down.streaming_content) == b"1" and down["Content-Disposition"].startswith("attachment")
    assert ask(acme.other_rep, "get", f"{one}/download/").status_code == 404
    assert Attachment.objects.of(acme.tenant).count() == 1


def test_search(acme, account, ask):
    add_contact(account, by=acme.rep, name="星野")
    groups = ask(acme.rep, "get", "search/?q=星").json()
    assert {group["type"]: [one["label"] for one in group["found"]] for group in groups} == {
        "accounts.contact": ["星野"]
    }
    [group] = ask(acme.rep, "get", "search/?q=bjxh").json()
    assert group["found"][0]["url"] == f"/acme/accounts/{account.pk}/"
    assert ask(acme.other_rep, "get", "search/?q=星河").json() == []
    assert ask(acme.rep, "get", "search/").json() == []


def test_duplicates(acme, account, ask):
    body = {"name": "北京 星河软件", "phone": "13800138000"}
    [mine] = ask(acme.rep, "post", "duplicates/check/", body).json()
    assert (mine["tier"], mine["id"], mine["label"]) == ("BLOCK", account.pk, account.name)
    [theirs] = ask(acme.other_rep, "post", "duplicates/check/", body).json()
    assert (theirs["tier"], theirs["id"], theirs["label"], theirs["owner"]) == ("BLOCK", None, "", "Rep")
    assert ask(acme.finance, "post", "duplicates/check/", body).status_code == 403
    assert ask(acme.rep, "post", "duplicates/check/", {}).status_code == 400


@pytest.mark.parametrize("path", ["accounts/", "contacts/", "activities/", "tasks/", "attachments/"])
def test_lists_ask_as_often_for_one_row_as_for_thirty(acme, account, ask, upload, path):
    def more(numbers):
        for number in numbers:
            create_account(by=acme.rep, name=f"第{number}厂")
            add_contact(account, by=acme.rep, name=f"人{number}")
            actions.log([account], by=acme.rep, type="call", files=[upload("a.txt", b"1")])
            actions.add_task(account, by=acme.rep, title="t", due_at=timezone.now())

    def asked():
        with CaptureQueriesContext(connection) as queries:
            results = ask(acme.rep, "get", path).json()["results"]
        return len(queries), len(results)

    more([0])
    asked()
    once, few = asked()
    more(range(1, 30))
    again, many = asked()
    assert many > few and again == once
