"""Plans by page and API: drafted with the parts in sight, confirmed by finance."""

import pytest

from crm.core import records
from crm.core.tenancy.state import leave
from receivables.models import Plan, Receivable

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(acme, ledger):
    contract = ledger.contracts[1]  # 50,000.00
    return records.update(contract, by=acme.rep, sign_date="2024-01-31")


def typed(mode: str, *rows: dict, **more) -> dict:
    """What the browser sends for these lines."""
    base = {"kind": "other", "trigger": "sign", "n": "7", "term": "net_days", "shift": "none", "date": ""}
    data = {"mode": mode, "lines-TOTAL_FORMS": str(len(rows)), "lines-INITIAL_FORMS": "0", **more}
    for index, row in enumerate(rows):
        data |= {f"lines-{index}-{name}": value for name, value in {**base, **row}.items()}
    return data


STANDARD = [{"percent": percent} for percent in ("30", "30", "30", "10")]


def test_a_new_plan_begins_with_the_standard_template(acme, contract, sign_in):
    client = sign_in(acme.rep)
    with leave():
        page = client.get(f"/acme/plans/new/{contract.pk}/").content.decode()
        monthly = client.get(f"/acme/plans/new/{contract.pk}/?template=monthly").context["form"]
    assert page.count("15,000.00") == 3 and "5,000.00" in page
    assert len(monthly.lines.forms) == 12


def test_the_parts_are_shown_while_one_types_and_nothing_is_written(acme, contract, sign_in):
    client = sign_in(acme.rep)
    url = f"/acme/plans/new/{contract.pk}/"
    with leave():
        shown = client.get(url, typed("percent", *STANDARD)).context["preview"]
        assert [str(part) for part in shown["parts"]] == ["15000.00"] * 3 + ["5000.00"]
        refused = client.get(url, typed("percent", *STANDARD[:3])).content.decode()
        assert "add up to 90" in refused
        added = client.get(url, typed("mixed", {"amount": "100"}, add="1")).context
        assert len(added["form"].lines.forms) == 2
        dropped = client.get(url, typed("percent", *STANDARD, drop="0")).context["form"]
        assert [row["percent"].value() for row in dropped.lines] == ["30", "30", "10"]
        for nonsense in ({"lines-TOTAL_FORMS": "x"}, {"lines-TOTAL_FORMS": "99999"}, {"drop": "x"}, {"mode": "moon"}):
            assert client.get(url, {**typed("percent", *STANDARD), **nonsense}).status_code < 500
    assert not Plan.objects.of(acme.tenant).exists()


def test_draft_edit_confirm(acme, contract, sign_in):
    rep = sign_in(acme.rep)
    with leave():
        answer = rep.post(f"/acme/plans/new/{contract.pk}/", typed("percent", *STANDARD))
    plan = Plan.objects.of(acme.tenant).get()
    assert answer.headers["Location"] == f"/acme/plans/{plan.pk}/"
    with leave():
        page = rep.get(f"/acme/plans/{plan.pk}/").content.decode()
        assert "15,000.00" in page and "/do/confirm/" not in page
        assert rep.post(f"/acme/plans/{plan.pk}/do/confirm/").status_code == 403
        changed = typed("equal", {}, {}, version=str(plan.version))
        assert rep.post(f"/acme/plans/{plan.pk}/edit/", changed).status_code == 302
        assert rep.post(f"/acme/plans/{plan.pk}/edit/", changed).status_code == 409
        finance = sign_in(acme.finance)
        page = finance.get(f"/acme/plans/{plan.pk}/").content.decode()
        assert "/do/confirm/" in page
        stale = finance.post(f"/acme/plans/{plan.pk}/do/confirm/", {"version": "1"})
        assert stale.status_code == 409
        assert finance.post(f"/acme/plans/{plan.pk}/do/confirm/", {"version": "2"}).status_code == 302
    rows = Receivable.objects.of(acme.tenant).filter(plan=plan)
    assert [(str(row.original), str(row.due_date)) for row in rows.order_by("line")] == [("25000.00", "2024-02-07")] * 2


def test_refusals_come_back_with_what_was_typed(acme, contract, sign_in):
    client = sign_in(acme.rep)
    with leave():
        answer = client.post(f"/acme/plans/new/{contract.pk}/", typed("percent", *STANDARD[:3]))
        assert answer.status_code == 409
        assert answer.content.decode().count('value="30"') == 3
        answer = client.post(f"/acme/plans/new/{contract.pk}/", typed("amount", {"amount": "x"}))
        assert answer.status_code == 422
    assert not Plan.objects.of(acme.tenant).exists()


def test_who_sees_the_form(acme, contract, sign_in):
    for member, status in ((acme.rep, 200), (acme.manager, 200), (acme.finance, 200), (acme.legal, 403),
                           (acme.peer, 404)):  # fmt: skip
        client = sign_in(member)
        with leave():
            assert client.get(f"/acme/plans/new/{contract.pk}/").status_code == status, member


def test_the_api_drafts_previews_confirms_and_supersedes(acme, contract, api):
    lines = [{"percent": "33.33", "trigger": "sign"}, {"percent": "66.67", "trigger": "sign", "n": 30}]
    body = {"contract": contract.pk, "mode": "percent", "lines": lines}
    rep, finance, peer = api(acme.rep), api(acme.finance), api(acme.peer)
    with leave():
        preview = rep("post", "plans/preview/", {"total": "100.01", "mode": "percent", "lines": lines})
        assert preview.json() == {"parts": ["33.33", "66.68"]}
        refused = rep("post", "plans/preview/", {"total": "1.00", "mode": "percent", "lines": lines[:1]})
        assert (refused.status_code, refused.json()["code"]) == (409, "PLAN_PERCENT")
        made = rep("post", "plans/", body, **{"Idempotency-Key": "plan-1"})
        again = rep("post", "plans/", body, **{"Idempotency-Key": "plan-1"})
        assert (made.status_code, again.json()["id"]) == (201, made.json()["id"])
        plan = made.json()["id"]
        assert rep("post", f"plans/{plan}/confirm/").status_code == 403
        edited = rep("patch", f"plans/{plan}/", {"mode": "equal", "lines": [{"trigger": "sign"}] * 3, "version": 1})
        assert (edited.status_code, edited.json()["version"]) == (200, 2)
        assert rep("patch", f"plans/{plan}/", {"mode": "mixed", "version": 1}).status_code == 409
        assert finance("post", f"plans/{plan}/confirm/", {"version": 2}).json()["status"] == "confirmed"
        rows = rep("get", "receivables/", {"contract": contract.pk, "page_size": 10}).json()["results"]
        assert sorted(row["original"] for row in rows if row["plan"] == plan) == ["16666.66", "16666.66", "16666.68"]
        assert finance("post", f"plans/{plan}/supersede/").json()["status"] == "superseded"
        assert rep("post", "plans/", {**body, "lines": [{"trigger": "moon"}]}).status_code == 400
        assert rep("post", "plans/", {"contract": 99999999, "mode": "equal", "lines": [{}]}).status_code == 400
        assert peer("post", "plans/", body).status_code == 400
