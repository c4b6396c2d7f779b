"""People hear of what waits for them and of what became of it; the notice opens the card."""

import pytest
from django.core import mail
from django.db import transaction
from django.utils import translation

from crm.core.approvals import actions, deputies
from crm.core.events import outbox
from crm.core.notifications import mailer
from crm.core.notifications.models import Notification
from crm.core.notifications.texts import text_of

from .conftest import approve_all, node, open_tasks, the_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(acme):
    """What a member was told since the last time, as titles in English."""
    seen = set()

    def of(member) -> list[str]:
        with transaction.atomic():
            while outbox.deliver_next(acme.tenant.pk):
                pass
        rows = Notification.objects.of(acme.tenant).filter(recipient=member, kind__startswith="approval.")
        fresh = list(rows.exclude(pk__in=seen).order_by("pk"))
        seen.update(row.pk for row in fresh)
        with translation.override("en"):
            return [_word(acme, row) for row in fresh]

    return of


def _word(acme, row) -> str:
    row.tenant = acme.tenant
    return text_of(row).title


def test_the_one_asked_hears_and_then_the_submitter(acme, ask, heard):
    instance = ask("100000.00")
    assert heard(acme.manager) == ["Rep asks you to approve “Six pumps”"]
    assert heard(acme.finance) == []
    approve_all(instance, acme.manager)
    assert heard(acme.finance) == ["Rep asks you to approve “Six pumps”"]
    assert heard(acme.rep) == []
    approve_all(instance, acme.finance)
    assert heard(acme.rep) == ["“Six pumps” is approved"]


def test_no_with_its_reason(acme, ask, heard):
    actions.reject(the_task(ask(), acme.manager), by=acme.manager, comment="Too cheap")
    assert heard(acme.rep) == ["Manager rejected “Six pumps”"]
    row = Notification.objects.of(acme.tenant).get(kind="approval.rejected")
    row.tenant = acme.tenant
    assert text_of(row).body == "Too cheap"


def test_steps_back_returns_and_reminders(acme, ask, flow, heard):
    flow(node("One", acme.manager), node("Two", acme.legal))
    instance = ask()
    heard(acme.manager)
    actions.urge(instance, by=acme.rep)
    assert heard(acme.manager) == ["Rep reminds you: “Six pumps” waits for you"]
    approve_all(instance, acme.manager)
    actions.give_back(the_task(instance, acme.legal), by=acme.legal, comment="Why?", to_node="one")
    assert heard(acme.rep) == ["Legal sent “Six pumps” back to an earlier step"]
    assert heard(acme.manager) == ["Rep asks you to approve “Six pumps”"]
    actions.give_back(the_task(instance, acme.manager), by=acme.manager, comment="Explain")
    assert heard(acme.rep) == ["Manager returned “Six pumps” to you"]


def test_transfers_copies_and_deputies(acme, ask, heard):
    today = acme.tenant.today()
    deputies.delegate(by=acme.manager, deputy=acme.finance, start=today, end=today)
    instance = ask()
    assert len(heard(acme.manager)) == 1
    assert len(heard(acme.finance)) == 2  # the period, and the request
    actions.transfer(open_tasks(instance)[0], by=acme.finance, to=acme.legal)
    assert heard(acme.legal) == ["Rep asks you to approve “Six pumps”"]
    actions.send_copy(instance, by=acme.rep, to=acme.peer)
    assert heard(acme.peer) == ["Rep sends you a copy of “Six pumps”"]


def test_administrators_hear_of_what_nobody_can_decide(acme, ask, flow, heard):
    flow(node("Nobody"))
    ask()
    assert heard(acme.admin) == ["“Six pumps” has no approver"]


def test_the_mail_leads_to_the_card(acme, ask, heard):
    instance = ask()
    heard(acme.manager)
    mailer.mail_notices(acme.tenant)
    letter = next(letter for letter in mail.outbox if letter.to == [acme.manager.user.email])
    assert f"/acme/approvals/{instance.pk}/" in letter.body
    assert "50000.00 CNY" in letter.body
