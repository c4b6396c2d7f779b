"""Blue invoices: asked for by sales, issued by finance, never more than is owed (domain.md 4.8, INV-R7).

Lock order: the receivables by id, then the requests by id.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, TaxCode
from crm.core import records
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.names import uscc
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from receivables.invoice_lines import Position, blue_positions, given_positions
from receivables.models import Invoice, InvoiceRequest, InvoiceVoid, Receivable

from . import documents

Status, Kind, Medium = InvoiceRequest.Status, Invoice.Kind, Invoice.Medium
DIGITAL_NUMBER, PAPER_NUMBER = re.compile(r"[0-9]{20}"), re.compile(r"[0-9]{8,12}")
ZERO = Decimal("0.00")


@transaction.atomic
def request_invoice(
    contract: Contract, amounts: Mapping[int, Decimal], *, by: Member, kind: str = Kind.SPECIAL,
    medium: str = Medium.DIGITAL, buyer: Mapping[str, str] | None = None, tax_code: TaxCode | None = None,
    note: str = "",
) -> list[InvoiceRequest]:  # fmt: skip
    """Ask for one invoice over receivables of a contract, given as id → amount; one request for each.

    Before payment and before the due date is allowed; more than a receivable has left to bill is not.
    """
    require(by, "invoice.request", contract)
    amounts = {pk: amount for pk, amount in amounts.items() if amount}
    receivables = _of_contract(contract, amounts)
    buyer = full_buyer(contract, buyer or {})
    check_buyer(kind, buyer)
    waiting = asked_for(receivables)
    for one in receivables:
        _check_amount(one, amounts[one.pk], one.billable - waiting.get(one.pk, ZERO))
    group = uuid.uuid4()
    values: dict[str, Any] = {"kind": kind, "medium": medium, "buyer": buyer, "tax_code": tax_code, "note": note}
    return [
        records.create(
            InvoiceRequest,
            by=by,
            verb="requested",
            contract=contract,
            receivable=one,
            amount=amounts[one.pk],
            group=group,
            **values,
        )
        for one in receivables
    ]


def _of_contract(contract: Contract, amounts: Mapping[int, Decimal]) -> list[Receivable]:
    if not amounts:
        raise ValidationError({"amounts": _("Enter an amount for at least one receivable.")})
    receivables = records.lock_all(Receivable, amounts, contract.tenant_id)
    if len(receivables) != len(amounts) or {one.contract_id for one in receivables} != {contract.pk}:
        raise ValidationError({"amounts": _("Choose receivables of this contract.")})
    return receivables


def _check_amount(receivable: Receivable, amount: Decimal, left: Decimal) -> None:
    if amount < 0:
        raise ValidationError({"amounts": _("Enter amounts above zero.")})
    if amount > max(left, ZERO):
        raise Refused(
            _("%(receivable)s has %(left)s left to invoice.") % {"receivable": receivable, "left": max(left, ZERO)},
            code="OVER_INVOICED",
        )


def asked_for(receivables: Sequence[Receivable]) -> dict[int, Decimal]:
    """Per receivable what blue requests that still wait ask for."""
    rows = InvoiceRequest.objects.of(receivables[0].tenant_id).filter(
        receivable__in=[one.pk for one in receivables], is_red=False, status__in=InvoiceRequest.WAITING
    )
    return dict(rows.order_by().values_list("receivable").annotate(sum=Sum("amount")))


def full_buyer(contract: Contract, given: Mapping[str, str]) -> dict[str, str]:
    """The buyer as it shall stand on the invoice; what is not given comes from the customer."""
    account = contract.account
    known = {"name": account.name, "uscc": account.valid_uscc, "address": account.address, "bank": ""}
    typed = {name: str(given.get(name) or "").strip()[:300] for name in known}
    typed["uscc"] = uscc(typed["uscc"]).code
    return {name: typed[name] or value for name, value in known.items()}


def check_buyer(kind: str, buyer: Mapping[str, str]) -> None:
    """A special VAT invoice names a buyer with a valid credit code; an ordinary one may omit the code."""
    if not buyer["name"]:
        raise ValidationError({"buyer_name": _("Enter the buyer's name.")})
    if buyer["uscc"] and not uscc(buyer["uscc"]).valid:
        raise ValidationError({"buyer_uscc": _("This credit code is not valid. Check its 18 characters.")})
    if kind == Kind.SPECIAL and not buyer["uscc"]:
        raise ValidationError({"buyer_uscc": _("A special VAT invoice needs the buyer's credit code.")})


@transaction.atomic
def approve_request(request: InvoiceRequest, *, by: Member, expected: int | None = None) -> InvoiceRequest:
    """Finance agrees; from now on the request has the serial by which the tax bureau knows it."""
    require(by, "invoice.issue")
    rows = documents.lock_group(request, expected)[0]
    serial = rows[0].serial or uuid.uuid4().hex
    for row in rows:
        records.move(row, Status.APPROVED, by=by, verb="approved", serial=serial)
    return _same(request, rows)


@transaction.atomic
def drop_request(
    request: InvoiceRequest, *, by: Member, reason: str, expected: int | None = None
) -> InvoiceRequest:  # fmt: skip
    """Finance rejects a blue request, or who asked for it takes it back."""
    own = by.pk == request.created_by_id and request.status == Status.REQUESTED
    if not own and not may(by, "invoice.issue"):
        raise Forbidden("invoice.issue")
    if request.is_red:
        raise Refused(_("A red request ends with its confirmation. Deny or withdraw that."), code="IS_RED")
    if not reason.strip():
        raise ValidationError({"reason": _("Say why.")})
    rows = documents.lock_group(request, expected)[0]
    for row in rows:
        verb = "withdrawn" if own else "rejected"
        records.move(row, Status.REJECTED, by=by, verb=verb, reason=reason.strip())
    return _same(request, rows)


@transaction.atomic
def issue_invoice(
    request: InvoiceRequest, *, by: Member, number: str, date: date, lines: Sequence[Mapping[str, Any]] | None = None,
    expected: int | None = None,
) -> Invoice:  # fmt: skip
    """Book the document of a request and of those asked for with it, blue or red.

    `number` has 20 digits when digital; `date` is the local date of issue. `lines` are positions as the tax bureau
    printed them, {description, tax_code, net, tax}; without them they are computed (domain.md 6.17).
    """
    require(by, "invoice.issue")
    rows, receivables = documents.lock_group(request, expected)
    check_ready(rows, receivables)
    _check_paper(rows[0], number, date)
    return documents.book(rows, receivables, positions_of(rows, date, lines), by=by, number=number, on=date)


def positions_of(rows: Sequence[InvoiceRequest], on: date, lines=None) -> list[Position]:
    """The positions of the document of these requests."""
    first, gross = rows[0], sum((row.amount for row in rows), ZERO)
    if first.blue is not None:
        return documents.red_of(first.blue, rows, gross)
    if lines:
        return given_positions(first.contract.tenant, lines, gross)
    return blue_positions(first.contract, gross, on, first.tax_code)


def check_ready(rows: Sequence[InvoiceRequest], receivables: Mapping[int, Receivable]) -> None:
    """INV-R7 and INV-R8, on locked rows: what may become a document now."""
    first = rows[0]
    if first.is_red:
        if first.confirmation not in InvoiceRequest.ISSUABLE:
            raise Refused(
                _("A red invoice is issued after its confirmation is 01 or 04."), code="RED_NOT_CONFIRMED"
            )  # fmt: skip
        return
    check_buyer(first.kind, first.buyer)
    for row in rows:
        one = receivables[row.receivable_id]
        if one.red_pending:
            raise Refused(
                _("A red invoice for %(receivable)s is pending. Issue it first.") % {"receivable": one},
                code="RED_PENDING",
            )
        _check_amount(one, row.amount, one.billable)


def _check_paper(request: InvoiceRequest, number: str, on: date) -> None:
    digital = request.medium == Medium.DIGITAL
    if not (DIGITAL_NUMBER if digital else PAPER_NUMBER).fullmatch(number):
        said = _("A digital invoice has a number of 20 digits.") if digital else _("Enter the 8 to 12 digits printed.")
        raise ValidationError({"number": said})
    if on > request.contract.tenant.today():
        raise ValidationError({"date": _("The date of issue lies in the future.")})
    if request.blue_id and on < request.blue.date:
        raise ValidationError({"date": _("A red invoice is not older than the invoice that it corrects.")})


@transaction.atomic
def void_invoice(invoice: Invoice, *, by: Member, reason: str) -> Invoice:
    """作废: a paper invoice is void in the month of its issue; later, and for digital ones, only a red helps."""
    require(by, "invoice.issue")
    receivables = documents.lock_receivables(invoice)
    today = by.tenant.today()
    if invoice.medium != Medium.PAPER or invoice.is_red:
        raise Refused(_("Only a blue paper invoice can be voided. Ask for a red invoice."), code="NOT_PAPER")
    if invoice.date.replace(day=1) != today.replace(day=1):
        raise Refused(_("The month of its issue is over. Ask for a red invoice."), code="MONTH_OVER")
    waiting = Q(status__in=InvoiceRequest.WAITING)
    if invoice.voids.exists() or invoice.reds.exists() or invoice.red_requests.filter(waiting).exists():
        raise Refused(_("This invoice is void already, or a red invoice corrects it."), code="INVOICE_CORRECTED")
    if not reason.strip():
        raise ValidationError({"reason": _("Say why.")})
    row = InvoiceVoid(tenant_id=by.tenant_id, invoice=invoice, grounds=reason.strip(), effective_date=today, by=by)
    records.append([row])
    for share in invoice.shares.all():
        one = receivables[share.receivable_id]
        records.update(one, by=by, verb="invoice_voided", invoiced=one.invoiced - share.amount)
    records.note(invoice, by=by, verb="voided", reason=reason.strip())
    return invoice


def _same(request: InvoiceRequest, rows: Sequence[InvoiceRequest]) -> InvoiceRequest:
    """The caller's object as it stands now."""
    request.__dict__.update(next(row for row in rows if row.pk == request.pk).__dict__)
    return request
