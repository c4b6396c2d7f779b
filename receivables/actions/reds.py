"""红字发票: asked for, confirmed by the other side within 72 hours, and only then issued (domain.md 4.8, INV-R8)."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.company.actions import system_member
from crm.core.errors import Refused, ValidationError
from crm.core.events.schedule import periodic
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.invoice_lines import red_positions
from receivables.models import Invoice, InvoiceRequest, InvoiceShare, Receivable

from . import documents

Code, Status = InvoiceRequest.Confirmation, InvoiceRequest.Status
HOURS = 72
WAITING = (Code.SELLER, Code.BUYER)
ENDS = (Code.BUYER_DENIED, Code.SELLER_DENIED, Code.EXPIRED, Code.WITHDRAWN, Code.UNDONE)
STEPS: dict[str, tuple[str, ...]] = {
    Code.NONE: (Code.NOT_NEEDED, Code.SELLER, Code.BUYER),
    Code.NOT_NEEDED: (Code.WITHDRAWN,),
    Code.SELLER: (Code.BOTH, Code.BUYER_DENIED, Code.WITHDRAWN),
    Code.BUYER: (Code.BOTH, Code.SELLER_DENIED, Code.WITHDRAWN),
    Code.BOTH: (Code.UNDONE,),
}
ZERO = Decimal("0.00")


@transaction.atomic
def request_red(
    blue: Invoice, amounts: Mapping[int, Decimal], *, by: Member, reason_code: str,
    lines: Sequence[Mapping[str, Any]] = (), note: str = "",
) -> list[InvoiceRequest]:  # fmt: skip
    """Ask for a red invoice of a blue one: receivable id → amount (positive), full or partial.

    `lines` are {line: id of the blue's line, gross}; without them every line gives in proportion. Until it is issued,
    or given up, its receivables get no further blue invoice (INV-R7).
    """
    require(by, "invoice.issue")
    amounts = {pk: amount for pk, amount in amounts.items() if amount}
    receivables = documents.lock_receivables(blue)
    left = red_left(blue)
    if blue.is_red or blue.is_void:
        raise Refused(_("Only a blue invoice that is not void is corrected by a red one."), code="NOT_BLUE")
    if not amounts or any(amount < 0 or amount > left.get(pk, ZERO) for pk, amount in amounts.items()):
        raise Refused(_("Enter amounts above zero, at most what the invoice has left."), code="RED_TOO_LARGE")
    if reason_code not in InvoiceRequest.Reason.values:
        raise ValidationError({"reason_code": _("Choose the reason.")})
    asked = [{"line": one["line"], "gross": str(one["gross"])} for one in lines]
    red_positions(blue, sum(amounts.values(), ZERO), asked)
    values = {"blue": blue, "kind": blue.kind, "medium": blue.medium, "buyer": blue.buyer, "note": note}
    values |= {"reason_code": reason_code, "lines": asked, "group": uuid.uuid4(), "contract": blue.contract}
    return [_ask(receivables[pk], amount, values, by) for pk, amount in sorted(amounts.items())]


def _ask(receivable: Receivable, amount: Decimal, values: dict, by: Member) -> InvoiceRequest:
    records.update(receivable, by=by, verb="red_requested", red_pending=receivable.red_pending + amount)
    return records.create(
        InvoiceRequest, by=by, verb="requested", receivable=receivable, amount=amount, is_red=True, **values
    )


def red_left(blue: Invoice) -> dict[int, Decimal]:
    """Per receivable what of a blue invoice no red has taken back or asks to take back."""
    shares = InvoiceShare.objects.of(blue.tenant_id)
    left = dict(shares.filter(invoice=blue).order_by().values_list("receivable").annotate(sum=Sum("amount")))
    for pk, sum_ in shares.filter(invoice__blue=blue).order_by().values_list("receivable").annotate(Sum("amount")):
        left[pk] += sum_
    waiting = blue.red_requests.filter(status__in=InvoiceRequest.WAITING).order_by()
    for pk, sum_ in waiting.values_list("receivable").annotate(Sum("amount")):
        left[pk] -= sum_
    return left


@transaction.atomic
def set_confirmation(
    request: InvoiceRequest, code: str, *, by: Member, expected: int | None = None
) -> InvoiceRequest:  # fmt: skip
    """The next state of the confirmation, as the tax bureau shows it; 05 to 09 end it."""
    require(by, "invoice.issue")
    rows, receivables = documents.lock_group(request, expected)
    current = rows[0].confirmation
    if not request.is_red or code not in STEPS.get(current, ()):
        raise Refused(_("The confirmation cannot go there from where it stands."), code="INVALID_TRANSITION")
    if code == Code.BOTH and _is_late(rows[0]):
        raise Refused(_("The 72 hours are over. Start the confirmation again."), code="CONFIRMATION_EXPIRED")
    _set(rows, receivables, code, by)
    request.__dict__.update(next(row for row in rows if row.pk == request.pk).__dict__)
    return request


def _is_late(request: InvoiceRequest) -> bool:
    return request.confirmation_due is not None and request.confirmation_due < timezone.now()


def _set(rows: list[InvoiceRequest], receivables: Mapping[int, Receivable], code: str, by: Member) -> None:
    due = timezone.now() + timedelta(hours=HOURS) if code in WAITING else None
    for row in rows:
        records.update(row, by=by, verb="confirmation", confirmation=code, confirmation_due=due)
    if code in ENDS:
        _end(rows, receivables, by)


def _end(rows: list[InvoiceRequest], receivables: Mapping[int, Receivable], by: Member) -> None:
    """Give the request up; one that a reduction made necessary stays, and its confirmation starts anew (INV-R7)."""
    if any(_is_owed(receivables[row.receivable_id], row) for row in rows):
        for row in rows:
            records.update(row, by=by, verb="confirmation_restarted", confirmation=Code.NONE)
        return
    for row in rows:
        one = receivables[row.receivable_id]
        records.move(row, Status.REJECTED, by=by, verb="given_up")
        records.update(one, by=by, verb="red_given_up", red_pending=one.red_pending - row.amount)


def _is_owed(receivable: Receivable, row: InvoiceRequest) -> bool:
    return receivable.invoiced - (receivable.red_pending - row.amount) > receivable.current


@periodic("invoices.expire_confirmations", minutes=10)
def expire_confirmations(tenant) -> int:
    """07: what the other side did not confirm within 72 hours ends by itself; returns how many documents."""
    late = InvoiceRequest.objects.of(tenant).filter(
        confirmation__in=WAITING, confirmation_due__lt=timezone.now(), status__in=InvoiceRequest.WAITING
    )
    with transaction.atomic():
        groups = {row.group: row for row in late.select_related("blue")[:500]}
        for row in groups.values():
            _expire(row, system_member(tenant))
    return len(groups)


def _expire(request: InvoiceRequest, by: Member) -> None:
    rows, receivables = documents.lock_group(request)
    if rows[0].confirmation in WAITING and _is_late(rows[0]):
        _set(rows, receivables, Code.EXPIRED, by)
