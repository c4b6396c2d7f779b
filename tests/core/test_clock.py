"""Told past: what is done inside `dated` bears that moment, and is entered now."""

from datetime import UTC, date, datetime

from django.utils import timezone

from crm.core import records
from crm.core.activities.models import Task
from crm.core.clock import dated
from crm.core.events.models import Event

THEN = datetime(2025, 3, 1, 17, 0, tzinfo=UTC)


def test_business_dates_and_events_bear_the_told_moment(acme):
    with dated(THEN):
        assert acme.tenant.today() == date(2025, 3, 2)  # already the next day in Shanghai
        task = records.create(Task, by=acme.rep, owner=acme.rep, title="then", due_at=THEN)
        records.update(task, by=acme.rep, title="still then")
    events = Event.objects.of(acme.tenant).filter(kind__startswith="task.", subject_id=task.pk)
    assert task.created_at == THEN
    assert [event.at for event in events] == [THEN, THEN]
    assert all(event.recorded_at > THEN for event in events)
    assert acme.tenant.today() == timezone.localdate(timezone=acme.tenant.zone)
