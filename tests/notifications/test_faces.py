"""The bell, the list and the API of notices: one's own, in the reader's language, in few queries (T6)."""

import pytest
from django.utils.translation import get_language

from crm.core.company import actions as company
from crm.core.notifications import texts
from crm.core.notifications.actions import notify, unread_count
from crm.core.notifications.models import Notification
from crm.core.notifications.texts import Text
from crm.core.tenancy.state import enter

pytestmark = pytest.mark.django_db
LIST = "/acme/notifications/"


@pytest.fixture(autouse=True)
def wording(monkeypatch):
    def word(notice):
        hello = "Hello" if get_language() == "en" else "你好"
        return Text(f"{hello} {notice.params['who']}", "<b>body</b>", f"/{notice.tenant.slug}/today/")

    monkeypatch.setitem(texts._kinds, "test.hello", word)


def tell(member, who="Ann", key="1"):
    notify(member, "test.hello", dedupe_key=key, who=who)


def test_the_list_and_the_bell_show_ones_own(acme, sign_in):
    tell(acme.rep, key="1"), tell(acme.rep, key="2"), tell(acme.peer, who="CANARY")
    answer = sign_in(acme.rep).get(LIST)
    page = answer.content.decode()
    assert page.count("Hello Ann") == 2
    assert "CANARY" not in page
    assert "<b>body</b>" not in page
    assert [(link.key, link.count) for link in answer.context["navigation"]["top"]] == [("notices", 2)]


def test_the_texts_are_in_the_readers_language(acme, sign_in, client):
    tell(acme.rep)
    acme.rep.user.language = "zh-hans"
    acme.rep.user.save()
    assert "你好 Ann" in sign_in(acme.rep).get(LIST).content.decode()


def test_opening_a_notice_marks_it_and_goes_there(acme, sign_in):
    tell(acme.rep)
    row = Notification.objects.visible_to(acme.rep).get()
    client = sign_in(acme.rep)
    assert client.get(f"{LIST}{row.pk}/open/").status_code == 405
    assert client.post(f"{LIST}{row.pk}/open/")["Location"] == "/acme/today/"
    assert unread_count(acme.rep) == 0
    assert "Hello" not in client.get(f"{LIST}?unread=true").content.decode()
    assert "Hello" in client.get(LIST).content.decode()


def test_a_notice_of_somebody_else_does_not_exist(acme, globex, sign_in, api):
    tell(acme.peer)
    with enter(globex.tenant):
        tell(globex.stranger)
        foreign = Notification.objects.of(globex.tenant).get()
    for row in (Notification.objects.visible_to(acme.peer).get(), foreign):
        assert sign_in(acme.rep).post(f"{LIST}{row.pk}/open/").status_code == 404
        assert api(acme.rep)("get", f"notifications/{row.pk}/").status_code == 404
        assert api(acme.rep)("post", f"notifications/{row.pk}/read/").status_code == 404
    assert unread_count(acme.peer) == 1


def test_reading_all_reads_ones_own(acme, sign_in):
    tell(acme.rep), tell(acme.peer)
    sign_in(acme.rep).post(f"{LIST}read-all/")
    assert (unread_count(acme.rep), unread_count(acme.peer)) == (0, 1)


def test_the_api_lists_and_reads(acme, api):
    tell(acme.rep, key="1"), tell(acme.rep, key="2"), tell(acme.peer)
    call = api(acme.rep)
    rows = call("get", "notifications/", accept_language="en").json()["results"]
    assert [row["title"] for row in rows] == ["Hello Ann", "Hello Ann"]
    assert rows[0]["url"] == "/acme/today/"
    assert call("post", f"notifications/{rows[0]['id']}/read/").json()["read_at"]
    assert len(call("get", "notifications/?unread=true").json()["results"]) == 1
    assert call("post", "notifications/read-all/").json() == {"read": 1}
    assert call("post", "notifications/", {"kind": "x"}).status_code == 405
    assert unread_count(acme.peer) == 1


def test_the_api_speaks_the_language_of_the_tokens_owner(acme, api):
    tell(acme.rep)
    acme.rep.user.language = "zh-hans"
    acme.rep.user.save()
    (row,) = api(acme.rep)("get", "notifications/").json()["results"]
    assert row["title"] == "你好 Ann"
    (row,) = api(acme.rep)("get", "notifications/", accept_language="en").json()["results"]
    assert row["title"] == "Hello Ann"


@pytest.mark.parametrize("query", ["unread=maybe", "after=nonsense", "kind=%00", "page_size=x"])
def test_a_nonsense_query_is_no_failure(acme, sign_in, api, query):
    tell(acme.rep)
    assert sign_in(acme.rep).get(f"{LIST}?{query}").status_code in (200, 400)
    assert api(acme.rep)("get", f"notifications/?{query}").status_code in (200, 400)


def test_thirty_notices_cost_what_one_costs(acme, sign_in, django_assert_max_num_queries):
    client = sign_in(acme.rep)
    tell(acme.rep)
    client.get(LIST)
    with django_assert_max_num_queries(12) as few:
        client.get(LIST)
    for n in range(30):
        tell(acme.rep, key=f"k{n}")
    with django_assert_max_num_queries(12) as many:
        client.get(LIST)
    assert len(few) == len(many)


def test_the_same_person_in_two_companies_reads_each_in_its_place(acme, globex, client):
    with enter(globex.tenant):
        tell(company.add_member(by=globex.admin, name="Rep", user=acme.rep.user), who="CANARY")
    tell(acme.rep)
    client.force_login(acme.rep.user)
    assert "CANARY" not in client.get(LIST).content.decode()
    assert "CANARY" in client.get("/globex/notifications/").content.decode()
