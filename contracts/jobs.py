"""What happens to contracts by the passing of days."""

from django.db import transaction

from contracts.models import Contract
from crm.core import records
from crm.core.company.actions import system_member
from crm.core.events.schedule import periodic
from crm.core.tenancy.models import Tenant

# A fixed price is owed until it is delivered, whatever day it was planned for.
TIMED = (Contract.Kind.FRAMEWORK, Contract.Kind.SERVICE, Contract.Kind.SUBSCRIPTION)
CHUNK = 200


@periodic("contracts.expire", minutes=60)
def expire(tenant: Tenant) -> int:
    """Contracts of a term that are being performed expire on the day after their end, in the company's zone."""
    system, count = system_member(tenant), 0
    rows = Contract.objects.of(tenant).filter(
        status=Contract.Status.PERFORMING, kind__in=TIMED, end_date__lt=tenant.today()
    )  # fmt: skip
    for contract in rows.order_by("pk")[:CHUNK]:
        with transaction.atomic():
            records.move(contract, Contract.Status.EXPIRED, by=system, verb="expired")
        count += 1
    return count
