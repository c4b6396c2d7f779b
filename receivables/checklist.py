"""What should be done before a month is closed: counts with the pages that show them (domain.md 4.10)."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.translation import gettext as _

from crm.core.calendars import DAY, Period, day_start
from crm.core.entities.models import LegalEntity
from receivables.models import Incoming, InvoiceRequest, Plan, Receipt, Refund


@dataclass(frozen=True)
class Item:
    """Something left over in the month; `count` 0 is done. `page` is an address name, `query` narrows its list."""

    title: str
    count: int
    page: str
    query: str = ""


def checklist(entity: LegalEntity, month: date) -> list[Item]:
    """Open ends of one legal entity up to the month's last day."""
    end = Period.of(month, "month").end or month
    until = day_start(end + DAY, entity.tenant.zone)
    tenant = entity.tenant_id

    def item(title, rows: Any, page: str, **query) -> Item:
        return Item(title, rows.count(), page, urlencode(query))

    lines = Incoming.objects.of(tenant).filter(bank_account__legal_entity=entity, day__lte=end, left__gt=0)
    received = Receipt.objects.of(tenant).filter(legal_entity=entity, received_on__lte=end)
    requests = InvoiceRequest.objects.of(tenant).filter(
        contract__legal_entity=entity, status__in=InvoiceRequest.WAITING, created_at__lt=until
    )
    plans = Plan.objects.of(tenant).filter(contract__legal_entity=entity, status="draft", created_at__lt=until)
    refunds = Refund.objects.of(tenant).filter(
        Q(status="requested") | Q(status="approved"), receipt__legal_entity=entity, created_at__lt=until
    )
    return [
        item(_("Bank lines not matched"), lines.filter(set_aside=False), "desk:desk"),
        item(_("Receipts not wholly allocated"), received.filter(status="posted", unallocated__gt=0), "desk:receipts"),
        item(_("Receipts in draft"), received.filter(status="draft"), "desk:receipts", status="draft"),
        item(_("Invoices asked for and not issued"), requests, "invoices:requests"),
        item(_("Collection plans in draft"), plans, "receivables:list"),
        item(_("Refunds not finished"), refunds, "closing:refunds"),
    ]
