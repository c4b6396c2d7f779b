"""Periodic jobs: declared in code, started by one tick a minute, each slot once (reliability.md 3.3.6)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter

from .models import Slot

log = logging.getLogger(__name__)
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Job:
    name: str
    minutes: int
    run: Callable[[Tenant], object]


jobs: dict[str, Job] = {}


def periodic(name: str, *, minutes: int):
    """Register `run(tenant)` to be called for every open company each `minutes`; it must be idempotent."""

    def register(run: Callable[[Tenant], object]):
        jobs[name] = Job(name, minutes, run)
        return run

    return register


def due_jobs(now: datetime | None = None) -> list[str]:
    """Claim the jobs whose slot begins now; two beats, or a late one, start each slot once."""
    now = (now or timezone.now()).replace(second=0, microsecond=0)
    return [job.name for job in jobs.values() if _claim(job, _slot(job, now))]


def _slot(job: Job, now: datetime) -> datetime:
    minute = int(now.timestamp() // 60)
    return now - timedelta(minutes=minute % job.minutes)


def _claim(job: Job, at: datetime) -> bool:
    Slot.objects.filter(job=job.name, at__lt=at - KEPT).delete()
    return Slot.objects.get_or_create(job=job.name, at=at)[1]


def give_back(name: str) -> None:
    """Undo the latest claim of a job that could not be started."""
    Slot.objects.filter(pk=Slot.objects.filter(job=name).order_by("-at").values("pk")[:1]).delete()


def run_job(name: str) -> None:
    """Run a job for each company; one company's failure does not stop the others."""
    for tenant in Tenant.objects.filter(status=Tenant.Status.ACTIVE):
        try:
            with enter(tenant):
                jobs[name].run(tenant)
        except Exception:
            log.exception("job %s failed for tenant %s", name, tenant.pk)
