"""Change orders on their pages and in the API: preview in money, one request, versions side by side."""

from decimal import Decimal as D

import pytest

from contracts.actions import changes
from contracts.models import ChangeOrder
from receivables.actions.plans import confirm_plan, draft_plan
from tests.receivables.test_changes import PLAN

from .conftest import bring_into_force
from .test_changes import decide, draft_change
from .test_contracts_pages import statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def planned(acme, draft):
    contract = bring_into_force(acme, draft())
    return contract, confirm_plan(draft_plan(contract, by=acme.rep, mode="percent", lines=PLAN), by=acme.finance)


def form_data(contract, receivables, **values) -> dict:
    """The form as a browser sends it when nothing but `values` was touched."""
    rows = list(contract.lines.all())
    data = {"kind": "reduce", "grounds": "agreed", "how": "pro_rata", "excess": "CREDIT", "new_effect-kind": "other",
            "lines-TOTAL_FORMS": len(rows), "lines-INITIAL_FORMS": len(rows),
            "effects-TOTAL_FORMS": len(receivables), "effects-INITIAL_FORMS": len(receivables)}  # fmt: skip
    for n, row in enumerate(rows):
        data |= {f"lines-{n}-line": row.pk, f"lines-{n}-quantity": row.quantity, f"lines-{n}-amount": row.amount,
                 f"lines-{n}-unit_price": row.unit_price}  # fmt: skip
    for n, receivable in enumerate(receivables):
        data |= {f"effects-{n}-receivable": receivable.pk}
    return {**data, **values}


def deltas(change) -> list[str]:
    return [effect["delta"] for effect in change.effects]


@pytest.mark.parametrize(
    ("how", "more", "expected"),
    [
        ("pro_rata", {}, ["-1800.00", "-1800.00", "-1800.00", "-600.00"]),
        ("tail", {}, ["-6000.00"]),
        ("hand", {"effects-0-delta": "-1000", "effects-3-delta": "-5000"}, ["-1000.00", "-5000.00"]),
    ],
)
def test_a_change_is_drafted_with_each_helper(acme, planned, sign_in, how, more, expected):
    contract, receivables = planned
    client = sign_in(acme.rep)
    url = f"/acme/contracts/{contract.pk}/change/"
    assert client.get(url).status_code == 200
    answer = client.post(url, form_data(contract, receivables, how=how, delta="-6000.00", **more))
    assert answer.status_code == 302, answer.content.decode()[-4000:]
    assert deltas(ChangeOrder.objects.of(acme.tenant).get()) == expected
    page = client.get(answer.url).content.decode()
    assert "600,000.00" in page and "594,000.00" in page


def test_one_line_takes_the_change(acme, planned, sign_in):
    contract, receivables = planned
    data = form_data(contract, receivables, how="one", delta="-6000.00", target=receivables[3].pk)
    sign_in(acme.rep).post(f"/acme/contracts/{contract.pk}/change/", data)
    change = ChangeOrder.objects.of(acme.tenant).get()
    assert [(effect["receivable"], effect["delta"]) for effect in change.effects] == [(receivables[3].pk, "-6000.00")]


def test_lines_are_edited_in_the_table_and_a_draft_is_edited_again(acme, firm, planned, sign_in):
    contract, receivables = planned
    client = sign_in(acme.rep)
    more = {"kind": "increase", "lines-0-unit_price": "610000.00", "new_line-description": "Extra",
            "new_line-tax_code": firm.v6.pk, "new_line-quantity": "2", "new_line-unit_price": "5.00",
            "new_effect-delta": "10010.00", "new_effect-due_date": "2030-01-31"}  # fmt: skip
    answer = client.post(f"/acme/contracts/{contract.pk}/change/", form_data(contract, receivables, **more))
    assert answer.status_code == 302, answer.content.decode()[-4000:]
    change = ChangeOrder.objects.of(acme.tenant).get()
    assert (change.delta, deltas(change), change.effects[0]["receivable"]) == (D("10010.00"), ["10010.00"], None)
    page = client.get(f"{answer.url}edit/").content.decode()
    assert "610000.00" in page and "Extra" in page
    kept = {"lines-0-unit_price": "610000.00", "lines-0-amount": "610000.00", "version": change.version}
    data = form_data(contract, receivables, delta="-1.00", **kept)
    answer = client.post(f"{answer.url}edit/", data)
    change.refresh_from_db()
    assert (answer.status_code, change.delta) == (302, D("-1.00"))


def test_what_forbids_a_change_stands_on_its_page(acme, planned, sign_in):
    contract, receivables = planned
    change = draft_change(acme, contract, effects=[{"receivable": receivables[3].pk, "delta": "-1.00"}])
    page = sign_in(acme.rep).get(f"/acme/contracts/changes/{change.pk}/").content.decode()
    assert "cannot be applied" in page and "Both must be the same" in page and "do/submit/" not in page


def test_the_page_of_an_applied_change_shows_what_was_decided(acme, planned, sign_in):
    contract, _receivables = planned
    change = decide(acme, draft_change(acme, contract))
    client = sign_in(acme.rep)
    url = f"/acme/contracts/changes/{change.pk}/"
    page = client.get(url).content.decode()
    assert "600,000.00" in page and "594,000.00" in page and "cannot be applied" not in page
    assert statements(client, url) <= 20
    assert statements(client, "/acme/contracts/changes/") <= 12


def test_two_versions_are_compared(acme, planned, sign_in):
    contract, _receivables = planned
    decide(acme, draft_change(acme, contract))
    page = sign_in(acme.rep).get(f"/acme/contracts/{contract.pk}/versions/").content.decode()
    assert "Version 1 → 2" in page and "600,000.00" in page and "594,000.00" in page and "intact" in page


def test_a_void_change_is_drafted_again_on_its_page(acme, planned, sign_in):
    contract, _receivables = planned
    one, two = draft_change(acme, contract), draft_change(acme, contract, delta="-1.00")
    for change in (one, two):
        changes.submit_change(change, by=acme.rep)
    for change in (one, two):
        changes.approved(change, by=acme.finance)
    client = sign_in(acme.rep)
    assert "meanwhile" in client.get(f"/acme/contracts/changes/{two.pk}/").content.decode()
    answer = client.post(f"/acme/contracts/changes/{two.pk}/do/again/")
    assert answer.status_code == 302 and answer.url != f"/acme/contracts/changes/{two.pk}/"


def test_the_api_drafts_previews_and_submits(acme, firm, planned, api):
    contract, receivables = planned
    call = api(acme.rep)
    body = {"contract": contract.pk, "kind": "reduce", "grounds": "agreed", "delta": "-6000.00", "how": "tail"}
    answer = call("post", "change-orders/", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["delta"] == "-6000.00" and made["effects"][0]["receivable"] == receivables[3].pk
    tables = call("get", f"change-orders/{made['id']}/preview/").json()
    assert {"label": "Effective amount", "before": "600000.00", "after": "594000.00", "note": ""} in tables[0]["rows"]
    assert call("post", f"change-orders/{made['id']}/submit/", {}).json()["status"] == "in_approval"
    assert call("post", f"change-orders/{made['id']}/submit/", {}).status_code == 409
    assert call("get", f"change-orders/?contract={contract.pk}").json()["results"][0]["id"] == made["id"]


def test_the_api_drafts_edits_and_reads_contracts(acme, firm, api):
    call = api(acme.rep)
    row = {"description": "A", "quantity": "2.000", "unit_price": "50.00", "tax_code": firm.v6.pk}
    body = {"title": "Service", "kind": "service", "account": firm.account.pk, "legal_entity": firm.entity.pk,
            "lines": [row]}  # fmt: skip
    answer = call("post", "contracts/", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["effective_amount"], made["status"], made["lines"][0]["amount"]) == ("100.00", "draft", "100.00")
    url = f"contracts/{made['id']}/"
    answer = call("patch", url, {"title": "New", "lines": [row, row], "version": made["version"]})
    assert (answer.json()["title"], answer.json()["effective_amount"]) == ("New", "200.00")
    assert call("patch", url, {"title": "Old", "version": 1}).status_code == 409
    assert call("get", f"{url}figures/").json()["balance"] == "0.00"
    assert call("post", f"{url}activate/", {}).status_code == 403
    assert call("post", f"{url}submit/", {}).json()["status"] == "in_approval"
    assert call("get", f"{url}versions/").json() == []


def test_a_change_that_is_asked_for_by_nobody_present_is_not_found(acme, planned, sign_in):
    change = changes.draft_change(planned[0], by=acme.rep, kind="reduce", grounds="x", delta=D("-1.00"))
    assert sign_in(acme.other_rep).get(f"/acme/contracts/changes/{change.pk}/").status_code == 404
