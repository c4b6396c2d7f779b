"""Notices: told once, worded for the reader, mailed once, never about another company (reliability.md T6)."""

import threading
import time

import pytest
from django.core import mail
from django.db import connections, transaction
from django.utils import timezone, translation

from crm.core.company import actions as company
from crm.core.notifications import mailer, texts
from crm.core.notifications.actions import mark_all_read, mark_read, notice, notify, notify_many, unread_count
from crm.core.notifications.models import Notification
from crm.core.notifications.texts import Text, text_of
from crm.core.tenancy.state import enter
from tests.conftest import make_acme

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def wording(monkeypatch):
    """The kind `test.hello`, worded in two languages without the catalogue."""

    def hello(notice):
        greeting = {"en": "Hello", "zh-hans": "你好"}[translation.get_language()]
        return Text(f"{greeting} {notice.params['who']}", "A body.", f"/{notice.tenant.slug}/notifications/")

    monkeypatch.setitem(texts._kinds, "test.hello", hello)


def tell(member, who="Ann", key="1"):
    notify(member, "test.hello", dedupe_key=key, who=who)


def test_the_same_key_tells_once(acme):
    tell(acme.rep, key="a")
    tell(acme.rep, who="Bob", key="a")
    tell(acme.rep, key="b")
    tell(acme.peer, key="a")
    assert unread_count(acme.rep) == 2
    assert unread_count(acme.peer) == 1


def test_a_set_is_told_in_one_statement_and_deaf_ears_are_left_out(acme, django_assert_num_queries):
    acme.peer.is_active = False
    rows = [notice(member, "test.hello", dedupe_key="1", who="x") for member in (acme.rep, acme.peer, acme.system)]
    with django_assert_num_queries(1):
        notify_many(rows)
    assert list(Notification.objects.of(acme.tenant).values_list("recipient_id", flat=True)) == [acme.rep.pk]


def test_reading_concerns_ones_own_notices_only(acme):
    tell(acme.rep, key="a"), tell(acme.rep, key="b"), tell(acme.peer)
    theirs = Notification.objects.of(acme.tenant).get(recipient=acme.peer)
    mine = Notification.objects.visible_to(acme.rep).first()
    assert mark_read(acme.rep, [mine.pk, theirs.pk]) == 1
    assert (unread_count(acme.rep), unread_count(acme.peer)) == (1, 1)
    assert mark_all_read(acme.rep) == 1
    assert unread_count(acme.peer) == 1


def test_a_notice_that_cannot_be_worded_still_has_a_text(acme):
    notify(acme.rep, "gone.kind", dedupe_key="1")
    notify(acme.rep, "test.hello", dedupe_key="2")
    for row in Notification.objects.visible_to(acme.rep):
        assert text_of(row).title


def test_one_kind_has_one_wording():
    with pytest.raises(ValueError, match="worded twice"):
        texts.kind("test.hello")(lambda notice: Text(""))


def test_one_mail_per_member_in_the_members_language_once(acme):
    acme.peer.user.language = "zh-hans"
    acme.peer.user.save()
    tell(acme.rep, key="a"), tell(acme.rep, who="Bob", key="b"), tell(acme.peer)
    assert mailer.mail_notices(acme.tenant) == 2
    assert mailer.mail_notices(acme.tenant) == 0
    rep, peer = sorted(mail.outbox, key=lambda message: message.to, reverse=True)
    assert rep.to == [acme.rep.user.email]
    assert rep.subject == "[Acme] Hello Ann and 1 more"
    assert "Hello Bob" in rep.body
    assert "/acme/notifications/" in rep.body
    assert peer.subject == "[Acme] 你好 Ann"


def test_no_mail_for_what_was_read_or_to_who_left_or_never_joined(acme):
    unseated = company.add_member(by=acme.admin, name="Seller", email="seller@acme.example")
    for member in (acme.rep, acme.peer, acme.other_rep, unseated):
        tell(member)
    mark_all_read(acme.rep)
    company.deactivate(acme.peer, by=acme.admin)
    acme.other_rep.user.is_active = False
    acme.other_rep.user.save()
    assert mailer.mail_notices(acme.tenant) == 0
    assert mail.outbox == []


def test_a_failed_sending_is_tried_again_and_does_not_stop_others(acme, monkeypatch):
    tell(acme.rep), tell(acme.peer)
    send = mailer.send_mail

    def refuse_rep(subject, text, sender, to):
        if to == [acme.rep.user.email]:
            raise OSError("no route to the mail server")
        return send(subject, text, sender, to)

    monkeypatch.setattr(mailer, "send_mail", refuse_rep)
    assert mailer.mail_notices(acme.tenant) == 1
    monkeypatch.setattr(mailer, "send_mail", send)
    assert mailer.mail_notices(acme.tenant) == 1
    assert [message.to for message in mail.outbox] == [[acme.peer.user.email], [acme.rep.user.email]]


def test_old_news_is_not_mailed(acme):
    tell(acme.rep)
    Notification.objects.of(acme.tenant).update(created_at=timezone.now() - mailer.TRIED_FOR)
    assert mailer.mail_notices(acme.tenant) == 0


def test_a_line_break_in_a_title_cannot_add_a_header(acme):
    tell(acme.rep, who="x\r\nBcc: thief@example.com")
    mailer.mail_notices(acme.tenant)
    assert mail.outbox[0].recipients() == [acme.rep.user.email]
    assert "\n" not in mail.outbox[0].subject


def test_mails_tell_nothing_of_another_company(acme, globex):
    """The same person works for both; each mail speaks of one."""
    with enter(globex.tenant):
        both = company.add_member(by=globex.admin, name="Rep too", roles=["rep"], user=acme.rep.user)
        tell(both, who="CANARY-GLOBEX")
    tell(acme.rep, who="CANARY-ACME")
    assert mailer.mail_notices(acme.tenant) == 1
    text = mail.outbox[0].subject + mail.outbox[0].body
    assert "CANARY-ACME" in text
    assert "lobex" not in text
    assert "GLOBEX" not in text
    with enter(globex.tenant):
        assert mailer.mail_notices(globex.tenant) == 1
    assert "CANARY-GLOBEX" in mail.outbox[1].body


@pytest.mark.django_db(transaction=True)
def test_two_mailers_at_once_send_one_mail(monkeypatch):
    send = mailer.send_mail
    monkeypatch.setattr(mailer, "send_mail", lambda *args: time.sleep(0.3) or send(*args))
    with transaction.atomic():
        cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        tell(cast.rep)
    both = threading.Barrier(2)

    def run():
        try:
            both.wait(10)
            with enter(cast.tenant):
                mailer.mail_notices(cast.tenant)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert len(mail.outbox) == 1
