"""Deliveries of an order: planned, shipped, delivered, accepted or rejected and reworked (domain.md 4.4, INV-C5).

Quantities are given by order line id. Every verb locks contract, order and lines in this order, so that
deliveries of one contract follow each other; the constraint of OrderLine holds whatever else happens.
Days are days of the company's zone, never in the future.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from contracts import effects
from contracts.models import Batch, BatchLine, Order, OrderLine
from crm.core import records
from crm.core.activities import actions as activities
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require

from .handover import begin_performing
from .orders import NO_QUANTITY, complete_if_accepted, lock_order, require_in_force

Status = Batch.Status
Quantities = Mapping[int, Decimal]
# Batches that will still take from what may be shipped.
WAITING = (Status.PLANNED, Status.REJECTED)


def unplanned(order: Order) -> dict[int, Decimal]:
    """Order line id → ordered quantity that is neither shipped nor in a batch that waits."""
    rows = BatchLine.objects.of(order.tenant_id).filter(batch__order=order, batch__status__in=WAITING)
    planned = dict(rows.order_by().values_list("order_line").annotate(Sum("quantity")))
    lines = OrderLine.objects.of(order.tenant_id).filter(order=order).order_by("pk")
    return {
        line.pk: max(line.quantity - line.shipped - planned.get(line.pk, NO_QUANTITY), NO_QUANTITY) for line in lines
    }


@transaction.atomic
def plan_batch(order: Order, *, by: Member, planned_on: date, quantities: Quantities | None = None,
               delivery_note: str = "", is_final: bool = False) -> Batch:  # fmt: skip
    """Plan a delivery of `quantities`, or of everything that is not planned yet."""
    require(by, "batch.record", order)
    order = _open_order(order)
    lines = _wanted(order, quantities)
    last = Batch.objects.of(by.tenant_id).filter(order=order).aggregate(last=Max("number"))["last"] or 0
    batch = records.create(
        Batch, by=by, order=order, number=last + 1, planned_on=planned_on, delivery_note=delivery_note,
        is_final=is_final,
    )  # fmt: skip
    rows = [BatchLine(tenant_id=by.tenant_id, batch=batch, order_line_id=pk, quantity=q) for pk, q in lines.items()]
    records.create_many(rows, by=by)
    return batch


def _open_order(order: Order) -> Order:
    order = lock_order(order)
    require_in_force(order.contract)
    if order.status != Order.Status.OPEN:
        raise Refused(
            _("Order %(order)s is %(status)s; nothing more is delivered for it.")
            % {"order": order, "status": order.get_status_display()}, code="ORDER_NOT_OPEN",
        )  # fmt: skip
    return order


def _wanted(order: Order, quantities: Quantities | None) -> dict[int, Decimal]:
    free = unplanned(order)
    chosen = free if quantities is None else quantities
    wanted = {pk: quantity for pk, quantity in sorted(chosen.items()) if quantity}
    if set(wanted) - set(free) or any(quantity < 0 for quantity in wanted.values()):
        raise ValidationError({"lines": _("Give quantities above zero of lines of this order.")})
    if not wanted:
        raise ValidationError({"lines": _("Enter the quantity of at least one line; all may be planned already.")})
    tolerances = dict(order.lines.values_list("pk", "tolerance"))
    if over := [pk for pk, quantity in wanted.items() if quantity > free[pk] + tolerances[pk]]:
        line = OrderLine.objects.of(order.tenant_id).select_related("contract_line__product").get(pk=over[0])
        raise _over(line, free[over[0]])
    return wanted


def _over(line: OrderLine, rest: Decimal) -> Refused:
    return Refused(
        _("“%(line)s”: only %(rest)s of the order is left to deliver.") % {"line": line, "rest": f"{rest:f}"},
        code="OVER_DELIVERY",
    )


def update_batch(batch: Batch, *, by: Member, expected: int | None = None, **values) -> Batch:
    """Change `planned_on`, `delivery_note` or `is_final` of a batch that is not accepted yet."""
    require(by, "batch.record", batch)
    if batch.status == Status.ACCEPTED:
        raise Refused(_("This delivery has been accepted; it does not change any more."), code="BATCH_ACCEPTED")
    return records.update(batch, by=by, expected=expected, **values)


@transaction.atomic
def ship(batch: Batch, *, by: Member, on: date | None = None, quantities: Quantities | None = None,
         delivery_note: str = "", expected: int | None = None) -> Batch:  # fmt: skip
    """It left, as planned or in other quantities. The first shipment begins the performance of the contract."""
    order, day = _begin(batch, by, on)
    require_in_force(order.contract)
    begin_performing(order.contract, by=by)
    note: dict[str, Any] = {"delivery_note": delivery_note} if delivery_note else {}
    records.move(batch, Status.SHIPPED, by=by, verb="shipped", expected=expected, shipped_on=day, **note)
    for line, quantity in _read(batch, "quantity", quantities, may_exceed=True):
        if quantity > line.order_line.room:
            raise _over(line.order_line, line.order_line.room)
        _book(line.order_line, by, "shipped", shipped=quantity)
        records.update(line, by=by, verb="shipped", shipped=quantity)
    return batch


@transaction.atomic
def deliver(batch: Batch, *, by: Member, on: date | None = None, quantities: Quantities | None = None,
            expected: int | None = None) -> Batch:  # fmt: skip
    """It arrived; what did not arrive may be shipped again."""
    _order, day = _begin(batch, by, on, since="shipped_on")
    records.move(batch, Status.DELIVERED, by=by, verb="delivered", expected=expected, delivered_on=day)
    for line, quantity in _read(batch, "shipped", quantities):
        _book(line.order_line, by, "delivered", delivered=quantity, shipped=quantity - line.shipped)
        records.update(line, by=by, verb="delivered", delivered=quantity)
    return batch


@transaction.atomic
def accept(batch: Batch, *, by: Member, accepted_by: str, on: date | None = None,
           quantities: Quantities | None = None, is_final: bool | None = None, file: UploadedFile | None = None,
           expected: int | None = None) -> Batch:  # fmt: skip
    """The customer (`accepted_by` is a name) took it; what was not accepted goes back and may be shipped again.

    Receivables that wait for it fall due in the same transaction (effects). The acceptance that leaves nothing
    of the order open completes the order on that day.
    """
    order, day = _begin(batch, by, on, since="delivered_on")
    if not accepted_by.strip():
        raise ValidationError({"accepted_by": _("Say who accepted it for the customer.")})
    values: dict[str, Any] = {"accepted_on": day, "accepted_by": accepted_by.strip(), "grounds": ""}
    if is_final is not None:
        values["is_final"] = is_final
    records.move(batch, Status.ACCEPTED, by=by, verb="accepted", expected=expected, **values)
    for line, quantity in _read(batch, "delivered", quantities):
        back = quantity - line.delivered
        _book(line.order_line, by, "accepted", accepted=quantity, delivered=back, shipped=back)
        records.update(line, by=by, verb="accepted", accepted=quantity)
    if file is not None:
        activities.attach([batch], file, by=by)
    batch.order = order
    for follower in effects.followers():
        follower.accepted(batch, by=by, on=day)
    complete_if_accepted(order, by=by, on=day)
    return batch


@transaction.atomic
def reject(batch: Batch, *, by: Member, grounds: str, on: date | None = None, expected: int | None = None) -> Batch:
    """The customer did not take it: all of it comes back, and may be reworked."""
    _order, day = _begin(batch, by, on, since="delivered_on")
    if not grounds.strip():
        raise ValidationError({"grounds": _("Say why it was rejected.")})
    records.move(batch, Status.REJECTED, by=by, verb="rejected", expected=expected, grounds=grounds.strip(),
                 reason=grounds.strip(), data={"on": day.isoformat()})  # fmt: skip
    for line in _locked_lines(batch):
        _book(line.order_line, by, "rejected", delivered=-line.delivered, shipped=-line.delivered)
    return batch


@transaction.atomic
def rework(batch: Batch, *, by: Member, planned_on: date, expected: int | None = None) -> Batch:
    """Plan a rejected batch again; it is shipped afresh."""
    require(by, "batch.record", batch)
    _open_order(batch.order)
    empty: dict[str, Any] = {"shipped_on": None, "delivered_on": None, "planned_on": planned_on}
    records.move(batch, Status.PLANNED, by=by, verb="reworked", expected=expected, **empty)
    for line in _locked_lines(batch):
        records.update(line, by=by, verb="reworked", shipped=NO_QUANTITY, delivered=NO_QUANTITY)
    return batch


def _begin(batch: Batch, by: Member, on: date | None, since: str = "") -> tuple[Order, date]:
    """Role, locks, and the day, which is not before what happened last and not in the future."""
    require(by, "batch.record", batch)
    order, today = lock_order(batch.order), by.tenant.today()
    day = on or today
    if day > today:
        raise ValidationError({"on": _("This day is in the future. Record it when it has happened.")})
    earlier = Batch.objects.of(by.tenant_id).values_list(since, flat=True).get(pk=batch.pk) if since else None
    if earlier and day < earlier:
        raise ValidationError({"on": _("This cannot be before %(day)s.") % {"day": earlier.isoformat()}})
    return order, day


def _read(batch: Batch, before: str, quantities: Quantities | None, *, may_exceed: bool = False):
    """(line, quantity) of a batch: what was given, else what `before` says; no more than that unless it may."""
    lines = _locked_lines(batch)
    given = quantities or {}
    if set(given) - {line.order_line_id for line in lines}:
        raise ValidationError({"lines": _("Give quantities of lines of this delivery.")})
    read = [(line, given.get(line.order_line_id, getattr(line, before))) for line in lines]
    for line, quantity in read:
        known = getattr(line, before)
        if quantity < 0 or (quantity > known and not may_exceed):
            raise ValidationError(
                {"lines": _("“%(line)s”: enter 0 to %(most)s.") % {"line": line.order_line, "most": f"{known:f}"}}
            )
    if not any(quantity for _line, quantity in read):
        raise ValidationError({"lines": _("Enter the quantity of at least one line.")})
    return read


def _locked_lines(batch: Batch) -> list[BatchLine]:
    rows = BatchLine.objects.of(batch.tenant_id).filter(batch=batch).order_by("order_line_id")
    return list(rows.select_related("order_line__contract_line__product").select_for_update(of=("self",)))


def _book(line: OrderLine, by: Member, verb: str, **changes: Decimal) -> None:
    """Add to the order line's quantities; the database refuses what breaks INV-C5."""
    values = {name: getattr(line, name) + change for name, change in changes.items() if change}
    if values:
        records.update(line, by=by, verb=verb, **values)
