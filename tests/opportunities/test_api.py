"""The REST face of deals, pipelines, products and the funnel."""

import re
from datetime import date
from decimal import Decimal

import pytest

from opportunities import actions
from opportunities.models import Opportunity
from tests.conftest import join

pytestmark = pytest.mark.django_db
MONEY = re.compile(r"^-?\d+\.\d{2}$")


def test_a_deal_is_opened_read_edited_and_closed(acme, api, account, stage):
    call = api(acme.rep)
    made = call("post", "opportunities/", {"name": "Nine pumps", "account": account.pk, "amount": "900.5"})
    assert made.status_code == 201
    body = made.json()
    assert (body["amount"], body["weighted"], body["stage_key"], body["status"]) == (
        "900.50",
        "90.05",
        "contact",
        "open",
    )
    path = f"opportunities/{body['id']}/"
    assert call("get", path)["ETag"] == '"1"'
    edited = call("patch", path, {"amount": "1000.00", "version": 1})
    assert (edited.status_code, edited.json()["amount"]) == (200, "1000.00")
    assert call("patch", path, {"amount": "1.00", "version": 1}).json()["code"] == "VERSION_CONFLICT"
    assert call("post", f"{path}move/", {"stage": "quote"}).json()["probability"] == "0.500000"
    assert (
        call("post", f"{path}override-probability/", {"probability": "0.6", "reason": "gut"}).json()["weighted"]
        == "600.00"
    )
    assert call("post", f"{path}clear-override/", {}).json()["probability"] == "0.500000"
    assert call("post", f"{path}suspend/", {"reason": "budget"}).json()["status"] == "suspended"
    assert call("post", f"{path}resume/", {}).json()["status"] == "open"
    assert call("post", f"{path}lose/", {"reason": "price"}).json()["lost_reason"] == "price"
    assert call("post", f"{path}reopen/", {"reason": "they called"}).status_code == 403
    assert api(acme.manager)("post", f"{path}reopen/", {"reason": "they called"}).json()["status"] == "open"
    assert (
        api(acme.manager)("post", f"{path}transfer/", {"to": acme.peer.pk, "reason": "holiday"}).json()["owner"]
        == acme.peer.pk
    )
    won = api(acme.peer)("post", f"{path}win/", {"amount": "990.00"}).json()
    assert (won["status"], won["amount"], won["weighted"]) == ("won", "990.00", "990.00")


def test_what_a_verb_changes_is_not_edited(acme, api, deal, stage):
    opp = deal()
    answer = api(acme.rep)("patch", f"opportunities/{opp.pk}/", {"stage": stage("quote").pk, "owner": acme.rep.pk})
    assert answer.status_code == 400
    assert set(answer.json()) == {"stage", "owner"}
    assert api(acme.rep)("patch", f"opportunities/{opp.pk}/", {"status": "won"}).json()["status"] == "open"


BAD = [
    ("move/", {"stage": "nope"}), ("move/", {}), ("move/", {"stage": "quote", "version": "x"}),
    ("lose/", {"reason": "bad luck"}), ("lose/", {}),
    ("suspend/", {"reason": "  "}), ("override-probability/", {"probability": "1", "reason": "sure"}),
    ("override-probability/", {"probability": "NaN", "reason": "x"}), ("win/", {"amount": "-1"}),
    ("win/", {"amount": "1.001"}),
    ("win/", {"amount": "1e400"}), ("reopen/", {"reason": "\x00"}), ("move/", {"stage": "\x00"}), ("move/", [1]),
]  # fmt: skip


def test_bad_input_is_400_with_the_field(acme, api, deal):
    opp, call = deal(), api(acme.rep)
    for verb, data in BAD:
        answer = call("post", f"opportunities/{opp.pk}/{verb}", data)
        assert answer.status_code in (400, 409) or (verb == "reopen/" and answer.status_code == 403), (
            verb,
            data,
            answer,
        )
    opp.refresh_from_db()
    assert opp.version == 1


BAD_FILTERS = [
    "period=2024-99", "period=9999-01-01..", "owner=x", "team=999999999999999999999", "stage=nope", "status=nope",
    "amount_min=x",    "reached=zz", "pipeline=zz", "opened=%00", "account=-1", "cursor=zzz",
]  # fmt: skip


def test_bad_filters_are_400(acme, api):
    call = api(acme.rep)
    for query in BAD_FILTERS:
        assert call("get", f"/acme/api/v1/opportunities/?{query}").status_code in (400, 404), query
    for query in BAD_FILTERS[:4]:
        assert call("get", f"/acme/api/v1/funnel/?{query}").status_code == 400, query


def money_in(body):
    """Every value below a key that names money."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key in ("amount", "weighted", "velocity", "pipeline", "best_case", "commit", "closed") and isinstance(
                value, str
            ):
                yield value
            yield from money_in(value)
    elif isinstance(body, list):
        for value in body:
            yield from money_in(value)


def test_the_funnel_has_money_as_text_and_links_to_its_rows(acme, api, deal, stage):
    for key, amount in (("contact", "333.33"), ("contact", "333.33"), ("quote", "100.10"), ("won", "50")):
        actions.move_stage(deal(amount=Decimal(amount), close_date=date(2030, 5, 1)), stage(key), by=acme.rep)
    deal()
    call = api(acme.manager)
    body = call("get", "funnel/", {"period": "all"}).json()
    assert body["total"]["weighted"] == "166.71"
    assert not any(isinstance(value, float) for value in flat(body))
    found = list(money_in({key: body[key] for key in ("stages", "total", "forecast")}))
    assert found and all(MONEY.match(value) for value in found)
    for part in [*body["stages"], body["total"]]:
        rows = call("get", part["href"]).json()["results"]
        assert len(rows) == part["count"]
        assert sum(Decimal(row["amount"] or 0) for row in rows) == Decimal(part["amount"])
        assert sum(Decimal(row["weighted"] or 0) for row in rows) == Decimal(part["weighted"])
        assert len(call("get", part["without_amount_href"]).json()["results"]) == part["without_amount"]
    first = body["stages"][0]
    assert len(call("get", first["reached_href"]).json()["results"]) == first["reached"] == 5


def flat(body):
    if isinstance(body, dict | list):
        for value in body.values() if isinstance(body, dict) else body:
            yield from flat(value)
    else:
        yield body


def test_who_may_read_what(acme, globex, api, deal):
    opp = deal()
    expected = {
        acme.rep: (200, 200, 200), acme.manager: (200, 200, 200), acme.admin: (200, 200, 200),
        acme.peer: (200, 404, 200), acme.other_rep: (200, 404, 200), acme.finance: (403, 403, 403),
        acme.legal: (200, 404, 403),
        acme.presales: (200, 404, 200), acme.partner: (200, 404, 200),
    }  # fmt: skip
    for member, codes in expected.items():
        call = api(member)
        got = [call("get", path).status_code for path in ("opportunities/", f"opportunities/{opp.pk}/", "funnel/")]
        assert tuple(got) == codes, member


def test_who_may_do_what(acme, api, deal, stage):
    opp = deal()
    admin = join(acme.admin, "Only Admin", "admin")
    for member in (admin, acme.finance, acme.legal, acme.presales, acme.partner, acme.peer, acme.other_rep):
        for verb, data in (("move/", {"stage": "quote"}), ("win/", {}), ("lose/", {"reason": "price"})):
            assert api(member)("post", f"opportunities/{opp.pk}/{verb}", data).status_code in (403, 404), (member, verb)
        assert api(member)("patch", f"opportunities/{opp.pk}/", {"name": "x"}).status_code in (403, 404), member
    opp.refresh_from_db()
    assert opp.version == 1
    for member in (admin, acme.finance, acme.legal, acme.presales, acme.partner):
        answer = api(member)("post", "opportunities/", {"name": "x", "account": opp.account_id})
        assert answer.status_code in (400, 403), member
    assert Opportunity.objects.of(acme.tenant).count() == 1


def test_a_key_moves_once(acme, api, deal):
    opp, call = deal(), api(acme.rep)
    for _ in range(2):
        answer = call("post", f"opportunities/{opp.pk}/win/", {"amount": "5.00"}, Idempotency_Key="k1")
        assert answer.status_code == 200
    opp.refresh_from_db()
    assert opp.version == 2


def test_pipelines_are_read_by_all_who_sell_and_published_by_the_admin(acme, api, pipeline):
    body = api(acme.rep)("get", f"pipelines/{pipeline.pk}/").json()
    assert [stage["probability"] for stage in body["stages"]] == [
        "0.100000",
        "0.300000",
        "0.500000",
        "0.800000",
        "1.000000",
    ]
    stages = [
        {"key": "contact", "name": "Hello", "probability": "0.2"}, {"key": "won", "name": "Yes", "probability": "1"},
    ]  # fmt: skip
    path = f"pipelines/{pipeline.pk}/publish/"
    assert api(acme.manager)("post", path, {"stages": stages}).status_code == 403
    assert api(acme.admin)("post", path, {"stages": stages[1:]}).status_code == 400
    assert api(acme.admin)("post", path, {"stages": [{**stages[0], "probability": "1"}, stages[1]]}).status_code == 400
    assert api(acme.admin)("post", path, {"stages": [stages[0], stages[0], stages[1]]}).status_code == 400
    answer = api(acme.admin)("post", path, {"stages": stages})
    assert (answer.status_code, answer.json()["number"], answer.json()["is_default"]) == (201, 2, True)
    assert api(acme.admin)("post", path, {"stages": stages}).status_code == 409


def test_products(acme, api):
    call = api(acme.admin)
    made = call("post", "products/", {"name": "Pump 7", "code": "P7", "list_price": "99.9"}).json()
    assert made["list_price"] == "99.90"
    assert call("post", "products/", {"name": "Pump 7"}).status_code == 400
    assert call("post", "products/", {"name": "Pump 8", "list_price": "-1"}).status_code == 400
    path = f"products/{made['id']}/"
    assert call("patch", path, {"is_active": False, "version": 1}).json()["version"] == 2
    assert call("patch", path, {"is_active": True, "version": 1}).status_code == 409
    assert api(acme.rep)("get", path).json()["name"] == "Pump 7"
    assert api(acme.rep)("patch", path, {"name": "x"}).status_code == 403
    assert api(acme.rep)("post", "products/", {"name": "x"}).status_code == 403
    assert [row["name"] for row in api(acme.rep)("get", "products/", {"q": "p7"}).json()["results"]] == ["Pump 7"]
