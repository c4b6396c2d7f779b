"""Who reacts to Events, and the rows that make sure they do (reliability.md 3.3).

A handler is registered by `@on("lead.claimed")`. Its Delivery is written in the
business transaction; the broker only wakes a drainer, so a lost broker delays
and never loses. Handlers must be idempotent: they are delivered at least once.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from crm.core import clock
from crm.core.tenancy.state import enter

from .models import Delivery, Event, Wakeup
from .schedule import periodic

log = logging.getLogger(__name__)

ATTEMPTS = 5
QUIET_SECONDS = 10
KEPT = timedelta(days=7)
_quiet = {"until": 0.0}
_handlers: dict[str, Callable[[Event], None]] = {}
_listeners: dict[str, list[str]] = defaultdict(list)


def on(*kinds: str):
    """Register a function of one Event for these kinds."""

    def register(handler: Callable[[Event], None]):
        name = f"{handler.__module__}.{handler.__qualname__}"
        _handlers[name] = handler
        for kind in kinds:
            if name not in _listeners[kind]:
                _listeners[kind].append(name)
        return handler

    return register


def queue(event: Event) -> None:
    """Add the deliveries of a new Event to the running transaction; nobody reacts to a past that is told."""
    names = _listeners.get(event.kind)
    if not names or clock.is_told():
        return
    Delivery._base_manager.bulk_create(Delivery(tenant_id=event.tenant_id, event=event, handler=name) for name in names)
    _wake_after_commit(event.tenant_id)


def queue_batch(kind: str, tenant_id: int, batch) -> None:
    """The same for every Event of a batch, in SQL."""
    for name in _listeners.get(kind, ()) if not clock.is_told() else ():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO events_delivery (tenant_id, event_id, handler, status, attempts, due_at, error)"
                " SELECT tenant_id, id, %s, 'waiting', 0, now(), '' FROM events_event"
                " WHERE tenant_id = %s AND batch = %s AND kind = %s",
                [name, tenant_id, batch, kind],
            )
        _wake_after_commit(tenant_id)


def _wake_after_commit(tenant_id: int) -> None:
    """One wake-up row per Event, so that none is lost; one call of the broker per transaction."""
    Wakeup.objects.create(tenant_id=tenant_id)
    if not any(waiting[1] is wake for waiting in connection.run_on_commit):
        transaction.on_commit(wake)


def wake() -> None:
    """Tell a worker that there is work; without a broker the sweeper finds it within 30 seconds.

    A broker that did not answer is left alone for a while, so that requests do not wait for it.
    """
    from .tasks import drain

    if time.monotonic() < _quiet["until"]:
        return
    try:
        drain.apply_async(retry=False)
    except Exception as error:
        _quiet["until"] = time.monotonic() + QUIET_SECONDS
        log.warning("outbox not woken, the sweeper will: %s", error)


def drain_all(limit: int = 1000) -> int:
    """Deliver what is due, tenant by tenant; returns the number of deliveries handled."""
    handled = 0
    for tenant_id in sorted(set(Wakeup.objects.values_list("tenant_id", flat=True))):
        try:
            handled += drain_tenant(tenant_id, limit)
        except Exception:
            log.exception("outbox of tenant %s not drained, the others are", tenant_id)
    return handled


def drain_tenant(tenant_id: int, limit: int = 1000) -> int:
    """Deliver one tenant's rows; its wake-ups go only when nothing was left behind."""
    seen = list(Wakeup.objects.filter(tenant_id=tenant_id).values_list("pk", flat=True))
    handled = 0
    with enter(tenant_id):
        while handled < limit and deliver_next(tenant_id):
            handled += 1
        with transaction.atomic():
            waiting = Delivery.objects.of(tenant_id).filter(status=Delivery.Status.WAITING).exists()
    if not waiting:
        Wakeup.objects.filter(pk__in=seen).delete()
    return handled


def deliver_next(tenant_id: int) -> bool:
    """Handle one due delivery in a transaction of its own; False when none is due."""
    with transaction.atomic():
        due = Delivery.objects.of(tenant_id).filter(status=Delivery.Status.WAITING, due_at__lte=timezone.now())
        delivery = due.select_for_update(skip_locked=True, of=("self",)).select_related("event").order_by("pk").first()
        if delivery is None:
            return False
        _deliver(delivery)
    return True


def _deliver(delivery: Delivery) -> None:
    delivery.attempts += 1
    try:
        with transaction.atomic():
            _handlers[delivery.handler](delivery.event)
        delivery.status = Delivery.Status.DONE
    except Exception as error:
        log.exception("delivery %s failed", delivery.pk)
        delivery.error = repr(error)[:2000]
        delivery.due_at = timezone.now() + timedelta(seconds=10 * 2**delivery.attempts)
        if delivery.attempts >= ATTEMPTS:
            delivery.status = Delivery.Status.DEAD
    delivery.save(update_fields=["attempts", "status", "error", "due_at"])


@transaction.atomic
def revive(tenant_id: int) -> int:
    """Give the dead deliveries of a tenant their attempts back, once their cause is repaired; returns how many."""
    dead = Delivery.objects.of(tenant_id).filter(status=Delivery.Status.DEAD)
    count = dead.update(status=Delivery.Status.WAITING, attempts=0, due_at=timezone.now())
    if count:
        _wake_after_commit(tenant_id)
    return count


@periodic("events.tidy", minutes=60)
@transaction.atomic
def tidy(tenant) -> int:
    """Forget deliveries that were done a week ago; dead ones stay until they are revived."""
    done = Delivery.objects.of(tenant).filter(status=Delivery.Status.DONE, due_at__lt=timezone.now() - KEPT)
    chunk = done.order_by("pk").values("pk")[:10_000]
    return Delivery.objects.of(tenant).filter(pk__in=list(chunk.values_list("pk", flat=True))).delete()[0]
