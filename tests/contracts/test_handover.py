"""From sales to delivery: offered, accepted or given back with a reason, and only then performed (domain.md 4.4)."""

import pytest

from contracts.actions import contracts, handover
from contracts.models import Contract
from crm.core import records
from crm.core.company import actions as company
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.events import outbox
from crm.core.notifications.models import Notification
from crm.core.notifications.texts import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(acme, draft):
    contract = draft()
    records.move(contract, "in_approval", by=acme.rep, verb="submitted")
    contracts.approved(contract, by=acme.manager)
    return contracts.sign_contract(contract, by=acme.legal, sign_date=acme.tenant.today(), on_paper="Cabinet 3")


def test_an_offer_is_seen_and_accepted_by_delivery(acme, signed):
    assert not Contract.objects.visible_to(acme.presales).exists()
    handover.offer(signed, by=acme.rep, to=acme.presales)
    assert (signed.handover, signed.delivery_manager_id) == ("pending", acme.presales.pk)
    assert Contract.objects.visible_to(acme.presales).get() == signed
    handover.accept(signed, by=acme.presales)
    assert signed.handover == "accepted"


def test_what_is_given_back_says_why_and_may_be_offered_again(acme, signed):
    handover.offer(signed, by=acme.rep, to=acme.presales)
    with pytest.raises(ValidationError):
        handover.give_back(signed, by=acme.presales, reason="  ")
    handover.give_back(signed, by=acme.presales, reason="No drawing")
    assert (signed.handover, signed.handover_reason) == ("returned", "No drawing")
    handover.offer(signed, by=acme.rep, to=acme.presales)
    assert (signed.handover, signed.handover_reason) == ("pending", "")


@pytest.mark.parametrize("who", ["rep", "peer", "other_rep", "finance", "legal", "partner"])
def test_only_who_was_asked_or_leads_him_decides(acme, signed, who):
    handover.offer(signed, by=acme.rep, to=acme.presales)
    for act in (lambda by: handover.accept(signed, by=by), lambda by: handover.give_back(signed, by=by, reason="No")):
        with pytest.raises(Forbidden):
            act(getattr(acme, who))
    handover.accept(signed, by=acme.manager)
    assert signed.handover == "accepted"


def test_nobody_decides_before_an_offer_or_twice(acme, signed):
    with pytest.raises((Refused, Forbidden)):
        handover.accept(signed, by=acme.presales)
    handover.offer(signed, by=acme.rep, to=acme.presales)
    handover.accept(signed, by=acme.presales)
    for act in (
        lambda: handover.accept(signed, by=acme.presales),
        lambda: handover.give_back(signed, by=acme.presales, reason="No"),
    ):
        with pytest.raises(Refused) as refusal:
            act()
        assert refusal.value.code == "HANDOVER_NOT_PENDING"
    with pytest.raises(Refused) as refusal:
        handover.offer(signed, by=acme.rep, to=acme.presales)
    assert refusal.value.code == "HANDOVER_ACCEPTED"


def test_a_draft_is_not_handed_over(acme, draft):
    with pytest.raises(Refused) as refusal:
        handover.offer(draft(), by=acme.rep, to=acme.presales)
    assert refusal.value.code == "CONTRACT_NOT_SIGNED"


def test_who_cannot_deliver_is_not_asked(acme, signed):
    with pytest.raises(ValidationError) as error:
        handover.offer(signed, by=acme.rep, to=acme.finance)
    assert "to" in error.value.message_dict
    company.deactivate(acme.presales, by=acme.admin)
    with pytest.raises(ValidationError):
        handover.offer(signed, by=acme.rep, to=acme.presales)


def test_performing_waits_for_delivery(acme, signed):
    contracts.activate(signed, by=acme.legal)
    with pytest.raises(Refused):
        handover.begin_performing(signed, by=acme.rep)
    handover.offer(signed, by=acme.rep, to=acme.presales)
    with pytest.raises(Refused):
        contracts.start_performing(signed, by=acme.rep)
    handover.accept(signed, by=acme.presales)
    contracts.start_performing(signed, by=acme.presales)
    assert signed.status == "performing"


def test_the_other_side_is_told(acme, signed):
    handover.offer(signed, by=acme.rep, to=acme.presales)
    handover.give_back(signed, by=acme.presales, reason="No drawing")
    outbox.drain_all()
    told = {row.recipient_id: row for row in Notification.objects.of(acme.tenant).filter(kind__startswith="contract.")}
    assert text_of(told[acme.presales.pk]).title.startswith("Rep offers you")
    text = text_of(told[acme.rep.pk])
    assert ("gave" in text.title, text.body) == (True, "No drawing")
