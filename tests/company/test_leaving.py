"""Nobody who has left owns a live record, also not at the very moment of leaving (INV-A1)."""

import threading
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.utils import timezone

from crm.core import records
from crm.core.activities.models import Task
from crm.core.company import actions as company
from crm.core.company import holdings
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.tenancy.state import enter
from tests.conftest import make_acme

pytestmark = pytest.mark.django_db
RACE = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def task(owner, by=None):
    return records.create(Task, by=by or owner, owner=owner, title="Call", due_at=timezone.now())


def tasks_of(member):
    return "tasks", Task.objects.of(member.tenant_id).filter(owner=member).count()


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(holdings, "_holdings", [tasks_of])


def test_who_has_left_is_given_nothing(acme):
    mine = task(acme.rep)
    company.deactivate(acme.peer, by=acme.admin)
    gone = Member.objects.of(acme.tenant).get(pk=acme.peer.pk)
    acts = [
        lambda: task(gone, by=acme.rep),
        lambda: records.update(mine, by=acme.rep, owner=gone),
        lambda: records.bulk_change(
            Task.objects.of(acme.tenant), by=acme.rep, verb="given", batch=uuid.uuid4(), owner=gone
        ),
    ]
    for act in acts:
        with pytest.raises(ValidationError, match="has left"):
            act()
    assert tasks_of(gone) == ("tasks", 0)


class Meeting:
    """Two transactions of which the first stays open until the second waits for it."""

    def __init__(self, tenant):
        self.tenant, self.entered, self.finish, self.results = tenant, threading.Event(), threading.Event(), {}

    def run(self, name, act, *, stay=False):
        try:
            with enter(self.tenant), transaction.atomic():
                act()
                self.entered.set()
                if stay:
                    self.finish.wait(30)
            self.results[name] = "done"
        except (Refused, ValidationError) as refused:
            self.results[name] = getattr(refused, "code", "") or "refused"
        finally:
            connections.close_all()

    def hold(self, first, second) -> dict:
        """`first` has acted and not committed when `second` begins; then it commits."""
        one = threading.Thread(target=self.run, args=["first", first], kwargs={"stay": True})
        one.start()
        assert self.entered.wait(30)
        two = threading.Thread(target=self.run, args=["second", second])
        two.start()
        two.join(1)
        waited = two.is_alive()
        self.finish.set()
        one.join(30), two.join(30)
        return {**self.results, "waited": waited}


@RACE
def test_a_deactivation_waits_for_a_record_that_is_just_given(counted):
    with transaction.atomic():
        acme = make_acme()
    found = Meeting(acme.tenant).hold(
        lambda: task(acme.rep, by=acme.manager), lambda: company.deactivate(acme.rep, by=acme.admin)
    )
    assert found == {"first": "done", "second": "STILL_HOLDS", "waited": True}


@RACE
def test_a_record_is_not_given_to_somebody_who_is_just_leaving(counted):
    with transaction.atomic():
        acme = make_acme()
    found = Meeting(acme.tenant).hold(
        lambda: company.deactivate(acme.rep, by=acme.admin), lambda: task(acme.rep, by=acme.manager)
    )
    assert found == {"first": "done", "second": "refused", "waited": True}
    with enter(acme.tenant), transaction.atomic():
        assert tasks_of(acme.rep) == ("tasks", 0)


@RACE
def test_two_may_give_records_to_one_member_at_once(counted):
    with transaction.atomic():
        acme = make_acme()
    found = Meeting(acme.tenant).hold(lambda: task(acme.rep, by=acme.manager), lambda: task(acme.rep, by=acme.peer))
    assert found == {"first": "done", "second": "done", "waited": False}


@RACE
def test_an_administrator_who_works_does_not_block_the_settings(counted):
    """A long transaction of an administrator (an import) names him in its Events, and nobody waits for that."""
    with transaction.atomic():
        acme = make_acme()
    found = Meeting(acme.tenant).hold(
        lambda: task(acme.peer, by=acme.admin), lambda: company.update_member(acme.rep, by=acme.admin, title="x")
    )
    assert found == {"first": "done", "second": "done", "waited": False}
