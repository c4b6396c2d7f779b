"""The broker only wakes a worker; what waits is in the table, and the sweeper finds what was not woken."""

import logging
from datetime import timedelta

from celery import shared_task
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from crm.core.events.schedule import periodic
from crm.core.tenancy.state import enter

from . import running
from .models import Import

log = logging.getLogger(__name__)
KEPT = timedelta(days=30)


@shared_task(name="imports.work")
def work(tenant_id: int, pk: int) -> None:
    with enter(tenant_id):
        more = running.work(pk, tenant_id)
    if more:
        wake(tenant_id, pk)


def wake(tenant_id: int, pk: int) -> None:
    try:
        work.apply_async((tenant_id, pk), retry=False)
    except Exception as error:
        log.warning("import not woken, the sweeper will: %s", error)


def wake_after_commit(batch: Import) -> None:
    tenant_id, pk = batch.tenant_id, batch.pk
    transaction.on_commit(lambda: wake(tenant_id, pk))


@periodic("imports.resume", minutes=1)
def resume(tenant) -> None:
    """Start again what a worker left behind."""
    idle = Q(leased_until=None) | Q(leased_until__lt=timezone.now())
    with transaction.atomic():
        waiting = Import.objects.of(tenant).filter(idle, status__in=Import.WORKING)
        left = list(waiting.order_by("pk").values_list("pk", flat=True)[:100])
    for pk in left:
        wake(tenant.pk, pk)


@periodic("imports.forget", minutes=60)
def forget(tenant) -> None:
    """Delete the files of imports of a month ago: they hold customers' data. What was done with them stays told."""
    with transaction.atomic():
        old = Import.objects.of(tenant).filter(created_at__lt=timezone.now() - KEPT).exclude(file="", error_file="")
        for batch in old.exclude(status__in=Import.WORKING).select_for_update(of=("self",))[:100]:
            for kept in filter(None, (batch.file, batch.error_file)):
                kept.storage.delete(kept.name)
            Import.objects.of(tenant).filter(pk=batch.pk).update(file="", error_file="")
