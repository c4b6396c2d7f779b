"""Contracts on their pages: list, draft, one contract, settings; and who sees what."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.actions import templates
from contracts.models import ContractTemplate

from .conftest import bring_into_force

pytestmark = pytest.mark.django_db


def statements(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(url).status_code == 200
    return sum(not q["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO")) for q in caught.captured_queries)


def test_the_list_asks_the_same_for_one_row_and_for_thirty(acme, firm, draft, sign_in):
    client = sign_in(acme.rep)
    bring_into_force(acme, draft())
    first = statements(client, "/acme/contracts/")
    for n in range(30):
        draft(title=f"Contract {n}")
    assert statements(client, "/acme/contracts/") == first <= 12


def test_the_list_finds_by_words_state_kind_and_end(acme, firm, draft, sign_in):
    client = sign_in(acme.rep)
    today = acme.tenant.today()
    draft(title="Boiler service")
    bring_into_force(
        acme, draft(title="Crane rental", kind="subscription", end_date=today.replace(year=today.year + 3))
    )
    for query, found in (
        ("q=boiler", "Boiler"), ("status=effective", "Crane"), ("kind=service", "Boiler"), ("q=buyer", "Crane"),
    ):  # fmt: skip
        assert found in client.get(f"/acme/contracts/?{query}").content.decode(), query
    assert "Crane rental" not in client.get("/acme/contracts/?ending=90").content.decode()
    assert "Crane rental" not in client.get("/acme/contracts/?status=draft").content.decode()


def lines_data(firm, *rows, initial: int = 0) -> dict:
    data = {"lines-TOTAL_FORMS": len(rows) + 1, "lines-INITIAL_FORMS": initial}
    for n, (description, price) in enumerate(rows):
        data |= {f"lines-{n}-description": description, f"lines-{n}-quantity": "1", f"lines-{n}-unit_price": price,
                 f"lines-{n}-tax_code": firm.v6.pk}  # fmt: skip
    return {**data, f"lines-{len(rows)}-quantity": "1"}


def test_a_contract_is_drafted_and_edited_on_its_form(acme, firm, sign_in):
    client = sign_in(acme.rep)
    data = {"account": firm.account.pk, "title": "Service", "kind": "service", "legal_entity": firm.entity.pk}
    answer = client.post("/acme/contracts/new/", {**data, **lines_data(firm, ("A", "100.00"), ("B", "20.50"))})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    page = client.get(answer.url).content.decode()
    assert "120.50" in page and "人民币壹佰贰拾元伍角" in page
    edit = client.get(f"{answer.url}edit/")
    assert edit.status_code == 200 and "20.50" in edit.content.decode()
    rows = lines_data(firm, ("A", "100.00"), ("B", "20.50"), ("C", "1.00"), initial=2)
    data = {"title": "Service 2", "kind": "service", "version": 2, **rows, "lines-1-DELETE": "on"}
    assert client.post(f"{answer.url}edit/", data).status_code == 302
    page = client.get(answer.url).content.decode()
    assert "Service 2" in page and "101.00" in page and "20.50" not in page


def test_what_is_wrong_with_a_line_is_said_beside_it(acme, firm, sign_in):
    client = sign_in(acme.rep)
    data = {"account": firm.account.pk, "title": "Service", "kind": "service", "legal_entity": firm.entity.pk}
    broken = {**lines_data(firm, ("A", "100.00")), "lines-0-unit_price": "x"}
    answer = client.post("/acme/contracts/new/", {**data, **broken})
    assert answer.status_code == 422 and "Correct the lines below" in answer.content.decode()


def test_one_more_row_comes_with_the_new_total(acme, sign_in):
    answer = sign_in(acme.rep).get("/acme/contracts/line/?lines-TOTAL_FORMS=3").content.decode()
    assert 'name="lines-3-unit_price"' in answer and 'value="4"' in answer


def test_verbs_on_the_page_lead_from_draft_to_force(acme, firm, draft, client):
    contract = draft()
    client.force_login(acme.rep.user)
    detail = f"/acme/contracts/{contract.pk}/"
    assert "do/submit/" in client.get(detail).content.decode()
    assert client.post(f"{detail}do/submit/", {"grounds": "please"}).status_code == 302
    from contracts.actions import contracts

    contracts.approved(contract, by=acme.manager)
    client.force_login(acme.legal.user)
    assert client.get(f"{detail}do/sign/").status_code == 200
    assert client.post(f"{detail}do/sign/", {"sign_date": acme.tenant.today().isoformat()}).status_code == 422
    sign = {"sign_date": acme.tenant.today().isoformat(), "on_paper": "Cabinet 3"}
    assert client.post(f"{detail}do/sign/", sign).status_code == 302
    assert client.post(f"{detail}do/activate/").status_code == 302
    page = client.get(detail).content.decode()
    assert "In force" in page and "Version 1" in page and "Cabinet 3" in page
    assert client.get(f"{detail}do/nonsense/").status_code == 404


def test_the_page_of_a_contract_asks_little(acme, firm, draft, sign_in):
    contract = bring_into_force(acme, draft())
    assert statements(sign_in(acme.rep), f"/acme/contracts/{contract.pk}/") <= 20


def test_a_stranger_and_a_peer_without_reach_see_nothing(acme, firm, draft, sign_in):
    contract = draft()
    assert sign_in(acme.other_rep).get(f"/acme/contracts/{contract.pk}/").status_code == 404
    assert sign_in(acme.partner).get("/acme/contracts/").status_code == 403


def test_clauses_are_settled_on_their_page(acme, firm, draft, sign_in):
    client = sign_in(acme.rep)
    item = {"clause": "Liability", "text": "", "status": "open", "note": ""}
    contract = draft(clauses=[item])
    url = f"/acme/contracts/{contract.pk}/clauses/"
    assert "Liability" in client.get(url).content.decode()
    data = {"clauses-TOTAL_FORMS": 1, "clauses-INITIAL_FORMS": 1, "clauses-0-status": "deviates", "clauses-0-note": ""}
    assert client.post(url, data).status_code == 422
    assert client.post(url, {**data, "clauses-0-note": "No cap"}).status_code == 302
    contract.refresh_from_db()
    assert contract.clauses[0]["note"] == "No cap"


def test_legal_keeps_templates_and_clauses(acme, sign_in):
    client = sign_in(acme.legal)
    answer = client.post("/acme/settings/contract-templates/new/", {
        "name": "Machines", "kind": "fixed", "percents": "30/30/30/10", "is_active": "on",
    })  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()[:3000]
    row = ContractTemplate.objects.of(acme.tenant).get()
    assert len(row.plan["lines"]) == 4
    edit = f"/acme/settings/contract-templates/{row.pk}/"
    assert "30/30/30/10" in client.get(edit).content.decode()
    assert client.post(edit, {"name": "M", "kind": "fixed", "percents": "1/2", "version": 1}).status_code == 422
    assert client.post("/acme/settings/clauses/new/", {"name": "Liability", "is_active": "on"}).status_code == 302
    page = client.get("/acme/settings/contract-templates/").content.decode()
    assert "Machines" in page and "Liability" in page
    assert sign_in(acme.rep).get("/acme/settings/clauses/new/").status_code == 403


def test_customer_and_deal_show_their_contracts(acme, firm, draft, sign_in):
    from opportunities import actions as opportunities

    deal = opportunities.open_opportunity(by=acme.rep, account=firm.account, name="Deal")
    draft(opportunity=deal, title="Of the deal")
    client = sign_in(acme.rep)
    for url in (f"of-account/{firm.account.pk}", f"of-opportunity/{deal.pk}"):
        assert "Of the deal" in client.get(f"/acme/contracts/{url}/").content.decode()


def test_the_draft_of_a_template_is_chosen_on_the_form(acme, firm, sign_in):
    template = templates.put_template(by=acme.legal, name="Machines", kind="fixed", payment_terms="As planned")
    data = {"account": firm.account.pk, "title": "T", "kind": "service", "legal_entity": firm.entity.pk,
            "template": template.pk, **lines_data(firm, ("A", "100.00"))}  # fmt: skip
    client = sign_in(acme.rep)
    page = client.get(client.post("/acme/contracts/new/", data).url).content.decode()
    assert "As planned" in page
