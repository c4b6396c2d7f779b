"""Leads and pools over REST: verbs, filters, refusals, idempotency, a constant number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.core.events.models import Event
from crm.core.pools.models import ClaimCounter
from leads import actions
from leads.models import Lead

from .build import contact, default_pool, held, in_pool

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(acme, api):
    return api(acme.rep)


def test_create_read_change(acme, call):
    made = call("post", "leads/", {**contact(), "source": "fair"})
    assert made.status_code == 201, made.content
    lead = made.json()
    assert (lead["status"], lead["owner"], lead["source"]) == ("assigned", acme.rep.pk, "fair")
    assert lead["clock"]["rule"] == "no_followup" and lead["clock"]["remaining_days"] == 7
    url = f"leads/{lead['id']}/"
    assert call("get", url)["ETag"] == '"1"'
    assert call("patch", url, {"region": "华东", "version": 1}).json()["version"] == 2
    assert call("patch", url, {"region": "华南", "version": 1}).json()["code"] == "VERSION_CONFLICT"
    assert call("patch", url, {"email": "no"}).status_code == 400
    into = call("post", "leads/", {**contact(), "into_pool": default_pool(acme.tenant).pk}).json()
    assert (into["status"], into["contact_hidden"]) == ("pooled", True)


def test_what_is_not_declared_cannot_be_assigned(acme, call):
    stolen = {"owner": acme.peer.pk, "status": "converted", "tenant": 1, "pool": None, "locked": True, "version": 9,
              "created_by": acme.peer.pk, "protected_until": "2999-01-01", "return_count": -1}  # fmt: skip
    lead = Lead.objects.of(acme.tenant).get(pk=call("post", "leads/", {**contact(), **stolen}).json()["id"])
    assert (lead.owner, lead.status, lead.locked, lead.version, lead.created_by) == (
        acme.rep, "assigned", False, 1, acme.rep,
    )  # fmt: skip
    call("patch", f"leads/{lead.pk}/", {**stolen, "version": 1})
    lead.refresh_from_db()
    assert (lead.owner, lead.status, lead.locked, lead.return_count) == (acme.rep, "assigned", False, 0)


def test_every_verb_of_an_owner(acme, call):
    lead = held(acme.rep)
    do = lambda verb, data=None: call("post", f"leads/{lead.pk}/{verb}/", data or {}).json()  # noqa: E731
    assert do("qualify")["status"] == "qualified"
    assert do("resume")["status"] == "working"
    assert do("nurture", {"reason": "next year"})["clock"]["exempt"] == "RESTING"
    assert do("convert")["code"] == "INVALID_TRANSITION"
    assert do("resume")["status"] == "working"
    assert list(do("return")) == ["reason"]
    assert do("return", {"reason": "no need"})["status"] == "pooled"
    assert do("claim")["code"] == "COOL_OFF"


def test_every_verb_of_a_manager(acme, api):
    call, lead, mine = api(acme.manager), in_pool(acme.admin), held(acme.rep)
    do = lambda verb, data=None: call("post", f"leads/{lead.pk}/{verb}/", data or {})  # noqa: E731
    assert do("assign", {"to": acme.rep.pk}).json()["owner"] == acme.rep.pk
    assert do("transfer", {"to": acme.peer.pk, "reason": "holiday"}).json()["owner_name"] == "Peer"
    assert do("transfer", {"to": acme.other_rep.pk}).status_code == 403
    day = acme.tenant.today().isoformat()
    assert do("protect", {"until": day}).json()["clock"]["exempt"] == "PROTECTED"
    assert do("reclaim", {"reason": "for another"}).json()["status"] == "pooled"
    converted = call("post", f"leads/{mine.pk}/convert/", {"opportunity_values": {"name": "Deal", "amount": "10.00"}})
    assert converted.json()["status"] == "converted" and converted.json()["opportunity"]
    again = call("post", f"leads/{mine.pk}/convert/", {"opportunity_values": {"name": "Deal", "amount": "10.00"}})
    assert again.json()["opportunity"] == converted.json()["opportunity"]
    lost = held(acme.rep)
    call("post", f"leads/{lost.pk}/disqualify/", {"reason": "fake"})
    assert call("post", f"leads/{lost.pk}/revive/").json()["status"] == "pooled"


def test_claiming_what_somebody_else_took_says_so(acme, call):
    lead = in_pool(acme.admin)
    actions.claim(lead, by=acme.peer)
    answer = call("post", f"leads/{lead.pk}/claim/")
    assert (answer.status_code, answer.json()["code"]) == (409, "ALREADY_CLAIMED")
    assert call("get", f"leads/{lead.pk}/").status_code == 404
    stranger = held(acme.other_rep)
    Lead.objects.of(acme.tenant).filter(pk=stranger.pk).update(home_pool=None)
    assert call("post", f"leads/{stranger.pk}/claim/").status_code == 404


def test_a_batch_claims_all_or_none(acme, call):
    ids = [in_pool(acme.admin).pk for _ in range(6)]
    answer = call("post", "leads/claim-batch/", {"ids": ids})
    assert (answer.status_code, answer.json()["code"], answer.json()["remaining"]) == (409, "DAILY_LIMIT", 5)
    assert Lead.objects.of(acme.tenant).filter(status="pooled").count() == 6
    assert len(call("post", "leads/claim-batch/", {"ids": ids[:5]}).json()) == 5
    for bad in ({"ids": []}, {"ids": [10**17]}, {"ids": ["x"]}, {}, {"ids": list(range(1, 300))}):
        assert call("post", "leads/claim-batch/", bad).status_code == 400, bad


def test_m4_a_key_claims_once(acme, call):
    lead = in_pool(acme.admin)
    first = call("post", f"leads/{lead.pk}/claim/", {}, Idempotency_Key="k1")
    again = call("post", f"leads/{lead.pk}/claim/", {}, Idempotency_Key="k1")
    assert first.status_code == again.status_code == 200
    assert again.json() == first.json() and again["Replayed"] == "true"
    assert ClaimCounter.objects.of(acme.tenant).get().count == 1
    assert Event.objects.of(acme.tenant).filter(kind="lead.claimed").count() == 1
    assert call("post", f"leads/{in_pool(acme.admin).pk}/claim/", {}, Idempotency_Key="k1").status_code == 422
    refused = call("post", f"leads/{lead.pk}/claim/", {}, Idempotency_Key="k2")
    assert (refused.status_code, refused.json()["code"]) == (409, "ALREADY_CLAIMED")


def test_filters(acme, api):
    call = api(acme.manager)
    old = held(acme.rep, days_ago=40, region="华东", industry="机械")
    pooled, mine = in_pool(acme.admin, source="fair"), held(acme.manager)
    pool = default_pool(acme.tenant).pk
    found = lambda **query: [row["id"] for row in call("get", "leads/", query).json()["results"]]  # noqa: E731
    assert found() == [mine.pk, pooled.pk, old.pk]
    assert found(mine="true") == [mine.pk] and found(mine="false") == [pooled.pk, old.pk]
    assert found(status="pooled") == found(pool=pool) == found(source="fair") == found(view="pool") == [pooled.pk]
    assert found(owner=acme.rep.pk) == found(region="华东") == found(industry="机械") == [old.pk]
    day = (acme.tenant.today() - timedelta(days=20)).isoformat()
    assert found(created_before=day) == [old.pk]
    assert found(created_after=day) == [mine.pk, pooled.pk]
    for bad in ({"status": "x"}, {"pool": "x"}, {"owner": acme.other_rep.pk}, {"created_after": "x"}, {"view": "x"}):
        assert call("get", "leads/", bad).status_code == 400, bad


@pytest.mark.parametrize("path", ["api/v1/leads/", "leads/?view=all", "leads/?view=pool", "leads/?view=team"])
def test_a_list_makes_the_same_queries_for_one_row_and_for_thirty(acme, sign_in, path):
    client = sign_in(acme.manager)
    held(acme.rep), in_pool(acme.admin)
    few = queries(client, path)
    for n in range(15):
        lead = held(acme.peer if n % 2 else acme.rep)
        activities_like(lead)
        actions.return_to_pool(held(acme.peer), by=acme.peer, reason="x")
    many = queries(client, path)
    assert len(many) == len(few), "\n".join(sorted(set(many) - set(few)))
    assert len(many) <= 12, "\n".join(many)


def activities_like(lead):
    Lead.objects.of(lead.tenant_id).filter(pk=lead.pk).update(last_followup_at=timezone.now())


def queries(client, path) -> list[str]:
    """What the page itself asks; the session, the member and savepoints are the middleware's."""
    client.get(f"/acme/{path}")
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(f"/acme/{path}")
    assert answer.status_code == 200
    sql = [query["sql"] for query in captured]
    return [text for text in sql if not text.startswith(("SAVEPOINT", "RELEASE", "SET LOCAL"))]


def test_pools_over_rest(acme, api):
    admin, rep = api(acme.admin), api(acme.rep)
    made = admin("post", "pools/", {"name": "华东公海", "everyone": False, "daily_claim_limit": 2})
    assert made.status_code == 201, made.content
    url = f"pools/{made.json()['id']}/"
    assert rep("get", url).status_code == 404 and rep("post", "pools/", {"name": "x"}).status_code == 403
    seated = admin("post", f"{url}seats/", {"team": acme.north.pk}).json()["seats"]
    assert rep("get", url).json()["name"] == "华东公海"
    assert rep("get", f"{url}quota/").json() == {"remaining": 2}
    assert admin("post", f"{url}seats/{seated[0]['id']}/remove/").json()["seats"] == []
    assert admin("patch", url, {"no_followup_days": 0}).status_code == 400
    assert admin("post", "pools/", {"name": "华东公海"}).status_code == 400
    assert admin("patch", url, {"tz": "Moon/Base"}).status_code == 400


def test_the_dry_run_over_rest(acme, api):
    lead = held(acme.rep, days_ago=5)
    url = f"pools/{default_pool(acme.tenant).pk}/dry-run/"
    answer = api(acme.admin)("post", url, {"no_followup_days": 2})
    shown = {"type": "leads.lead", "id": lead.pk, "label": lead.name, "owner": acme.rep.pk, "owner_name": "Rep"}
    assert answer.json() == {"count": 1, "people": 1, "records": [shown]}
    assert api(acme.admin)("post", url, {}).json()["count"] == 0
    assert api(acme.rep)("post", url, {}).status_code == 403
    assert default_pool(acme.tenant).no_followup_days == 7
