from celery import shared_task

from . import outbox, schedule


@shared_task(name="events.drain")
def drain() -> int:
    return outbox.drain_all()


@shared_task(name="events.tick")
def tick() -> None:
    for name in schedule.due_jobs():
        run_job.delay(name)


@shared_task(name="events.run_job")
def run_job(name: str) -> None:
    schedule.run_job(name)
