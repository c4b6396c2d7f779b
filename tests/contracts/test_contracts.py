"""The life of a contract, from the draft to its closing (domain.md 4.4, INV-C1, INV-C3, INV-C6)."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contracts import effects, jobs
from contracts.actions import contracts, templates
from contracts.models import ClauseTemplate, Contract, Order
from crm.core import records
from crm.core.activities import actions as activities
from crm.core.approvals import actions as approvals
from crm.core.approvals.models import ApprovalTask
from crm.core.errors import Forbidden, Refused, ValidationError
from opportunities import actions as opportunities
from opportunities.models import Opportunity

from .conftest import bring_into_force, line, make_contract

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files_elsewhere(settings, tmp_path):
    storages = {name: dict(kept) for name, kept in settings.STORAGES.items()}
    storages["default"]["OPTIONS"] = {"location": str(tmp_path)}
    settings.STORAGES = storages


def test_a_draft_is_the_sum_of_its_lines_rounded_line_by_line(acme, firm, draft):
    contract = draft(lines=[line("A", "33.33", firm.v13, "3", discount=D("10")), line("B", "0.05", firm.v6, "0.1")])
    amounts = [row.amount for row in contract.lines.all()]
    assert amounts == [D("89.99"), D("0.01")]
    assert contract.base_amount == contract.effective_amount == D("90.00")
    assert (contract.status, contract.number, contract.owner_id) == ("draft", "", acme.rep.pk)


def test_new_lines_replace_those_of_a_draft(acme, firm, draft):
    contract = draft()
    contracts.edit_draft(contract, by=acme.rep, title="New title", lines=[line("A", "10.00", firm.v6)])
    assert (contract.title, contract.base_amount, contract.lines.count()) == ("New title", D("10.00"), 1)


@pytest.mark.parametrize("broken", [{"description": ""}, {"tax_code": None}, {"quantity": D(-1)}])
def test_a_line_that_says_nothing_is_refused(acme, firm, draft, broken):
    with pytest.raises(ValidationError):
        draft(lines=[{**line("A", "10.00", firm.v6), **broken}])


def test_a_contract_that_is_not_a_draft_cannot_be_edited(acme, firm, draft):
    contract = draft()
    contracts.submit_contract(contract, by=acme.rep)
    with pytest.raises(Refused) as refused:
        contracts.edit_draft(contract, by=acme.rep, title="Other")
    assert refused.value.code == "NOT_DRAFT"


def test_people_approve_it_and_it_gets_the_next_number(acme, firm, draft):
    numbers = []
    for title in ("One", "Two"):
        contract = draft(title=title, lines=[line("A", "1000.00", firm.v6)])
        contracts.submit_contract(contract, by=acme.rep, grounds="as agreed")
        task = ApprovalTask.objects.of(acme.tenant).get(status="open", instance__subject_id=contract.pk)
        approvals.approve(task, by=task.assignee)
        contract.refresh_from_db()
        assert contract.status == "approved"
        numbers.append(contract.number)
    year = acme.tenant.today().year
    code = contract.legal_entity.code
    assert numbers == [f"HT-{code}-{year}-0001", f"HT-{code}-{year}-0002"]


def test_a_rejected_contract_is_a_draft_again_and_takes_no_number(acme, firm, draft):
    contract = draft(lines=[line("A", "1000.00", firm.v6)])
    contracts.submit_contract(contract, by=acme.rep)
    task = ApprovalTask.objects.of(acme.tenant).get(status="open", instance__subject_id=contract.pk)
    approvals.reject(task, by=task.assignee, comment="Too cheap")
    contract.refresh_from_db()
    assert (contract.status, contract.number) == ("draft", "")
    contracts.edit_draft(contract, by=acme.rep, title="Better")


def test_what_changed_after_the_request_is_not_what_is_approved(acme, firm, draft):
    """INV-C3: the row is changed past the actions; the decision does not count for it."""
    contract = draft(lines=[line("A", "1000.00", firm.v6)])
    contracts.submit_contract(contract, by=acme.rep)
    records.update(contract, by=acme.system, payment_terms="All in advance")
    task = ApprovalTask.objects.of(acme.tenant).get(status="open", instance__subject_id=contract.pk)
    with suppress(Refused):
        approvals.approve(task, by=task.assignee)
    contract.refresh_from_db()
    assert contract.status != "approved"


def test_clauses_are_settled_before_the_request(acme, firm, draft):
    templates.put_clause(by=acme.legal, name="Liability", text="Capped at the amount", kinds=[], is_active=True)
    templates.put_clause(by=acme.legal, name="Uptime", kinds=["subscription"], is_active=True)
    contract = contracts.draft_contract(
        by=acme.rep, title="T", kind="service", account=firm.account, legal_entity=firm.entity,
        lines=[line("A", "1000.00", firm.v6)],
    )  # fmt: skip
    assert [item["clause"] for item in contract.clauses] == ["Liability"]
    with pytest.raises(Refused, match="Liability"):
        contracts.submit_contract(contract, by=acme.rep)
    contract.refresh_from_db()
    with pytest.raises(ValidationError):
        contracts.settle_clauses(contract, [{"status": "deviates", "note": ""}], by=acme.rep)
    contracts.settle_clauses(contract, [{"status": "deviates", "note": "No cap"}], by=acme.rep)
    assert contract.is_nonstandard
    contracts.submit_contract(contract, by=acme.rep)
    assert approvals.pending(contract).facts["nonstandard"] is True


def test_only_legal_and_administrators_keep_clauses_and_templates(acme):
    with pytest.raises(Forbidden):
        templates.put_clause(by=acme.rep, name="Mine")
    clause = templates.put_clause(by=acme.admin, name="Ours")
    templates.put_clause(by=acme.legal, clause=clause, text="New")
    assert ClauseTemplate.objects.of(acme.tenant).get().text == "New"


def test_a_template_fills_what_is_left_empty(acme, firm):
    template = templates.put_template(
        by=acme.legal, name="Machines", kind="fixed", percents="30/30/30/10", payment_terms="As planned",
        warranty_terms="12 months",
    )  # fmt: skip
    contract = contracts.draft_contract(
        by=acme.rep, title="T", template=template, account=firm.account, legal_entity=firm.entity,
        warranty_terms="24 months", lines=[line("A", "1000.00", firm.v6)], clauses=[],
    )  # fmt: skip
    assert (contract.kind, contract.payment_terms, contract.warranty_terms) == ("fixed", "As planned", "24 months")
    contract = bring_into_force(acme, contract)
    [plan] = contract.plans.all()
    assert [part["percent"] for part in plan.lines] == ["30", "30", "30", "10"]
    assert plan.status == "draft"


@pytest.mark.parametrize("text", ["30/30", "a/b", "0/100", "50/50/0", "110/-10"])
def test_a_plan_that_is_not_a_hundred_percent_is_refused(acme, text):
    with pytest.raises(ValidationError):
        templates.put_template(by=acme.legal, name="X", kind="fixed", percents=text)


def approved(cast, firm):
    contract = make_contract(cast, firm)
    records.move(contract, "in_approval", by=cast.rep, verb="submitted")
    return contracts.approved(contract, by=cast.manager)


def test_a_signature_needs_its_file_or_the_place_of_the_paper(acme, firm):
    contract = approved(acme, firm)
    with pytest.raises(ValidationError):
        contracts.sign_contract(contract, by=acme.legal, sign_date=acme.tenant.today())
    with pytest.raises(ValidationError):
        contracts.sign_contract(
            contract, by=acme.legal, sign_date=acme.tenant.today() + timedelta(1), on_paper="Cabinet 3"
        )
    upload = SimpleUploadedFile("signed.txt", b"Signed by both", "text/plain")
    contracts.sign_contract(contract, by=acme.legal, sign_date=acme.tenant.today(), upload=upload)
    assert contract.status == "signed"
    assert contract.signed_hash == contract.signed_file.sha256 and len(contract.signed_hash) == 64


def test_the_file_of_another_contract_is_no_signature(acme, firm):
    contract, other = approved(acme, firm), make_contract(acme, firm)
    upload = SimpleUploadedFile("other.txt", b"Other", "text/plain")
    file = activities.attach([other], upload, by=acme.rep)
    with pytest.raises(ValidationError):
        contracts.sign_contract(contract, by=acme.legal, sign_date=acme.tenant.today(), file=file)


def test_only_legal_signs(acme, firm):
    contract = approved(acme, firm)
    for member in (acme.rep, acme.manager, acme.finance, acme.admin):
        with pytest.raises(Forbidden):
            contracts.sign_contract(contract, by=member, sign_date=acme.tenant.today(), on_paper="x")


def test_coming_into_force_wins_the_deal_and_wakes_the_customer(acme, firm, draft):
    pipeline = opportunities.create_pipeline(
        by=acme.admin, key="strict", name="Strict", mode="strict_linear",
        stages=[{"key": f"s{n}", "name": f"S{n}", "probability": D("0.2")} for n in range(4)]
        + [{"name": "Won", "probability": D(1)}],
    )  # fmt: skip
    deal = opportunities.open_opportunity(by=acme.rep, account=firm.account, name="Deal", pipeline=pipeline)
    seen = []

    class Watcher(effects.Follower):
        def effective(self, contract, *, by):
            seen.append(contract.pk)

    effects.register(Watcher())
    try:
        contract = bring_into_force(acme, draft(opportunity=deal))
    finally:
        effects._followers.pop()
    deal.refresh_from_db(), firm.account.refresh_from_db()
    assert (deal.status, deal.amount) == (Opportunity.Status.WON, D("600000.00"))
    assert firm.account.status == "active"
    assert (contract.status, contract.revision, contract.effective_on) == ("effective", 1, acme.tenant.today())
    assert seen == [contract.pk]
    with pytest.raises(Refused, match="in force"):
        opportunities.reopen(deal, by=acme.admin, reason="why not")


def test_a_deal_of_another_customer_is_not_this_contracts(acme, firm, draft):
    from accounts import actions as accounts

    other = accounts.create_account(by=acme.rep, name="Somebody else")
    deal = opportunities.open_opportunity(by=acme.rep, account=other, name="Deal")
    with pytest.raises(ValidationError):
        draft(opportunity=deal)


def test_work_begins_when_delivery_has_accepted(acme, effective):
    contract = effective()
    records.update(contract, by=acme.system, handover="pending", delivery_manager=acme.presales)
    with pytest.raises(Forbidden):
        contracts.start_performing(contract, by=acme.rep)
    with pytest.raises(Refused) as refused:
        contracts.start_performing(contract, by=acme.presales)
    assert refused.value.code == "HANDOVER_OPEN"
    records.update(contract, by=acme.system, handover="accepted")
    contracts.start_performing(contract, by=acme.presales)
    assert contract.status == "performing"


def performing(cast, contract):
    records.update(contract, by=cast.system, handover="accepted", delivery_manager=cast.presales)
    return contracts.start_performing(contract, by=cast.presales)


def test_a_fixed_contract_completes_when_all_of_it_was_ordered(acme, firm, effective):
    """INV-C6: at completion the orders are the contract, to the cent."""
    contract = performing(acme, effective(kind="fixed", lines=[line("A", "1000.00", firm.v13)]))
    with pytest.raises(Refused) as refused:
        contracts.complete(contract, by=acme.manager)
    assert refused.value.code == "NOT_ALL_ORDERED"
    records.create(Order, by=acme.rep, contract=contract, number="O1", amount=D("999.99"))
    with pytest.raises(Refused):
        contracts.complete(contract, by=acme.manager)
    records.create(Order, by=acme.rep, contract=contract, number="O2", amount=D("0.01"))
    contract.refresh_from_db()
    contracts.complete(contract, by=acme.manager)
    assert contract.status == "completed"


def test_a_contract_with_money_outstanding_is_not_closed(acme, effective, monkeypatch):
    contract = performing(acme, effective())
    contracts.complete(contract, by=acme.manager)

    class Owing(effects.Follower):
        def figures(self, contract):
            return {"balance": D("0.01")}

    monkeypatch.setattr(effects, "_followers", [Owing()])
    with pytest.raises(Refused) as refused:
        contracts.close(contract, by=acme.manager)
    assert refused.value.code == "BALANCE_OPEN"
    monkeypatch.setattr(effects, "_followers", [])
    contracts.close(contract, by=acme.manager)
    assert contract.status == "closed"


def test_contracts_of_a_term_expire_after_their_last_day(acme, firm, effective):
    today = acme.tenant.today()
    ended, last_day = (
        performing(acme, effective(start_date=today - timedelta(9), end_date=end))
        for end in (today - timedelta(1), today)
    )
    fixed = performing(acme, effective(kind="fixed", end_date=today - timedelta(1)))
    assert jobs.expire(acme.tenant) == 1
    states = [Contract.objects.of(acme.tenant).get(pk=row.pk).status for row in (ended, last_day, fixed)]
    assert states == ["expired", "performing", "performing"]
