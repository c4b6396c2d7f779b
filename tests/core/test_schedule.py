"""Periodic jobs start once per slot, for every open company, whoever ticks (reliability.md 3.3.6)."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction
from django.urls import get_resolver

from crm.core.events import outbox, schedule, tasks
from crm.core.events.models import Slot
from crm.core.events.schedule import Job, due_jobs, run_job
from crm.core.people.models import Member
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import current_tenant_id, leave

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def ran(monkeypatch):
    """What the jobs `quick` (1 minute) and `slow` (10 minutes) were run for."""
    ran = []
    run = lambda tenant: ran.append((tenant.slug, current_tenant_id() == tenant.pk))  # noqa: E731
    monkeypatch.setattr(schedule, "jobs", {"quick": Job("quick", 1, run), "slow": Job("slow", 10, run)})
    return ran


def test_a_slot_is_claimed_once(db, ran):
    assert due_jobs(NOON) == ["quick", "slow"]
    assert due_jobs(NOON + timedelta(seconds=59)) == []
    assert due_jobs(NOON + timedelta(minutes=1)) == ["quick"]
    assert due_jobs(NOON + timedelta(minutes=10)) == ["quick", "slow"]


def test_a_late_tick_starts_the_slot_that_was_missed_once(db, ran):
    due_jobs(NOON)
    assert due_jobs(NOON + timedelta(minutes=17)) == ["quick", "slow"]
    assert due_jobs(NOON + timedelta(minutes=18)) == ["quick"]
    assert due_jobs(NOON + timedelta(hours=5)) == ["quick", "slow"]


def test_a_clock_that_was_set_back_starts_nothing_twice(db, ran):
    due_jobs(NOON)
    due_jobs(NOON + timedelta(minutes=1))
    assert due_jobs(NOON) == []


def test_old_slots_are_forgotten(db, ran):
    due_jobs(NOON)
    due_jobs(NOON + schedule.KEPT + timedelta(minutes=20))
    assert not Slot.objects.filter(at=NOON).exists()


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_beats_at_once_start_each_slot_once(ran):
    start, results = threading.Barrier(6), []

    def tick():
        try:
            start.wait(10)
            results.extend(due_jobs(NOON))
        except Exception as error:
            results.append(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tick) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert sorted(results) == ["quick", "slow"]


def test_a_job_runs_for_every_open_company_inside_its_wall(acme, globex, ran):
    with leave():
        run_job("quick")
        assert sorted(ran) == [("acme", True), ("globex", True)]
        Tenant.objects.filter(slug="globex").update(status=Tenant.Status.CLOSED)
        run_job("quick")
    assert ran[2:] == [("acme", True)]


def test_a_job_that_fails_for_one_company_runs_for_the_others(acme, globex, ran, monkeypatch):
    def fail_for_acme(tenant):
        if tenant.slug == "acme":
            raise RuntimeError
        ran.append(tenant.slug)

    monkeypatch.setitem(schedule.jobs, "quick", Job("quick", 1, fail_for_acme))
    with leave():
        run_job("quick")
    assert ran == ["globex"]


def test_a_job_sees_one_company_only(acme, globex, ran, monkeypatch):
    seen = {}

    def look(tenant):
        with transaction.atomic():
            seen[tenant.slug] = set(Member._base_manager.values_list("tenant_id", flat=True))

    monkeypatch.setitem(schedule.jobs, "quick", Job("quick", 1, look))
    with leave():
        run_job("quick")
    assert seen == {"acme": {acme.tenant.pk}, "globex": {globex.tenant.pk}}


def test_a_job_that_the_broker_does_not_take_is_due_again(db, ran, monkeypatch):
    def refuse(name):
        raise ConnectionError("redis is gone")

    monkeypatch.setattr(tasks.run_job, "delay", refuse)
    with pytest.raises(ConnectionError):
        tasks.tick()
    started = []
    monkeypatch.setattr(tasks.run_job, "delay", started.append)
    tasks.tick()
    assert "quick" in started


def test_a_worker_knows_every_job_and_handler_without_loading_a_page():
    """What is registered only by a module that the URLs import would never run."""
    get_resolver().url_patterns  # noqa: B018
    code = (
        "import json, django; django.setup(); from crm.core.events import outbox, schedule;"
        "print(json.dumps([sorted(schedule.jobs), sorted(outbox._handlers)]))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    jobs, handlers = json.loads(answer.stdout.splitlines()[-1])
    assert jobs == sorted(schedule.jobs)
    assert handlers == sorted(outbox._handlers)
    assert {"events.tidy", "notifications.mail", "web.forget_keys"} <= set(jobs)


def test_beat_ticks_each_minute_and_sweeps_each_half():
    from crm.celery import app

    entries = {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()}
    assert entries == {"events.tick": 60.0, "events.drain": 30.0}
    assert set(entries) <= set(app.tasks)
