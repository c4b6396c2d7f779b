"""What a pool hides, and what a duplicate hint may say (INV-L12, INV-L13); who sees which lead."""

import json

import pytest

from crm.core.activities import actions as activities
from crm.core.names import Identity
from crm.core.pools import actions as pools
from leads import actions
from leads.models import Lead

from .build import default_pool, held, in_pool

pytestmark = pytest.mark.django_db
PHONE, EMAIL, WECHAT = "13866668888", "zhang.wei@secret.example", "weixin-of-zhang"
SECRETS = (PHONE, "138 6666 8888", "66668888", EMAIL, "zhang.wei", WECHAT)


@pytest.fixture
def hidden(acme):
    return in_pool(acme.admin, name="昆山宏达精密有限公司", phone=PHONE, email=EMAIL, wechat=WECHAT)


def leaks(answer) -> list[str]:
    text = answer.content.decode() + str(dict(answer.headers))
    return [secret for secret in SECRETS if secret in text]


def test_one_place_masks(acme, hidden):
    shown = hidden.contact_for(acme.rep)
    assert shown == ("138****8888", "z***@secret.example", "***", True)
    assert hidden.contact_for(acme.admin) == (PHONE, EMAIL, WECHAT, False)
    assert not actions.claim(hidden, by=acme.rep).contact_for(acme.rep).hidden


def test_the_set_says_what_the_record_says(acme, hidden):
    open_pool = pools.create_pool(by=acme.admin, name="Open", mask_contacts=False)
    rows = [hidden, in_pool(acme.admin, pool=open_pool), held(acme.rep)]
    for member in (acme.rep, acme.manager, acme.admin):
        found = set(Lead.objects.of(acme.tenant).filter(Lead.hidden_q(member)).values_list("pk", flat=True))
        assert found == {lead.pk for lead in rows if lead.hides_contact_from(member)}


def test_a_pools_administrator_sees_contacts(acme, hidden):
    pools.give_seat(default_pool(acme.tenant), by=acme.admin, member=acme.manager, is_admin=True)
    assert not hidden.contact_for(acme.manager).hidden


@pytest.mark.parametrize("who", ["rep", "manager"])
def test_no_page_shows_a_hidden_contact(acme, hidden, sign_in, who):
    member = getattr(acme, who)
    activities.log([hidden], by=acme.admin, type="note", note=f"call {PHONE}")
    actions.update_lead(hidden, by=acme.admin, wechat=WECHAT, phone=PHONE + " ")
    client = sign_in(member)
    for path in (
        "leads/?view=pool", "leads/?view=all", f"leads/{hidden.pk}/", f"activities/leads.lead/{hidden.pk}/",
        f"leads/{hidden.pk}/claim/", "leads/?view=all&q=昆山宏达",
    ):  # fmt: skip
        answer = client.get(f"/acme/{path}")
        assert answer.status_code == 200 and leaks(answer) == [], path
    assert client.get(f"/acme/leads/{hidden.pk}/edit/").status_code in (403, 409)


@pytest.mark.parametrize("query", [PHONE, "+86 138 6666 8888", EMAIL, "zhang.wei", WECHAT, "66668888", "8888"])
def test_a_search_by_a_hidden_contact_finds_nothing_until_claimed(acme, hidden, sign_in, api, query):
    found = api(acme.rep)("get", "leads/", {"q": query}).json()["results"]
    assert found == []
    assert "昆山宏达" not in sign_in(acme.rep).get("/acme/leads/", {"view": "all", "q": query}).content.decode()
    assert api(acme.rep)("get", "search/", {"q": query}).json() == []
    actions.claim(hidden, by=acme.rep)
    if query in (PHONE, "+86 138 6666 8888", EMAIL):
        assert [row["id"] for row in api(acme.rep)("get", "leads/", {"q": query}).json()["results"]] == [hidden.pk]


def test_the_api_masks_and_says_so(acme, hidden, api):
    call = api(acme.rep)
    for answer in (call("get", f"leads/{hidden.pk}/"), call("get", "leads/", {"pool": hidden.pool_id})):
        assert leaks(answer) == []
    assert call("get", f"leads/{hidden.pk}/").json()["contact_hidden"] is True
    assert call("patch", f"leads/{hidden.pk}/", {"region": "x"}).status_code == 403
    claimed = call("post", f"leads/{hidden.pk}/claim/").json()
    assert (claimed["phone"], claimed["email"], claimed["contact_hidden"]) == (PHONE, EMAIL, False)


def test_a_manager_of_the_whole_company_does_not_edit_what_he_may_not_see(acme, hidden, api):
    from crm.core.company import actions as company

    company.update_member(acme.manager, by=acme.system, reach="all")
    answer = api(acme.manager)("patch", f"leads/{hidden.pk}/", {"region": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "CLAIM_FIRST")
    assert leaks(api(acme.manager)("get", f"leads/{hidden.pk}/")) == []


def test_returned_leads_hide_their_contact_again(acme, hidden, api):
    actions.return_to_pool(actions.claim(hidden, by=acme.rep), by=acme.rep, reason="x")
    for member in (acme.rep, acme.peer):
        assert leaks(api(member)("get", f"leads/{hidden.pk}/")) == []


def test_a_duplicate_hint_tells_a_stranger_tier_owner_and_status_only(acme, sign_in, api):
    lead = held(
        acme.other_rep, name="昆山宏达精密有限公司", phone=PHONE, email=EMAIL, wechat=WECHAT, needs="secret needs"
    )
    answer = sign_in(acme.rep).get("/acme/duplicates/", {"name": "昆山宏达精密有限公司", "email": "x@y.example"})
    text = answer.content.decode()
    assert "Other Rep" in text and "昆山宏达" not in text and leaks(answer) == []
    from leads.actions.entry import lookalikes

    (hit,) = lookalikes({"name": lead.name, "phone": PHONE}, by=acme.rep)
    assert (hit.tier.name, hit.pk, hit.label, hit.owner_name) == ("BLOCK", None, "", "Other Rep")
    (hit,) = lookalikes({"name": lead.name, "phone": PHONE}, by=acme.partner)
    assert (hit.owner_name, hit.status, hit.reasons) == ("", "", ())
    assert Identity(name=lead.name).firm.key


def test_a_refused_duplicate_over_the_api_is_masked(acme, api):
    held(acme.other_rep, name="昆山宏达精密有限公司", phone=PHONE, email=EMAIL)
    answer = api(acme.rep)("post", "leads/", {"name": "昆山宏达精密有限公司", "phone": "13900000001"})
    assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE")
    assert leaks(answer) == [] and answer.json()["hits"][0]["owner"] == "Other Rep"


def test_who_sees_which_lead(acme):
    own, mate, other, pooled = held(acme.rep), held(acme.peer), held(acme.other_rep), in_pool(acme.admin)
    handed_in = actions.create_lead(by=acme.partner, name="From a partner")
    seen = lambda member: set(Lead.objects.visible_to(member).values_list("pk", flat=True))  # noqa: E731
    assert seen(acme.rep) == {own.pk, pooled.pk, handed_in.pk}
    assert seen(acme.manager) == {own.pk, mate.pk, pooled.pk, handed_in.pk}
    assert seen(acme.admin) == {own.pk, mate.pk, other.pk, pooled.pk, handed_in.pk}
    assert seen(acme.partner) == {handed_in.pk}
    assert seen(acme.presales) == seen(acme.finance) == seen(acme.legal) == set()


def test_a_pool_shows_itself_to_its_members_only(acme):
    closed = pools.create_pool(by=acme.admin, name="Closed", everyone=False)
    lead = in_pool(acme.admin, pool=closed)
    visible = lambda member: Lead.objects.visible_to(member).filter(pk=lead.pk).exists()  # noqa: E731
    assert not visible(acme.rep) and not visible(acme.manager) and visible(acme.admin)
    pools.give_seat(closed, by=acme.admin, team=acme.north)
    assert visible(acme.rep) and visible(acme.manager) and not visible(acme.other_rep)


def test_history_of_a_hidden_lead_has_no_contact(acme, hidden, api):
    rows = json.dumps([event.changes for event in __import__("crm.core.events.history", fromlist=["of"]).of(hidden)])
    assert PHONE in rows, "the test needs an Event that could leak"
    answer = api(acme.rep)("get", "activities/", {"subject_type": "leads.lead", "subject_id": hidden.pk})
    assert leaks(answer) == []
