"""Who reacts to Events, and the rows that make sure they do (reliability.md 3.3).

A handler is registered by `@on("lead.claimed")`. Its Delivery is written in the
business transaction; the broker only wakes a drainer, so a lost broker delays
and never loses. Handlers must be idempotent: they are delivered at least once.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from crm.core.tenancy.state import enter

from .models import Delivery, Event, Wakeup

log = logging.getLogger(__name__)

ATTEMPTS = 5
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
    """Add the deliveries of a new Event to the running transaction."""
    names = _listeners.get(event.kind)
    if not names:
        return
    Delivery._base_manager.bulk_create(Delivery(tenant_id=event.tenant_id, event=event, handler=name) for name in names)
    _wake_after_commit(event.tenant_id)


def queue_batch(kind: str, tenant_id: int, batch) -> None:
    """The same for every Event of a batch, in SQL."""
    for name in _listeners.get(kind, ()):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO events_delivery (tenant_id, event_id, handler, status, attempts, due_at, error)"
                " SELECT tenant_id, id, %s, 'waiting', 0, now(), '' FROM events_event"
                " WHERE tenant_id = %s AND batch = %s AND kind = %s",
                [name, tenant_id, batch, kind],
            )
        _wake_after_commit(tenant_id)


def _wake_after_commit(tenant_id: int) -> None:
    Wakeup.objects.create(tenant_id=tenant_id)
    transaction.on_commit(wake)


def wake() -> None:
    """Tell a worker that there is work; without a broker the sweeper finds it within 30 seconds."""
    from .tasks import drain

    try:
        drain.apply_async(retry=False)
    except Exception as error:
        log.warning("outbox not woken, the sweeper will: %s", error)


def drain_all(limit: int = 1000) -> int:
    """Deliver what is due, tenant by tenant; returns the number of deliveries handled."""
    handled = 0
    for tenant_id in set(Wakeup.objects.values_list("tenant_id", flat=True)):
        handled += drain_tenant(tenant_id, limit)
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
