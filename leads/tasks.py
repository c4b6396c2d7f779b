"""The job that reminds owners and returns leads to their pools (domain.md 6.2)."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from crm.core.calendars import local_date
from crm.core.company.actions import system_member
from crm.core.events.history import origin
from crm.core.events.models import Event
from crm.core.events.schedule import periodic
from crm.core.notifications.actions import notice, notify_many
from crm.core.people.models import Member
from crm.core.pools import clock, exemptions, recycling
from crm.core.pools.clock import Rule
from crm.core.pools.models import Pool
from crm.core.tenancy.models import Tenant

from .models import Lead


@periodic("leads.recycle", minutes=10)
def recycle(tenant: Tenant, now: datetime | None = None) -> None:
    """Take back what has run out and was reminded on an earlier day, and remind, chunk by chunk.

    Any number of runs, late or at once, change each lead once (INV-L6): a chunk is one transaction,
    and what it has changed is no longer due.
    """
    now = now or timezone.now()
    with transaction.atomic():
        pools, system = list(Pool.objects.of(tenant).filter(is_active=True)), system_member(tenant)
    with origin("job"):
        for pool in pools:
            for rule, _days in clock.rules_of(pool):
                _until_done(partial(take_back, pool, rule, now, system))
            _until_done(partial(remind, pool, now, system))


def _until_done(step: Callable[[], bool]) -> None:
    """Repeat a chunk, each in its own transaction, until it finds nothing."""
    more = True
    while more:
        with transaction.atomic():
            more = step()


def take_back(pool: Pool, rule: Rule, now: datetime, system: Member) -> bool:
    """Return one chunk of the pool's leads by one rule and tell who held them; False when there was none."""
    batch = recycling.take_back(Lead, pool, rule, now, by=system)
    notify_many(
        notice(lead.previous_owner, "lead.recycled", subject=lead, dedupe_key=f"lead.recycled:{event}",
               lead=lead.name, pool=pool.name, rule=rule.key, days=getattr(pool, rule.days))
        for event, lead in _changed(batch, system, "previous_owner")
    )  # fmt: skip
    return batch is not None


def remind(pool: Pool, now: datetime, system: Member) -> bool:
    """Remind the owners of one chunk, with the day on which each lead goes back."""
    batch = recycling.remind(Lead, pool, now, by=system)
    notices = []
    for event, lead in _changed(batch, system, "owner", "home_pool__tenant"):
        reading = clock.read(lead, now)
        day = local_date(reading.returns_at, pool.zone)
        notices.append(
            notice(lead.owner, "lead.reminder", subject=lead, dedupe_key=f"lead.reminder:{event}",
                   lead=lead.name, rule=reading.rule.key, days=reading.days, day=day)
        )  # fmt: skip
    notify_many(notices)
    return batch is not None


def _changed(batch: uuid.UUID | None, system: Member, *related: str) -> Iterator[tuple[int, Lead]]:
    """(id of the Event, lead) of what a chunk changed."""
    if batch is None:
        return
    events = Event.objects.of(system.tenant_id).filter(batch=batch).order_by()
    numbers = dict(events.values_list("subject_id", "pk"))
    leads = Lead.objects.of(system.tenant_id).filter(pk__in=numbers).select_related(*related)
    for lead in exemptions.with_protection(leads):
        yield numbers[lead.pk], lead
