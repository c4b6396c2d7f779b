"""How leads come in, and never twice (domain.md 6.4)."""

import pytest

from accounts.actions import add_contact, create_account
from crm.core.company import actions as company
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.events.models import Event
from leads import actions
from leads.models import Lead, LeadTouch

from .build import contact, default_pool, held, in_pool

pytestmark = pytest.mark.django_db
FIRM = "北京星河软件有限公司"


def test_a_lead_begins_in_its_makers_hands_with_one_touch(acme):
    arrival = actions.receive(by=acme.rep, **contact(), source="fair")
    lead = arrival.lead
    assert arrival.is_new
    assert (lead.status, lead.owner, lead.home_pool) == ("assigned", acme.rep, default_pool(acme.tenant))
    assert (lead.source, lead.touches.get().channel) == ("fair", "fair")


@pytest.mark.parametrize("who", ["rep", "other_rep", "manager"])
@pytest.mark.parametrize(
    "same",
    [{"email": "Buyer@Firm.example"}, {"phone": "+86 138 0013 8000", "name": "北京 星河软件 有限责任公司"}],
    ids=["e-mail", "mobile and name"],
)
def test_what_is_surely_the_same_becomes_a_touch(acme, who, same):
    known = held(acme.rep, name=FIRM, phone="13800138000", email="buyer@firm.example")
    arrival = actions.receive(by=getattr(acme, who), **{"name": "另一家公司", "source": "website", **same})
    assert (arrival.lead, arrival.is_new) == (known, False)
    assert Lead.objects.of(acme.tenant).count() == 1
    assert [touch.channel for touch in LeadTouch.objects.of(acme.tenant).filter(lead=known)] == ["website", "other"]
    assert Event.objects.of(acme.tenant).filter(kind="lead.touched", subject_id=known.pk).count() == 1


def test_the_same_firm_needs_a_decision_of_a_rep_and_none_of_a_manager(acme):
    held(acme.other_rep, name=FIRM)
    with pytest.raises(Refused) as refused:
        actions.receive(by=acme.rep, name="北京星河软件有限责任公司")
    assert (refused.value.code, refused.value.hits[0].tier.name) == ("DUPLICATE", "REVIEW")
    assert Lead.objects.of(acme.tenant).count() == 1
    assert actions.receive(by=acme.rep, name="北京星河软件有限责任公司", decided=True).is_new
    assert actions.receive(by=acme.manager, name=FIRM).is_new


def test_customers_and_contacts_count_too(acme):
    account = create_account(by=acme.other_rep, name="Some firm")
    add_contact(account, by=acme.other_rep, name="Zhang", email="zhang@some.example")
    with pytest.raises(Refused) as refused:
        actions.receive(by=acme.rep, name="New", email="zhang@some.example")
    assert refused.value.hits[0].subject_type == "accounts.contact"


def test_a_closed_lead_does_not_swallow_a_new_enquiry(acme):
    known = held(acme.rep, name=FIRM, email="buyer@firm.example")
    actions.disqualify(known, by=acme.rep, reason="no budget")
    assert actions.receive(by=acme.rep, name=FIRM, email="buyer@firm.example", decided=True).is_new


def test_a_touch_of_somebody_elses_lead_is_told_without_it(acme, sign_in, api):
    held(acme.other_rep, name=FIRM, email="buyer@firm.example")
    answer = api(acme.rep)("post", "leads/", {"name": "x", "email": "buyer@firm.example"})
    assert (answer.status_code, answer.json()["id"]) == (200, None) and FIRM not in answer.content.decode()
    answer = sign_in(acme.rep).post("/acme/leads/new/", {"name": "x", "email": "buyer@firm.example", "source": "fair"})
    assert answer["Location"] == "/acme/leads/"
    assert "Other Rep" in sign_in(acme.rep).get("/acme/leads/").content.decode()


def test_the_page_asks_and_then_creates_anyway(acme, sign_in):
    held(acme.other_rep, name=FIRM)
    client, typed = sign_in(acme.rep), {"name": FIRM, "source": "fair"}
    answer = client.post("/acme/leads/new/", typed)
    text = answer.content.decode()
    assert answer.status_code == 409 and 'name="decided"' in text and "Other Rep" in text
    assert client.post("/acme/leads/new/", {**typed, "decided": "on"}).status_code == 302
    assert Lead.objects.of(acme.tenant).filter(owner=acme.rep, name=FIRM).count() == 1


def test_bad_input_is_a_sentence_and_nothing_is_lost(acme, sign_in):
    answer = sign_in(acme.rep).post("/acme/leads/new/", {"name": "", "email": "no mail", "needs": "kept text"})
    text = answer.content.decode()
    assert answer.status_code == 422 and "kept text" in text and 'value="no mail"' in text
    for values in ({"name": "x" * 201}, {"name": "x", "email": "no mail"}, {"name": "x", "source": "rumour"}, {}):
        with pytest.raises(ValidationError):
            actions.create_lead(by=acme.rep, **values)


def test_roles_that_do_not_sell_create_nothing(acme):
    for member in (acme.finance, acme.legal, acme.presales):
        with pytest.raises(Forbidden):
            actions.receive(by=member, **contact())


def test_an_administrator_who_does_not_sell_feeds_the_pool(acme):
    admin = company.add_member(by=acme.system, name="Only admin", roles=["admin"])
    assert actions.receive(by=admin, **contact()).lead.pool == default_pool(acme.tenant)


def test_true_dates_of_the_past_are_kept(acme):
    from datetime import UTC, datetime

    at = datetime(2023, 5, 1, tzinfo=UTC)
    lead = actions.create_lead(by=acme.rep, at=at, **contact())
    assert (lead.created_at, lead.owned_at, lead.touches.get().at) == (at, at, at)


def test_editing_finds_and_keeps_the_record_itself_out_of_its_lookalikes(acme):
    from leads.actions.entry import lookalikes

    lead = held(acme.rep, name=FIRM)
    assert lookalikes({"name": FIRM}, by=acme.rep, exclude=lead) == []
    assert len(lookalikes({"name": FIRM}, by=acme.rep)) == 1


def test_lists_search_by_two_characters(acme, api):
    lead = in_pool(acme.admin, name="深圳远望谷信息技术股份有限公司")
    in_pool(acme.admin, name="华为技术有限公司")
    assert [row["id"] for row in api(acme.rep)("get", "leads/", {"q": "远望"}).json()["results"]] == [lead.pk]
