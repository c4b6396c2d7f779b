"""A real worker on the real broker: an Event committed here is heard of there."""

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from crm.core.company import actions as company
from crm.core.events import outbox, tasks
from crm.core.events.models import Delivery, Wakeup
from crm.core.notifications.actions import notify
from crm.core.notifications.models import Notification
from crm.core.tenancy.state import enter
from tests.conftest import make_acme

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
PATIENCE = 120  # seconds; a worker starts in a few, on a busy machine in many


def environment(folder: Path) -> dict[str, str]:
    """The worker's own: the test's database, its mails in `folder`."""
    database = settings.DATABASES["default"]
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/".format(**database) + connection.settings_dict["NAME"]
    return os.environ | {"DATABASE_URL": url, "RUN_DIR": str(folder), "CRM_ENV": "test", "LOG_LEVEL": "INFO"}


@contextmanager
def worker(folder: Path, queue: str):
    """`celery -A crm worker` on a queue of its own; its log is in the folder."""
    command = [sys.executable, "-m", "celery", "-A", "crm", "worker", "-Q", queue, "-c", "1", "-l", "INFO"]
    command += ["--without-gossip", "--without-mingle", "-n", f"{queue}@%h"]
    log = (folder / "worker.log").open("w")
    process = subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment(folder), stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        log.close()


def wait_for(happened, process, folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"the worker did not do it:\n{(folder / 'worker.log').read_text()[-3000:]}")
        time.sleep(0.2)


@pytest.fixture
def queue(monkeypatch):
    """A queue that no other worker on this broker serves."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    monkeypatch.setattr(tasks.drain, "apply_async", partial(tasks.drain.apply_async, queue=name))
    monkeypatch.setitem(outbox._quiet, "until", 0.0)
    yield name
    with tasks.drain.app.connection_for_write() as broker:
        broker.default_channel.queue_delete(name)


def test_an_event_committed_here_is_heard_of_by_a_worker(tmp_path, queue):
    with transaction.atomic():
        acme = make_acme()
    with worker(tmp_path, queue) as process:
        with enter(acme.tenant), transaction.atomic():
            member, secret = company.invite_member(by=acme.admin, name="Ann", email="ann@acme.example")

        def delivered():
            with enter(acme.tenant), transaction.atomic():
                return Delivery.objects.of(acme.tenant).filter(status="done").exists()

        wait_for(delivered, process, tmp_path)
        (mail,) = (tmp_path / "mail").iterdir()
        assert company.link_path(acme.tenant, secret) in mail.read_text()
        wait_for(lambda: not Wakeup.objects.filter(tenant=acme.tenant).exists(), process, tmp_path)
        a_periodic_job_runs_there_too(acme, process, tmp_path, queue)
    assert member.email in mail.read_text()


def a_periodic_job_runs_there_too(acme, process, folder, queue) -> None:
    with enter(acme.tenant), transaction.atomic():
        notify(acme.rep, "unknown.kind", dedupe_key="1")
    tasks.run_job.apply_async(["notifications.mail"], queue=queue)

    def mailed():
        with enter(acme.tenant), transaction.atomic():
            return Notification.objects.of(acme.tenant).filter(mailed_at__isnull=False).exists()

    wait_for(mailed, process, folder)
