"""Two runs at once give each notice once; the database refuses a second even without the lock (INV-R14)."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import IntegrityError, connections, transaction

from crm.core.notifications.models import Notification
from crm.core.tenancy.state import enter
from receivables import cash_jobs, dunning_jobs
from receivables.actions import dunning
from receivables.models import CashSnapshot, DunningLetter, DunningNotice
from tests.conftest import make_acme

from .conftest import make_ledger

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def world():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        return cast, make_ledger(cast)


def runs_at_once(cast, count: int) -> list[str]:
    barrier = threading.Barrier(count)

    def run(_n) -> str:
        try:
            with enter(cast.tenant):
                barrier.wait(10)
                dunning.run(cast.tenant, by=cast.system)
            return "done"
        except IntegrityError:
            return "refused by the database"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def counts(cast) -> tuple[int, int, int]:
    with enter(cast.tenant), transaction.atomic():
        told = Notification.objects.of(cast.tenant).filter(recipient=cast.rep, kind="dunning.reminded")
        return (
            DunningNotice.objects.of(cast.tenant).count(),
            DunningLetter.objects.of(cast.tenant).count(),
            told.count(),
        )


def test_four_runs_at_once_remind_once(world, monkeypatch):
    cast, _ledger = world
    monkeypatch.setattr(dunning, "CHUNK", 1)
    assert runs_at_once(cast, 4) == ["done"] * 4
    notices, letters, _told = counts(cast)
    assert (notices, letters) == (4, 1)


def test_control_without_the_locks_the_database_still_refuses_a_second_notice(world, monkeypatch):
    """The race is real: both runs choose the same rows, one of them is refused by the unique notice."""
    cast, _ledger = world
    met = threading.Barrier(2)
    monkeypatch.setattr(dunning, "_one_at_a_time", lambda tenant_id: None)
    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", lambda self, **how: self)
    notice = dunning._notice

    def together(*args):
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait(3)
        return notice(*args)

    monkeypatch.setattr(dunning, "_notice", together)
    monkeypatch.setattr(dunning, "_letters", lambda *args: {})
    assert sorted(runs_at_once(cast, 2)) == ["done", "refused by the database"]
    assert counts(cast)[0] == 4


def test_the_jobs_open_their_own_transactions(world, monkeypatch):
    """As the worker calls them: inside the company, outside any transaction; before eight nothing goes out."""
    cast, _ledger = world
    for hour, expected in (("2024-02-01T23:30:00Z", 0), ("2024-02-02T00:30:00Z", 2)):  # 07:30, 08:30 in Shanghai
        with time_machine.travel(hour, tick=True), enter(cast.tenant):
            dunning_jobs.remind(cast.tenant)
            dunning_jobs.send(cast.tenant)
            cash_jobs.keep(cast.tenant)
        assert counts(cast)[0] == expected
    with enter(cast.tenant), transaction.atomic():
        assert CashSnapshot.objects.of(cast.tenant).count() == 1
