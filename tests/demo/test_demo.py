"""The demo company: the same for the same day, valid in form, and alive on every screen."""

from datetime import date

import pytest
from django.test import Client

from contracts.models import Contract
from crm.core import names
from crm.core.activities.models import Activity, Task
from crm.core.approvals.models import ApprovalTask
from crm.core.calendars import local_date
from crm.core.events.models import Event
from crm.core.people.models import Member
from crm.core.tenancy.state import enter
from crm.home.demo import sales
from crm.home.demo.load import load
from crm.home.demo.story import COUNTS, tell
from leads.models import Lead
from opportunities.models import Opportunity, OpportunityChange
from receivables import verifier
from receivables.models import Incoming, Period, Receivable
from tests.conftest import BOTH

TODAY = date(2026, 3, 2)


def test_a_story_is_the_same_for_the_same_day():
    assert tell(TODAY) == tell(TODAY)
    assert tell(TODAY) != tell(date(2026, 3, 3))


def test_codes_and_phones_are_valid_in_form():
    story = tell(TODAY)
    assert all(names.uscc(customer.values["uscc"]).valid for customer in story.customers)
    phones = [contact["phone"] for customer in story.customers for contact in customer.contacts]
    assert {names.phone_key(phone).kind for phone in phones} == {"mobile"}
    assert len({customer.name for customer in story.customers}) == COUNTS["accounts"]


@pytest.mark.django_db(databases=BOTH)
def test_the_company_lives(monkeypatch):
    """The whole story, with a tenth of its contracts."""
    monkeypatch.setattr(sales, "SHARE_SIGNED", 0.1)
    tenant = load(tell(TODAY), slug="show")
    with enter(tenant):
        assert Lead.objects.of(tenant).count() == COUNTS["leads"]
        assert {*Lead.objects.of(tenant).values_list("status", flat=True)} == {*Lead.Status.values} - {"merged"}
        assert Activity.objects.of(tenant).count() >= COUNTS["activities"]
        assert Task.objects.of(tenant).exists()
        assert Member.objects.of(tenant).filter(is_system=False).count() == 40
        _check_history(tenant)
        _check_cash(tenant)
        boss = Member.objects.of(tenant).get(email="manager0@show.example")
    client = Client()
    client.force_login(boss.user)
    for page in ("leads", "accounts", "opportunities", "funnel", "visits", "today"):
        assert client.get(f"/show/{page}/").status_code == 200, page


def _check_cash(tenant) -> None:
    """Contracts at several stages, money paid and owed, something on every desk, and ledgers without a difference."""
    assert {*Contract.objects.of(tenant).values_list("status", flat=True)} >= {"in_approval", "performing"}
    assert Receivable.objects.of(tenant).filter(balance__gt=0, due_date__lt=TODAY).exists()
    assert Receivable.objects.of(tenant).filter(balance=0).exists()
    assert Incoming.objects.of(tenant).filter(left__gt=0).count() >= 2
    assert {*Period.objects.of(tenant).values_list("status", flat=True)} == {"soft_closed", "closed"}
    assert ApprovalTask.objects.of(tenant).filter(status="open").count() >= 5
    assert not list(verifier.differences(tenant))
    signed = Contract.objects.of(tenant).exclude(sign_date=None).earliest("sign_date")
    event = Event.objects.of(tenant).get(kind="contract.signed", subject_id=signed.pk)
    assert local_date(event.at, tenant.zone) == signed.sign_date < TODAY


def _check_history(tenant) -> None:
    """Change rows lead to today's values, and every record has its birth."""
    deals = Opportunity.objects.of(tenant).select_related("stage")
    assert deals.count() == COUNTS["opportunities"]
    for deal in deals[:40]:
        rows = OpportunityChange.objects.of(tenant).filter(opportunity=deal)
        last = {row.field: row.after for row in rows.order_by("at", "id")}
        assert last["stage"] == str(deal.stage_id)
        assert last["status"] == deal.status
        assert last["amount"] == str(deal.amount)
    born = Event.objects.of(tenant).filter(kind="opportunity.created").count()
    assert born == COUNTS["opportunities"]
