"""Pages of customers, contacts, visits and the panel of activities: what they show, to whom, in how many queries."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions import add_collaborator, add_contact, create_account
from accounts.models import Account, Contact
from crm.core.activities import actions
from crm.core.activities.models import Activity, Attachment, Task
from crm.core.tenancy.state import leave

pytestmark = pytest.mark.django_db
VALID = "91110000600037341L"


@pytest.fixture
def account(acme):
    return create_account(by=acme.rep, name="北京星河软件有限公司", uscc=VALID, phone="010-88888888", region="北京")


@pytest.fixture
def get(sign_in):
    def ask(member, path, **headers):
        with leave():
            return sign_in(member).get(f"/{member.tenant.slug}/{path}", headers=headers)

    return ask


@pytest.fixture
def post(sign_in):
    def send(member, path, data=None, **headers):
        with leave():
            return sign_in(member).post(f"/{member.tenant.slug}/{path}", data or {}, headers=headers)

    return send


def text(response) -> str:
    return response.content.decode()


ROLES = ["rep", "peer", "other_rep", "manager", "presales", "finance", "legal", "partner", "admin"]


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("accounts/", dict.fromkeys(ROLES, 200)),
        ("accounts/new/", dict.fromkeys(["rep", "peer", "other_rep", "manager", "admin"], 200)),
        ("accounts/{account}/", dict.fromkeys(["rep", "manager", "finance", "admin"], 200)
         | dict.fromkeys(["peer", "other_rep", "presales", "legal", "partner"], 404)),
        ("accounts/{account}/edit/", dict.fromkeys(["rep", "manager", "admin"], 200)
         | dict.fromkeys(["peer", "other_rep", "presales", "legal", "partner"], 404)),
        ("accounts/{account}/transfer/", dict.fromkeys(["manager", "admin"], 200)
         | dict.fromkeys(["peer", "other_rep", "presales", "legal", "partner"], 404)),
        ("contacts/{contact}/", dict.fromkeys(["rep", "manager", "finance", "admin"], 200)
         | dict.fromkeys(["peer", "other_rep", "presales", "legal", "partner"], 404)),
        ("accounts/{account}/contacts/new/", dict.fromkeys(["rep", "manager", "admin"], 200)
         | dict.fromkeys(["peer", "other_rep", "presales", "legal", "partner"], 404)),
        ("visits/", dict.fromkeys(["rep", "peer", "other_rep", "manager", "presales", "admin"], 200)),
        ("visits/new/", dict.fromkeys(["rep", "peer", "other_rep", "manager", "presales", "admin"], 200)),
        ("activities/accounts.account/{account}/", dict.fromkeys(["rep", "manager", "finance", "admin"], 200)
         | dict.fromkeys(["peer", "other_rep", "presales", "legal", "partner"], 404)),
        ("files/{file}/", dict.fromkeys(["rep", "manager", "finance", "admin"], 200)
         | dict.fromkeys(["peer", "other_rep", "presales", "legal", "partner"], 404)),
    ],
)  # fmt: skip
def test_who_gets_which_page(acme, account, get, upload, path, codes):
    """Everybody who is not named is told that his role does not allow it (the founder manages too)."""
    contact = add_contact(account, by=acme.rep, name="王一")
    file = actions.attach([account], upload("offer.txt", b"offer"), by=acme.rep)
    path = path.format(account=account.pk, contact=contact.pk, file=file.pk)
    found = {role: get(getattr(acme, role), path).status_code for role in ROLES}
    assert found == {role: codes.get(role, 403) for role in ROLES}


def business(ask) -> int:
    """How often a page asks the database, besides opening the transaction and finding session, user and member."""
    technical = ("SAVEPOINT", "SET LOCAL", "BEGIN", "COMMIT", "django_session", "people_user", "usersession")
    with CaptureQueriesContext(connection) as queries:
        assert ask().status_code == 200
    return len([q for q in queries.captured_queries if not any(word in q["sql"] for word in technical)])


def hang(account, by, numbers):
    """One more of everything that hangs on a customer, for each number."""
    for number in numbers:
        add_contact(account, by=by, name=f"人{number}")
        actions.log([account], by=by, type="visit", note=f"n{number}", outcome="quote")
        create_account(by=by, name=f"子{number}公司", parent=account, region="华东")
        actions.add_task(account, by=by, title=f"t{number}", due_at=timezone.now())


PAGES = [
    ("accounts/?view=all", 12),
    ("visits/?view=all", 12),
    ("visits/new/", 12),
    ("accounts/{pk}/", 20),
    ("activities/accounts.account/{pk}/", 20),
]


def test_pages_ask_as_often_for_one_row_as_for_thirty(acme, account, get):
    def asked():
        return {
            path: business(lambda path=path: get(acme.manager, path.format(pk=account.pk))) for path, _most in PAGES
        }

    add_collaborator(account, acme.peer, by=acme.rep)
    hang(account, acme.rep, [0])
    asked()
    once = asked()
    hang(account, acme.rep, range(1, 30))
    assert asked() == once
    assert {path: count for path, count in once.items() if count > dict(PAGES)[path]} == {}


def test_a_placeholder_is_marked_everywhere(acme, get):
    unknown = create_account(by=acme.rep, name="未知客户", is_placeholder=True)
    assert "badge warning" in text(get(acme.rep, "accounts/"))
    assert "alert warning" in text(get(acme.rep, f"accounts/{unknown.pk}/"))


def test_a_customer_is_made_and_found(acme, post, get):
    response = post(
        acme.rep, "accounts/new/", {"name": "上海明远机电有限公司", "kind": "end_customer", "uscc": VALID.lower()}
    )
    made = Account.objects.of(acme.tenant).get(name="上海明远机电有限公司")
    assert response.status_code == 302 and response.url.endswith(f"/accounts/{made.pk}/")
    assert (made.owner, made.uscc, made.valid_uscc) == (acme.rep, VALID, VALID)
    assert "上海明远" in text(get(acme.rep, "accounts/?q=明远"))
    assert "上海明远" not in text(get(acme.rep, "accounts/?q=北京"))
    assert get(acme.rep, "accounts/options/?q=smy").json()["results"] == []
    assert get(acme.rep, "accounts/options/?q=shmy").json()["results"][0]["id"] == made.pk


def test_a_likely_duplicate_needs_a_decision_and_nothing_typed_is_lost(acme, account, post):
    typed = {"name": "北京 星河软件 有限责任公司", "kind": "end_customer", "address": "中关村"}
    response = post(acme.rep, "accounts/new/", typed)
    assert response.status_code == 409
    assert "中关村" in text(response) and "decided" in text(response)
    assert post(acme.rep, "accounts/new/", {**typed, "decided": "on"}).status_code == 302
    assert post(acme.manager, "accounts/new/", typed).status_code == 302


def test_the_same_credit_code_is_refused_whatever_one_decides(acme, account, post):
    typed = {"name": "另一家", "kind": "end_customer", "uscc": VALID, "decided": "on"}
    for member in (acme.rep, acme.manager, acme.other_rep):
        response = post(member, "accounts/new/", typed)
        assert response.status_code == 409
    assert "星河" not in text(response)
    assert Account.objects.of(acme.tenant).filter(valid_uscc=VALID).count() == 1


def test_an_old_page_is_a_conflict_and_keeps_what_was_typed(acme, account, post):
    typed = {"name": "北京星河软件有限公司", "kind": "end_customer", "region": "天津", "version": account.version}
    assert post(acme.rep, f"accounts/{account.pk}/edit/", typed).status_code == 302
    again = post(acme.rep, f"accounts/{account.pk}/edit/", {**typed, "region": "上海"})
    assert again.status_code == 409 and "上海" in text(again)
    account.refresh_from_db()
    assert account.region == "天津"


def test_facts_are_edited_in_place(acme, account, get, post):
    form = text(get(acme.rep, f"accounts/{account.pk}/edit/", HX_Request="true"))
    assert 'id="facts"' in form and "<html" not in form
    typed = {"name": account.name, "kind": "end_customer", "region": "天津", "version": account.version}
    facts = post(acme.rep, f"accounts/{account.pk}/edit/", typed, HX_Request="true")
    assert facts.status_code == 200 and "天津" in text(facts) and 'id="facts"' in text(facts)


def test_handing_over_moves_what_one_sees(acme, account, get, post):
    to = {"to": acme.other_rep.pk, "reason": "区域调整"}
    assert post(acme.rep, f"accounts/{account.pk}/transfer/", to).status_code == 403
    assert (
        post(acme.manager, f"accounts/{account.pk}/transfer/", {"to": acme.finance.pk, "reason": "x"}).status_code
        == 422
    )
    response = post(acme.manager, f"accounts/{account.pk}/transfer/", to)
    assert response.url.endswith("/accounts/")
    assert get(acme.rep, f"accounts/{account.pk}/").status_code == 404
    page = text(get(acme.other_rep, f"activities/accounts.account/{account.pk}/"))
    assert "区域调整" in page and "Rep" in page


def test_collaborators_come_and_go(acme, account, get, post):
    url = f"accounts/{account.pk}/collaborators"
    assert post(acme.rep, f"{url}/add/", {"member": acme.presales.pk}).status_code == 302
    assert get(acme.presales, f"accounts/{account.pk}/").status_code == 200
    assert get(acme.presales, f"accounts/{account.pk}/edit/").status_code == 403
    assert post(acme.rep, f"{url}/add/", {"member": "x"}).status_code == 422
    post(acme.rep, f"{url}/remove/", {"member": acme.presales.pk})
    assert get(acme.presales, f"accounts/{account.pk}/").status_code == 404


def test_a_contact_is_added_and_changed(acme, account, post):
    assert post(acme.rep, f"accounts/{account.pk}/contacts/new/", {"name": ""}).status_code == 422
    post(acme.rep, f"accounts/{account.pk}/contacts/new/", {"name": "王一", "phone": "138 0013 8000"})
    contact = Contact.objects.of(acme.tenant).get()
    post(acme.rep, f"contacts/{contact.pk}/edit/", {"name": "王一", "has_left": "on", "version": 1})
    contact.refresh_from_db()
    assert contact.has_left and contact.phone == ""


def test_hints_come_while_one_types(acme, account, get):
    page = text(get(acme.other_rep, "duplicates/?name=北京星河软件", HX_Request="true"))
    assert "Rep" in page and "星河" not in page
    assert "星河" in text(get(acme.rep, "duplicates/?name=北京星河软件"))
    assert "alert" not in text(get(acme.rep, f"duplicates/?name=北京星河软件&exclude=accounts.account:{account.pk}"))
    assert get(acme.finance, "duplicates/?name=x").status_code == 403


# The panel


def test_an_activity_is_logged_on_the_panel(acme, account, post):
    url = f"activities/accounts.account/{account.pk}/log/"
    response = post(acme.rep, url, {"type": "call", "note": "谈了价格", "next": "tomorrow"}, HX_Request="true")
    assert response.status_code == 200 and "谈了价格" in text(response)
    task = Task.objects.of(acme.tenant).get()
    local = timezone.localtime(task.due_at, acme.tenant.zone)
    assert (local.date() - acme.tenant.today(), local.hour) == (timedelta(days=1), 9)
    assert post(acme.rep, url, {"type": "call"}).status_code == 302


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"type": "x"},
        {"type": "call", "occurred_at": "2999-01-01T00:00"},
        {"type": "call", "occurred_at": "yesterday"},
        {"type": "call", "next_date": "2001-01-01"},
    ],
)
def test_a_wrong_entry_comes_back_with_a_sentence(acme, account, post, typed):
    response = post(
        acme.rep, f"activities/accounts.account/{account.pk}/log/", {**typed, "note": "留着"}, HX_Request="true"
    )
    assert response.status_code == 422
    assert "留着" in text(response) and "error-summary" in text(response)
    assert not Activity.objects.of(acme.tenant).exists()


@pytest.mark.parametrize(
    "subject", ["accounts.account/999999", "people.member/1", "x/1", "events.event/1", "leads.lead/1"]
)
def test_there_is_no_panel_for_what_one_does_not_see(acme, account, get, subject):
    assert get(acme.rep, f"activities/{subject}/").status_code == 404


def test_the_timeline_goes_on_in_pages(acme, account, get):
    for number in range(30):
        actions.log([account], by=acme.rep, type="note", note=f"第{number}条",
                    occurred_at=timezone.now() - timedelta(hours=number + 1))  # fmt: skip
    first = text(get(acme.rep, f"activities/accounts.account/{account.pk}/", HX_Request="true"))
    more = re.search(r'hx-get="([^"]+before=[^"]+)"', first)[1].replace("&amp;", "&")
    second = text(get(acme.rep, more.removeprefix("/acme/"), HX_Request="true"))
    shown = re.findall(r"第(\d+)条", first) + re.findall(r"第(\d+)条", second)
    assert [int(number) for number in shown] == list(range(30))
    assert (first + second).count("Created") == 1
    assert get(acme.rep, f"activities/accounts.account/{account.pk}/?before=x").status_code == 400


def test_tasks_are_done_from_the_panel(acme, account, post):
    url = f"activities/accounts.account/{account.pk}/tasks/"
    assert post(acme.rep, url, {"title": "寄样品", "due_at": "2030-01-02T09:00"}, HX_Request="true").status_code == 200
    task = Task.objects.of(acme.tenant).get()
    assert timezone.localtime(task.due_at, acme.tenant.zone).hour == 9
    assert post(acme.peer, f"tasks/{task.pk}/complete/").status_code == 404
    assert post(acme.rep, f"tasks/{task.pk}/complete/", HX_Request="true").status_code == 200
    assert post(acme.rep, f"tasks/{task.pk}/complete/").status_code == 409
    assert post(acme.rep, f"tasks/{task.pk}/nonsense/").status_code == 404


def test_a_file_is_added_on_the_panel(acme, account, post, upload):
    url = f"activities/accounts.account/{account.pk}/files/"
    assert post(acme.rep, url, {"file": upload("报价.txt", "一百".encode())}, HX_Request="true").status_code == 200
    assert Attachment.objects.of(acme.tenant).get().name == "报价.txt"
    refused = post(acme.rep, url, {"file": upload("x.html", b"<html><script>alert(1)</script>")}, HX_Request="true")
    assert refused.status_code == 422 and "error-summary" in text(refused)
    assert Attachment.objects.of(acme.tenant).count() == 1
