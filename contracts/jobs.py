"""What happens to contracts by the passing of days."""

import uuid
from datetime import date

from django.db import transaction

from contracts.metrics.renewals import EXPIRING
from contracts.models import Contract
from crm.core import records
from crm.core.company.actions import system_member
from crm.core.events.history import origin
from crm.core.events.schedule import periodic
from crm.core.tenancy.models import Tenant

CHUNK = 500


@periodic("contracts.expire", minutes=60)
def expire(tenant: Tenant, today: date | None = None) -> int:
    """Contracts of a term that are being performed expire on the day after their end, in the company's zone.

    In sets by SQL; any number of runs, late or at once, move each contract once. Returns how many.
    """
    count, batch = 0, uuid.uuid4()
    ended = Contract.objects.of(tenant).filter(
        status=Contract.Status.PERFORMING, kind__in=EXPIRING, end_date__lt=today or tenant.today()
    )
    with origin("job"):
        while moved := _expire(ended.order_by("pk")[:CHUNK], tenant, batch):
            count += moved
    return count


@transaction.atomic
def _expire(rows, tenant: Tenant, batch: uuid.UUID) -> int:
    by = system_member(tenant)
    return records.bulk_change(rows, by=by, verb="expired", batch=batch, status=Contract.Status.EXPIRED)
