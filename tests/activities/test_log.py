"""Activities: what counts as a follow-up (domain.md 6.1), what log writes, what carry takes along."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.actions import create_account
from accounts.models import Account
from crm.core.activities import actions
from crm.core.activities.models import Activity, ActivityLink, AttachmentLink, Task
from crm.core.errors import Forbidden, Refused
from crm.core.events.models import Event

pytestmark = pytest.mark.django_db
NOW = timezone.now


@pytest.fixture
def account(acme):
    return create_account(by=acme.rep, name="北京星河软件有限公司")


@pytest.mark.parametrize(
    ("type_", "note", "counted"),
    [
        ("call", "", True),
        ("visit", "", True),
        ("meeting", "", True),
        ("demo", "", True),
        ("mail_sent", "", True),
        ("mail_received", "", True),
        ("wechat", "客户确认下周二来厂里看样机", True),
        ("wechat", "好的收到", False),
        ("wechat", "   好的      收到          ", False),
        ("note", "客户确认下周二来厂里看样机", False),
    ],
)
def test_which_types_count(acme, account, type_, note, counted):
    activity = actions.log([account], by=acme.rep, type=type_, note=note)
    assert activity.counts_as_followup is counted
    account.refresh_from_db()
    assert (account.last_followup_at is not None) is counted


def test_only_the_owners_activity_counts(acme, account):
    assert not actions.log([account], by=acme.manager, type="visit").counts_as_followup
    account.refresh_from_db()
    assert account.last_followup_at is None


def test_what_happened_before_the_record_was_owned_does_not_count(acme, account):
    account.owned_at = NOW()
    early = actions.log([account], by=acme.rep, type="call", occurred_at=NOW() - timedelta(hours=1))
    assert not early.counts_as_followup


def test_a_company_may_change_the_list(acme, account):
    acme.rep.tenant.settings = {"followup": {"call": None, "note": 10}}
    assert not actions.log([account], by=acme.rep, type="call").counts_as_followup
    assert actions.log([account], by=acme.rep, type="note", note="客户确认下周二来厂里看样机").counts_as_followup


def test_the_future_is_refused(acme, account):
    for field, value in [("occurred_at", NOW() + timedelta(minutes=1)), ("next_at", NOW() - timedelta(days=1))]:
        with pytest.raises(ValidationError) as error:
            actions.log([account], by=acme.rep, type="call", **{field: value})
        assert list(error.value.message_dict) == [field]
    assert not Activity.objects.of(acme.tenant).exists()


def test_an_older_activity_does_not_move_the_clock_back(acme, account):
    actions.log([account], by=acme.rep, type="call")
    account.refresh_from_db()
    latest = account.last_followup_at
    actions.log([account], by=acme.rep, type="call", occurred_at=NOW() - timedelta(days=3))
    account.refresh_from_db()
    assert account.last_followup_at == latest


def test_log_writes_one_event_and_the_task_of_the_next_step(acme, account):
    due = NOW() + timedelta(days=1)
    activity = actions.log([account], by=acme.rep, type="call", next_step="Send the quote", next_at=due)
    event = Event.objects.of(acme.tenant).get(kind="account.activity_logged")
    assert (event.subject_id, event.data) == (account.pk, {"activity": activity.pk})
    task = Task.objects.of(acme.tenant).get()
    assert (task.title, task.owner, task.due_at, task.source) == ("Send the quote", acme.rep, due, "activity")
    assert (task.subject_type, task.subject_id) == ("accounts.account", account.pk)


def test_a_record_one_cannot_see_cannot_be_logged_about(acme, account):
    with pytest.raises(Forbidden):
        actions.log([account], by=acme.other_rep, type="call")
    with pytest.raises(Forbidden):
        actions.log([account], by=acme.finance, type="call")
    assert not ActivityLink.objects.of(acme.tenant).exists()


def test_activities_cannot_be_changed_or_deleted(acme, account):
    actions.log([account], by=acme.rep, type="call")
    for sql in ("UPDATE activities_activity SET note = 'x'", "DELETE FROM activities_activity"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_carry_takes_activities_files_and_open_tasks_along(acme, account):
    other = create_account(by=acme.rep, name="上海明远机电有限公司")
    activity = actions.log([account], by=acme.rep, type="call", next_at=NOW() + timedelta(days=1))
    done = actions.complete_task(actions.add_task(account, by=acme.rep, title="Done", due_at=NOW()), by=acme.rep)
    for _twice in range(2):
        actions.carry(account, [other], by=acme.rep)
    links = ActivityLink.objects.of(acme.tenant).filter(activity=activity)
    assert sorted(links.values_list("subject_id", flat=True)) == sorted([account.pk, other.pk])
    assert Task.objects.of(acme.tenant).get(status="open").subject_id == other.pk
    done.refresh_from_db()
    assert done.subject_id == account.pk
    assert not AttachmentLink.objects.of(acme.tenant).exists()


def test_tasks_move_only_as_their_table_allows(acme, account):
    task = actions.add_task(account, by=acme.rep, title="Call", due_at=NOW())
    actions.complete_task(task, by=acme.rep)
    assert task.done_at is not None
    with pytest.raises(Refused):
        actions.drop_task(task, by=acme.rep)
    actions.reopen_task(task, by=acme.rep)
    assert (task.status, task.done_at) == ("open", None)


def test_tasks_are_given_within_reach_only(acme, account):
    with pytest.raises(Forbidden):
        actions.add_task(None, by=acme.rep, title="Yours", due_at=NOW(), owner=acme.peer)
    task = actions.add_task(None, by=acme.manager, title="Yours", due_at=NOW(), owner=acme.rep)
    with pytest.raises(Forbidden):
        actions.complete_task(task, by=acme.peer)
    assert list(Task.objects.visible_to(acme.rep)) == [task]
    assert not Task.objects.visible_to(acme.peer).exists()


def test_an_account_appears_once_however_many_work_on_it(acme, account):
    from accounts.actions import add_collaborator

    for member in (acme.peer, acme.other_rep, acme.presales):
        add_collaborator(account, member, by=acme.rep)
    for member in (acme.rep, acme.peer, acme.manager, acme.presales):
        assert list(Account.objects.visible_to(member)) == [account]
