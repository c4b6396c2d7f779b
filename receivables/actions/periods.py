"""Accounting periods: what may still be posted on a day (domain.md 4.10, INV-R9)."""

from datetime import date

from django.utils.translation import gettext_lazy as _

from crm.core.entities.models import LegalEntity
from crm.core.errors import Refused
from receivables.models import Period


def require_open(entity: LegalEntity, day: date) -> None:
    """Refuse a posting whose effective date lies in a closed or soft-closed month of the entity."""
    period = Period.objects.of(entity.tenant_id).filter(legal_entity=entity, month=day.replace(day=1)).first()
    if period is not None and period.status != Period.Status.OPEN:
        raise Refused(
            _("%(month)s is closed for %(entity)s. Post on a day of an open month.")
            % {"month": period, "entity": entity},
            code="PERIOD_CLOSED",
        )
