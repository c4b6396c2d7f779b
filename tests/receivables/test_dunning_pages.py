"""Pages and REST of reminders: the preview is what the run takes, numbers agree, forms say what is wrong."""

from datetime import date, timedelta

import pytest

from crm.core import records
from receivables.actions import disputes, dunning, promises
from receivables.models import CustomerHold, DunningLetter, DunningNotice, DunningPolicy, LegalStep, PromiseToPay

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def english(client):
    client.cookies["django_language"] = "en"


def text(response) -> str:
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_the_preview_is_what_the_run_takes(acme, ledger, sign_in):
    disputes.raise_dispute(ledger.B, by=acme.rep, reason="wrong price")
    client = sign_in(acme.finance)
    response = client.get("/acme/dunning/")
    shown = response.context["preview"]
    ids = {row.pk for customer in shown.customers for row in customer.rows}
    assert shown.count == len(ids) == 3
    assert "wrong price" in text(response)
    run = client.post("/acme/dunning/run/", follow=True)
    assert DunningNotice.objects.of(acme.tenant).count() == 3
    assert set(DunningNotice.objects.of(acme.tenant).values_list("receivable_id", flat=True)) == ids
    assert "3 notices were given" in text(run) or "Overdue 1" in text(run)
    assert client.get("/acme/dunning/").context["preview"].count == 0


def test_the_log_counts_its_rows(acme, ledger, sign_in):
    this = dunning.run(acme.tenant, by=acme.finance)
    client = sign_in(acme.finance)
    [row] = client.get("/acme/dunning/log/").context["page"].rows
    assert (row.notice_count, row.letter_count) == (4, 1)
    assert len(client.get(f"/acme/dunning/log/{this.pk}/").context["page"].rows) == 4
    letter = DunningLetter.objects.of(acme.tenant).get()
    assert "Buyer" in text(client.get(f"/acme/dunning/letters/{letter.pk}/"))


@pytest.mark.parametrize("path", ["", "log/", "policies/", "policies/new/"])
def test_only_finance_meets_the_run(acme, sign_in, path):
    assert sign_in(acme.finance).get(f"/acme/dunning/{path}").status_code == 200
    for member in (acme.rep, acme.manager, acme.legal, acme.partner):
        assert sign_in(member).get(f"/acme/dunning/{path}").status_code == 403


def test_the_panel_shows_notices_promises_and_what_may_be_noted(acme, ledger, sign_in):
    dunning.run(acme.tenant, by=acme.finance)
    promises.promise(ledger.A, by=acme.rep, promised_for=acme.tenant.today() + DAY, note="said Li")
    page = text(sign_in(acme.rep).get(f"/acme/dunning/of/{ledger.A.pk}/"))
    assert "Overdue 1" in page
    assert "said Li" in page
    assert "Note a dispute" in page
    assert sign_in(acme.peer).get(f"/acme/dunning/of/{ledger.A.pk}/").status_code == 404
    assert "Note a dispute" in text(sign_in(acme.finance).get(f"/acme/dunning/of/{ledger.A.pk}/"))


def test_forms_say_what_is_wrong_and_do_it(acme, ledger, sign_in):
    client, base = sign_in(acme.rep), f"/acme/dunning/of/{ledger.A.pk}"
    past = client.post(f"{base}/promise/", {"promised_for": "2024-01-01"})
    assert past.status_code == 422
    assert "from today on" in past.content.decode()
    assert client.post(f"{base}/dispute/", {"reason": ""}).status_code == 422
    assert client.get(f"{base}/nonsense/").status_code == 404
    assert client.post(f"{base}/promise/", {"promised_for": str(acme.tenant.today())}).status_code == 302
    assert client.post(f"{base}/dispute/", {"reason": "price"}).status_code == 302
    ledger.A.refresh_from_db()
    assert ledger.A.disputed
    made = PromiseToPay.objects.of(acme.tenant).get()
    assert client.post(f"/acme/dunning/promises/{made.pk}/withdraw/").status_code == 302


def test_the_ladder_is_edited(acme, sign_in):
    policy, client = DunningPolicy.objects.of(acme.tenant).get(), sign_in(acme.finance)
    data = {
        "name": "All", "min_gap_days": 3, "rep_lead_hours": 0, "daily_rate": "0.0005", "is_active": "on", "days_1": 0,
        "to_1": ["owner"], "days_2": 3, "to_2": ["owner", "customer"], "version": policy.version,
    }  # fmt: skip
    assert client.post(f"/acme/dunning/policies/{policy.pk}/", {**data, "days_2": -1}).status_code == 422
    assert client.post(f"/acme/dunning/policies/{policy.pk}/", {**data, "to_6": ["customer"]}).status_code == 422
    assert client.post(f"/acme/dunning/policies/{policy.pk}/", data).status_code == 302
    policy.refresh_from_db()
    assert [(step.level, step.days) for step in policy.ladder] == [(1, 0), (2, 3)]
    assert client.post(f"/acme/dunning/policies/{policy.pk}/", data).status_code == 409  # an old page
    assert client.post("/acme/dunning/policies/new/", data).status_code == 422  # one for everybody exists


def test_holds_and_legal_steps_go_to_approval(acme, ledger, sign_in):
    records.update(ledger.A, by=acme.finance, dunning_level=5, dunned_on=date(2024, 4, 1))
    dunning.run(acme.tenant, by=acme.finance)
    hold, step = CustomerHold.objects.of(acme.tenant).get(), LegalStep.objects.of(acme.tenant).get()
    client = sign_in(acme.finance)
    assert "Buyer" in text(client.get("/acme/dunning/ends/"))
    for path in (f"holds/{hold.pk}", f"legal/{step.pk}"):
        assert client.get(f"/acme/dunning/{path}/").status_code == 200
        assert client.post(f"/acme/dunning/{path}/", {"reason": ""}).status_code == 422
        assert client.post(f"/acme/dunning/{path}/", {"reason": "because"}).status_code == 302
        assert client.post(f"/acme/dunning/{path}/", {"reason": "again"}).status_code == 409
        assert sign_in(acme.legal).get(f"/acme/dunning/{path}/").status_code == 200  # who decides may read
        sign_in(acme.finance)
    assert sign_in(acme.rep).post(f"/acme/dunning/holds/{hold.pk}/", {"reason": "x"}).status_code == 403


def grow(acme, ledger, count: int) -> None:
    for n in range(count):
        copied = {
            name: getattr(ledger.A, name) for name in ("contract", "account", "legal_entity", "owner", "due_date")
        }
        one = records.create(
            type(ledger.A), by=acme.system, number=f"X{count}-{n}", original=ledger.A.original, **copied
        )
        promises.promise(one, by=acme.rep, promised_for=acme.tenant.today())


@pytest.mark.parametrize("path", ["", "log/", "promises/", "ends/", "policies/"])
def test_lists_cost_the_same_for_one_row_and_thirty(acme, ledger, sign_in, path, django_assert_max_num_queries):
    client = sign_in(acme.finance)
    dunning.run(acme.tenant, by=acme.finance)
    promises.promise(ledger.A, by=acme.rep, promised_for=acme.tenant.today())
    client.get(f"/acme/dunning/{path}")
    with django_assert_max_num_queries(20) as few:
        client.get(f"/acme/dunning/{path}")
    grow(acme, ledger, 30)
    with django_assert_max_num_queries(20) as many:
        client.get(f"/acme/dunning/{path}")
    assert len(few) == len(many)


def test_rest(acme, ledger, api):
    dunning.run(acme.tenant, by=acme.finance)
    rep, finance = api(acme.rep), api(acme.finance)
    assert rep("get", "dunning-policies/").status_code == 403
    [policy] = finance("get", "dunning-policies/").json()["results"]
    assert [step["days"] for step in policy["steps"]] == [-7, 0, 1, 15, 30, 60, 90]
    changed = finance("patch", f"dunning-policies/{policy['id']}/", {"min_gap_days": 5, "version": policy["version"]})
    assert changed.json()["min_gap_days"] == 5
    stale = finance("patch", f"dunning-policies/{policy['id']}/", {"min_gap_days": 6, "version": policy["version"]})
    assert stale.status_code == 409
    assert len(rep("get", "dunning-notices/").json()["results"]) == 4
    assert api(acme.peer)("get", "dunning-notices/").json()["results"] == []
    body = {"receivable": ledger.A.pk, "promised_for": str(acme.tenant.today())}
    made = rep("post", "promises/", body)
    assert (made.status_code, made.json()["state"], made.json()["amount"]) == (201, "open", "30000.00")
    assert rep("get", "promises/?state=open").json()["results"][0]["id"] == made.json()["id"]
    assert rep("get", "promises/?state=broken").json()["results"] == []
    assert rep("post", f"promises/{made.json()['id']}/withdraw/").json()["state"] == "withdrawn"
    assert rep("post", f"reminders/{ledger.A.pk}/dispute/", {}).status_code == 400
    assert rep("post", f"reminders/{ledger.A.pk}/dispute/", {"reason": "price"}).json()["disputed"] is True
    assert rep("post", f"reminders/{ledger.A.pk}/dispute/", {"reason": "price"}).status_code == 409
    assert api(acme.peer)("post", f"reminders/{ledger.A.pk}/clear/", {"reason": "x"}).status_code == 404
    assert rep("post", f"reminders/{ledger.A.pk}/clear/", {"reason": "ok"}).json()["disputed"] is False
    assert rep("post", f"reminders/{ledger.A.pk}/hold/", {"reason": "ok"}).json()["on_hold"] is True
    assert [row["id"] for row in rep("get", "reminders/?on_hold=true").json()["results"]] == [ledger.A.pk]
    assert rep("post", f"reminders/{ledger.A.pk}/release/", {"reason": "ok"}).json()["on_hold"] is False
