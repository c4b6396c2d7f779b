"""From requests to one issued document: the rows it locks and what it writes."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Conflict, Refused, ValidationError
from crm.core.people.models import Member
from crm.core.taxes import total
from receivables.invoice_lines import Position, red_positions
from receivables.models import Invoice, InvoiceLine, InvoiceRequest, InvoiceShare, Receivable

Status, WAITING = InvoiceRequest.Status, InvoiceRequest.WAITING


def lock_group(
    request: InvoiceRequest, expected: int | None = None
) -> tuple[list[InvoiceRequest], dict[int, Receivable]]:
    """The requests asked for together and their receivables, locked; refused when none waits any more."""
    rows = InvoiceRequest.objects.of(request.tenant_id).filter(group=request.group)
    if request.blue is not None:
        receivables = lock_receivables(request.blue)
    else:
        receivables = _by_id(records.lock_all(Receivable, rows.values_list("receivable", flat=True), request.tenant_id))
    locked = records.lock_all(InvoiceRequest, rows.values_list("pk", flat=True), request.tenant_id)
    if expected is not None and any(row.pk == request.pk and row.version != expected for row in locked):
        raise Conflict(request)
    if not all(row.status in InvoiceRequest.WAITING for row in locked):
        raise Refused(_("This request is settled already."), code="INVALID_TRANSITION")
    return locked, receivables


def lock_receivables(invoice: Invoice) -> dict[int, Receivable]:
    """What an issued document bills: the document itself cannot be locked, as nobody may change it."""
    ids = invoice.shares.values_list("receivable", flat=True)
    return _by_id(records.lock_all(Receivable, ids, invoice.tenant_id))


def _by_id(rows: Sequence[Receivable]) -> dict[int, Receivable]:
    return {row.pk: row for row in rows}


def red_of(blue: Invoice, rows: Sequence[InvoiceRequest], gross: Decimal) -> list[Position]:
    return red_positions(blue, gross, rows[0].lines)


def book(
    rows: Sequence[InvoiceRequest], receivables: Mapping[int, Receivable], positions: Sequence[Position], *, by: Member,
    number: str, on: date,
) -> Invoice:  # fmt: skip
    """Write the document, its lines and shares, and what its receivables have been billed."""
    first, contract = rows[0], rows[0].contract
    if not positions:
        raise ValidationError({"lines": _("An invoice has at least one line.")})
    sums = total([one.taxed for one in positions])
    source = first.blue if first.is_red else first
    invoice = records.create(
        Invoice, by=by, verb="issued", number=number, kind=source.kind, medium=source.medium, is_red=first.is_red,
        blue=first.blue, date=on, account=contract.account, contract=contract, legal_entity=contract.legal_entity,
        buyer=source.buyer, net=sums.net, tax=sums.tax, gross=sums.gross,
    )  # fmt: skip
    records.append([_line(invoice, one) for one in positions])
    sign = -1 if first.is_red else 1
    records.append([
        InvoiceShare(tenant_id=by.tenant_id, invoice=invoice, receivable_id=row.receivable_id, amount=sign * row.amount)
        for row in rows
    ])  # fmt: skip
    for row in rows:
        _bill(receivables[row.receivable_id], row, by)
        records.move(row, Status.ISSUED, by=by, verb="issued", invoice=invoice, error="")
    return invoice


def _line(invoice: Invoice, one: Position) -> InvoiceLine:
    return InvoiceLine(
        tenant_id=invoice.tenant_id, invoice=invoice, blue_line=one.blue_line, description=one.description,
        tax_code=one.tax_code, rate=one.blue_line.rate if one.blue_line else one.tax_code.rate, net=one.taxed.net,
        tax=one.taxed.tax, gross=one.taxed.gross,
    )  # fmt: skip


def _bill(receivable: Receivable, row: InvoiceRequest, by: Member) -> None:
    if row.is_red:
        invoiced, pending = receivable.invoiced - row.amount, receivable.red_pending - row.amount
        records.update(receivable, by=by, verb="red_invoiced", invoiced=invoiced, red_pending=pending)
    else:
        records.update(receivable, by=by, verb="invoiced", invoiced=receivable.invoiced + row.amount)
