from celery import shared_task

from . import outbox, schedule
from .history import origin


@shared_task(name="events.drain")
def drain() -> int:
    with origin("job"):
        return outbox.drain_all()


@shared_task(name="events.tick")
def tick() -> None:
    """Start the jobs that are due; one that the broker does not take is due again at the next tick."""
    for name in schedule.due_jobs():
        try:
            run_job.delay(name)
        except Exception:
            schedule.give_back(name)
            raise


@shared_task(name="events.run_job")
def run_job(name: str) -> None:
    with origin("job"):
        schedule.run_job(name)
