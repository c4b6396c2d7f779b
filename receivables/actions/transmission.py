"""An approved request goes to the tax bureau through its legal entity's channel (receivables/channels.py)."""

from collections.abc import Sequence

from django.db import transaction

from crm.core import records
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables import channels
from receivables.invoice_lines import Position
from receivables.models import InvoiceRequest

from . import documents
from .invoices import check_ready, positions_of

Status = InvoiceRequest.Status


@transaction.atomic
def transmit(request: InvoiceRequest, *, by: Member, expected: int | None = None) -> InvoiceRequest:
    """Issue an approved request through its legal entity's channel; a failure is kept, and tried again by this.

    The serial was saved when the request was approved: the bureau knows a retry for what it is.
    """
    require(by, "invoice.issue")
    rows, receivables = documents.lock_group(request, expected)
    check_ready(rows, receivables)
    for row in rows:
        records.move(row, Status.ISSUING, by=by, verb="sent")
    contract, today = rows[0].contract, by.tenant.today()
    positions = positions_of(rows, today)
    try:
        issued = channels.of(contract.legal_entity).issue(_document(rows[0], positions))
    except channels.ChannelFailed as failure:
        for row in rows:
            records.move(row, Status.FAILED, by=by, verb="failed", error=str(failure)[:300])
    else:
        documents.book(rows, receivables, positions, by=by, number=issued.number, on=issued.date)
    request.__dict__.update(next(row for row in rows if row.pk == request.pk).__dict__)
    return request


def _document(request: InvoiceRequest, positions: Sequence[Position]) -> channels.Document:
    blue = request.blue
    return channels.Document(
        serial=request.serial, seller=request.contract.legal_entity, buyer=blue.buyer if blue else request.buyer,
        kind=request.kind, medium=request.medium, positions=positions, blue_number=blue.number if blue else "",
        reason_code=request.reason_code,
    )  # fmt: skip
