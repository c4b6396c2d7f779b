"""Each night: measure how customers pay, then keep the day's forecast."""

from django.db import transaction

from crm.core.events.schedule import periodic

from .cash_measures import measure
from .metrics.cash import take_snapshot
from .models import CashSnapshot


@periodic("receivables.cash", minutes=30)
def keep(tenant) -> bool:
    """Once a local day; a later run of the same day finds it kept."""
    today = tenant.today()
    with transaction.atomic():
        if CashSnapshot.objects.of(tenant).filter(taken_on=today).exists():
            return False
        measure(tenant, today)
        return take_snapshot(tenant, today) is not None
