"""Owners hear of contracts whose end comes near."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from crm.core.events.schedule import periodic
from crm.core.notifications.actions import notice, notify_many
from crm.core.notifications.models import Notification
from crm.core.tenancy.models import Tenant

from .metrics.renewals import bucket_of, due
from .models import Contract

CHUNK = 500
KIND = "contract.renewal_due"


@periodic("contracts.renewals", minutes=60)
def remind(tenant: Tenant, today: date | None = None) -> int:
    """Tell each owner once per contract, end and step (90, 60, 30 days); returns how many were told.

    After a pause only the step that holds now is told: an owner hears of 60 days, not of 90 and 60 at once.
    """
    today, after, told = today or tenant.today(), 0, 0
    while True:
        with transaction.atomic():
            rows = due(Contract.objects.of(tenant), tenant, today).filter(end_date__gte=today, pk__gt=after)
            chunk = list(rows.select_related("owner", "account").order_by("pk")[:CHUNK])
            told += _tell(tenant, chunk, today)
        if len(chunk) < CHUNK:
            return told
        after = chunk[-1].pk


def _tell(tenant: Tenant, contracts: Iterable[Contract], today: date) -> int:
    keys = {_key(one, today): one for one in contracts}
    owners = {one.owner_id for one in keys.values()}
    known = Notification.objects.of(tenant).filter(recipient__in=owners, dedupe_key__in=keys)
    heard = set(known.values_list("recipient", "dedupe_key"))
    new = [
        notice(one.owner, KIND, subject=one, dedupe_key=key, contract=str(one), customer=one.account.name,
               end=one.end_date, days=((one.end_date or today) - today).days)
        for key, one in keys.items()
        if (one.owner_id, key) not in heard
    ]  # fmt: skip
    notify_many(new)
    return len(new)


def _key(contract: Contract, today: date) -> str:
    """What is told once: this step before this end of this contract."""
    end = contract.end_date or today
    return f"{KIND}:{contract.pk}:{end}:{bucket_of(end, today)}"
