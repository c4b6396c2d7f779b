"""When reminders go out: each morning in the company's zone, and letters once their hours are over."""

from django.db import transaction
from django.utils import timezone

from crm.core.company.actions import system_member
from crm.core.events.schedule import periodic

from . import dunning_selection as selection
from .actions import dunning, letters

MORNING = 8  # local hour from which on a day's notices are given


@periodic("receivables.dunning", minutes=30)
def remind(tenant) -> int:
    """Give what is due today; a run that was missed is caught up by the next, one step at a time."""
    if timezone.localtime(timezone=tenant.zone).hour < MORNING:
        return 0
    with transaction.atomic():
        system, waiting = system_member(tenant), selection.waiting(tenant, tenant.today())
        dunning.end_cycles(tenant, by=system)
    if waiting:
        dunning.run(tenant, by=system)
    return waiting


@periodic("receivables.letters", minutes=5)
def send(tenant) -> int:
    with transaction.atomic():
        system = system_member(tenant)
    return letters.send_due(tenant, by=system)
