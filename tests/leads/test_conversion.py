"""A lead becomes a customer, a contact and a deal: once, whole, and nothing is lost (INV-L8)."""

from decimal import Decimal

import pytest

from accounts.actions import add_contact, create_account
from accounts.models import Account, Contact
from crm.core.activities import actions as activities
from crm.core.activities import timeline
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.events.models import Event
from leads import actions
from leads.models import Lead
from opportunities.models import Opportunity

from .build import held, in_pool

pytestmark = pytest.mark.django_db
DEAL = {"name": "Two machines", "amount": Decimal("120000.00")}


def counts(acme):
    return tuple(model.objects.of(acme.tenant).count() for model in (Account, Contact, Opportunity))


def test_a_lead_becomes_customer_contact_and_deal(acme):
    lead = held(acme.rep, region="华东", industry="机械", source="fair")
    done = actions.convert(lead, by=acme.rep, opportunity_values=DEAL)
    assert (lead.status, lead.account, lead.contact, lead.opportunity) == (
        "converted", done.account, done.contact, done.opportunity,
    )  # fmt: skip
    assert (done.account.name, done.account.region, done.account.owner) == (lead.name, "华东", acme.rep)
    assert (done.contact.name, done.contact.phone, done.contact.email) == (lead.contact_name, lead.phone, lead.email)
    assert (done.opportunity.amount, done.opportunity.owner, done.opportunity.account) == (
        Decimal("120000.00"), acme.rep, done.account,
    )  # fmt: skip
    assert Event.objects.of(acme.tenant).filter(kind="lead.converted").count() == 1


def test_activities_and_files_go_along(acme, settings, tmp_path):
    lead = held(acme.rep)
    activities.log([lead], by=acme.rep, type="visit", note="saw the workshop")
    done = actions.convert(lead, by=acme.rep, opportunity_values=DEAL)
    for record in (lead, done.account, done.contact, done.opportunity):
        assert [activity.note for activity in timeline.activities_of(record)] == ["saw the workshop"]


def test_a_second_call_returns_the_first_result(acme):
    lead = held(acme.rep)
    first = actions.convert(lead, by=acme.rep, opportunity_values=DEAL)
    again = actions.convert(Lead.objects.of(acme.tenant).get(pk=lead.pk), by=acme.rep, opportunity_values=DEAL)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.account, again.contact, again.opportunity) == (first.account, first.contact, first.opportunity)
    assert counts(acme) == (1, 1, 1)


def test_without_a_deal_and_without_a_named_contact(acme):
    done = actions.convert(held(acme.rep, contact_name=""), by=acme.rep)
    assert (done.contact, done.opportunity) == (None, None)
    assert counts(acme) == (1, 0, 0)


def test_an_existing_customer_is_linked_and_its_known_contact_kept(acme):
    account = create_account(by=acme.rep, name="Known")
    known = add_contact(account, by=acme.rep, name="Zhang", phone="+86 138 1234 5678")
    done = actions.convert(held(acme.rep, phone="13812345678"), by=acme.rep, account=account)
    assert (done.account, done.contact) == (account, known)
    other = actions.convert(held(acme.rep), by=acme.rep, account=account)
    assert other.contact != known and other.contact.account == account


def test_a_failure_at_the_last_step_leaves_nothing(acme, monkeypatch):
    lead = held(acme.rep)
    monkeypatch.setattr(activities, "carry", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        actions.convert(lead, by=acme.rep, opportunity_values=DEAL)
    assert counts(acme) == (0, 0, 0)
    assert Lead.objects.of(acme.tenant).get(pk=lead.pk).status == "assigned"


def test_bad_deal_values_leave_nothing(acme):
    with pytest.raises(ValidationError):
        actions.convert(held(acme.rep), by=acme.rep, opportunity_values={"name": "x" * 300})
    assert counts(acme) == (0, 0, 0)


def test_what_may_not_be_converted(acme):
    theirs = create_account(by=acme.other_rep, name="Not visible")
    with pytest.raises(ValidationError):
        actions.convert(held(acme.rep), by=acme.rep, account=theirs)
    with pytest.raises(Forbidden):
        actions.convert(in_pool(acme.admin), by=acme.rep)
    resting = actions.nurture(held(acme.rep), by=acme.rep)
    with pytest.raises(Refused) as refused:
        actions.convert(resting, by=acme.rep)
    assert refused.value.code == "INVALID_TRANSITION"
    assert counts(acme) == (1, 0, 0)


def test_a_managers_conversion_stays_with_the_owner(acme):
    done = actions.convert(held(acme.rep), by=acme.manager, opportunity_values=DEAL)
    assert (done.account.owner, done.opportunity.owner) == (acme.rep, acme.rep)


def test_the_page_converts_and_says_what_is_missing(acme, sign_in):
    lead = held(acme.rep)
    client, url = sign_in(acme.rep), f"/acme/leads/{lead.pk}/convert/"
    typed = {"account_name": lead.name, "contact_name": "Zhang", "with_opportunity": "on", "opportunity_name": ""}
    answer = client.post(url, typed)
    assert answer.status_code == 422 and "Enter a name for the deal." in answer.content.decode()
    assert client.post(url, {**typed, "opportunity_name": "Deal", "amount": "1.5"}).status_code == 302
    assert counts(acme) == (1, 1, 1)
