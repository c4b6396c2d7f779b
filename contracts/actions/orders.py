"""Orders: what delivery is asked for, within what was signed (INV-C6)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from contracts import effects
from contracts.lines import ZERO, line_amount
from contracts.models import Contract, ContractLine, Order, OrderLine
from crm.core import records
from crm.core.entities.numbering import next_number
from crm.core.errors import Refused, ValidationError
from crm.core.money import round_half_up
from crm.core.people.models import Member
from crm.core.people.reach import require

from .contracts import ordered_amount

SERIES = "DD"
QUANTITY_PLACES = 3
NO_QUANTITY = Decimal("0.000")
Quantities = Mapping[int, Decimal]


@dataclass(frozen=True)
class Taken:
    """What the orders of a contract that were not cancelled hold of one of its lines."""

    quantity: Decimal = NO_QUANTITY
    tolerance: Decimal = NO_QUANTITY
    amount: Decimal = ZERO


def taken(contract: Contract) -> dict[int, Taken]:
    """Contract line id → what its orders hold; lines without orders are missing."""
    rows = OrderLine.objects.of(contract.tenant_id).filter(order__contract=contract)
    lines = rows.exclude(order__status=Order.Status.CANCELLED).order_by().values("contract_line")
    sums = lines.annotate(q=Sum("quantity"), t=Sum("tolerance"), a=Sum("amount"))
    return {row["contract_line"]: Taken(row["q"], row["t"], row["a"]) for row in sums}


def orderable(contract: Contract) -> dict[int, Decimal | None]:
    """Contract line id → quantity that may still be ordered; None where a framework sets no limit."""
    held = taken(contract)
    free = contract.kind == Contract.Kind.FRAMEWORK
    return {
        line.pk: None if free else max(line.quantity - held.get(line.pk, Taken()).quantity, NO_QUANTITY)
        for line in contract.lines.all()
    }


def part(whole: Decimal, quantity: Decimal, of: Decimal, places: int = 2) -> Decimal:
    """The part of `whole` that `quantity` of the quantity `of` stands for, rounded half up."""
    return round_half_up(whole * quantity / of, places) if of else round_half_up(Decimal(0), places)


@transaction.atomic
def create_order(contract: Contract, *, by: Member, quantities: Quantities | None = None,
                 promised_on: date | None = None, erp_ref: str = "") -> Order:  # fmt: skip
    """Order `quantities` (contract line id → quantity) of a contract in force; without them, all that is left.

    Amounts are cumulative parts of the contract's lines, so that orders that take a line in pieces add up to it
    to the cent. Refused with ORDER_EXCEEDS_CONTRACT beyond the lines or the effective amount (INV-C6), and with
    CUSTOMER_ON_HOLD while downstream holds the customer (such as unpaid money).
    """
    require(by, "order.create", contract)
    contract = records.lock(contract)
    require_in_force(contract)
    if sentence := effects.orders_blocked(contract.account):
        raise Refused(sentence, code="CUSTOMER_ON_HOLD")
    lines = _cut(contract, quantities)
    amount = sum((line.amount for line in lines), ZERO)
    _require_within(contract, amount)
    number = next_number(contract.legal_entity, SERIES, by.tenant.today())
    order = records.create(
        Order, by=by, contract=contract, number=number, amount=amount, promised_on=promised_on, erp_ref=erp_ref
    )
    for line in lines:
        line.order = order
    records.create_many(lines, by=by)
    return order


def require_in_force(contract: Contract) -> None:
    if contract.status not in Contract.LIVE:
        raise Refused(
            _("“%(contract)s” is %(status)s. Only a contract in force can be ordered from and delivered.")
            % {"contract": contract, "status": contract.get_status_display()}, code="CONTRACT_NOT_EFFECTIVE",
        )  # fmt: skip


def _cut(contract: Contract, quantities: Quantities | None) -> list[OrderLine]:
    """Unsaved order lines with their amounts."""
    held, lines = taken(contract), {line.pk: line for line in contract.lines.all()}
    if quantities is None:
        quantities = {pk: rest for pk, rest in orderable(contract).items() if rest}
    if unknown := set(quantities) - set(lines):
        raise ValidationError({"lines": _("Line %(line)s is not of this contract.") % {"line": min(unknown)}})
    wanted = {pk: quantity for pk, quantity in quantities.items() if quantity}
    if not wanted:
        raise ValidationError({"lines": _("Enter the quantity of at least one line.")})
    return [_piece(contract, lines[pk], held.get(pk, Taken()), quantity) for pk, quantity in sorted(wanted.items())]


def _piece(contract: Contract, line: ContractLine, held: Taken, quantity: Decimal) -> OrderLine:
    if quantity < 0:
        raise ValidationError({"lines": _("A quantity cannot be negative.")})
    piece = OrderLine(tenant_id=line.tenant_id, contract_line=line, quantity=quantity)
    if contract.kind == Contract.Kind.FRAMEWORK:
        piece.amount = line_amount(quantity, line.unit_price, line.discount)
        piece.tolerance = part(line.over_delivery, quantity, line.quantity, QUANTITY_PLACES)
        return piece
    total = held.quantity + quantity
    if total > line.quantity:
        raise Refused(
            _("“%(line)s”: only %(rest)s can still be ordered.")
            % {"line": line.description or line.product, "rest": f"{line.quantity - held.quantity:f}"},
            code="ORDER_EXCEEDS_CONTRACT",
        )
    piece.amount = max(part(line.amount, total, line.quantity) - held.amount, ZERO)
    whole = part(line.over_delivery, total, line.quantity, QUANTITY_PLACES)
    piece.tolerance = max(whole - held.tolerance, NO_QUANTITY)
    return piece


def _require_within(contract: Contract, amount: Decimal) -> None:
    """INV-C6, on a locked contract."""
    left = contract.effective_amount - ordered_amount(contract)
    if contract.kind == Contract.Kind.FIXED and amount > left:
        raise Refused(
            _("This order is over %(amount)s, but only %(left)s of the contract is not ordered yet.")
            % {"amount": f"{amount:,.2f}", "left": f"{left:,.2f}"}, code="ORDER_EXCEEDS_CONTRACT",
        )  # fmt: skip


def update_order(order: Order, *, by: Member, expected: int | None = None, **values) -> Order:
    """Change `promised_on` or `erp_ref` of an open order."""
    require(by, "order.create", order.contract)
    _require_open(order)
    return records.update(order, by=by, expected=expected, **values)


def _require_open(order: Order) -> None:
    if order.status != Order.Status.OPEN:
        raise Refused(
            _("Order %(order)s is %(status)s.") % {"order": order, "status": order.get_status_display()},
            code="ORDER_NOT_OPEN",
        )


def lock_order(order: Order) -> Order:
    """The order under lock, its contract first: everybody who changes both takes them in this order."""
    contract = records.lock(order.contract)
    order = records.lock(order)
    order.contract = contract
    return order


@transaction.atomic
def cancel_order(order: Order, *, by: Member, reason: str, expected: int | None = None) -> Order:
    """Give the ordered quantities back to the contract; refused once anything is under way or delivered."""
    require(by, "order.create", order.contract)
    locked = lock_order(order)
    if OrderLine.objects.of(by.tenant_id).filter(order=locked, shipped__gt=0).exists():
        raise Refused(
            _("Something of this order has been shipped. Have the batch rejected first, or change the contract."),
            code="ORDER_DELIVERED",
        )
    return records.move(order, Order.Status.CANCELLED, by=by, verb="cancelled", reason=reason, expected=expected)


@transaction.atomic
def complete_order(order: Order, *, by: Member, on: date | None = None, expected: int | None = None) -> Order:
    """Close an order of which everything has been accepted, on a day of the company's zone (default today)."""
    require(by, "batch.record", order)
    lock_order(order)
    if waiting := [str(line) for line in _lines(order) if line.accepted < line.quantity]:
        raise Refused(
            _("Not everything has been accepted yet: %(lines)s.") % {"lines": ", ".join(waiting)}, code="ORDER_OPEN"
        )
    day = on or by.tenant.today()
    return records.move(order, Order.Status.COMPLETED, by=by, verb="completed", expected=expected, completed_on=day)


def complete_if_accepted(order: Order, *, by: Member, on: date) -> None:
    """The acceptance that leaves nothing open completes its order that day."""
    lines = _lines(order)
    is_done = order.status == Order.Status.OPEN and all(line.accepted >= line.quantity for line in lines)
    if is_done and any(line.quantity for line in lines):
        records.move(order, Order.Status.COMPLETED, by=by, verb="completed", completed_on=on)


def _lines(order: Order) -> list[OrderLine]:
    rows = OrderLine.objects.of(order.tenant_id).filter(order=order)
    return list(rows.select_related("contract_line__product").order_by("pk"))


def live_lines(contract: Contract) -> dict[int, list[OrderLine]]:
    """Contract line id → its order lines that were not cancelled, oldest first."""
    rows = OrderLine.objects.of(contract.tenant_id).filter(order__contract=contract)
    rows = rows.exclude(order__status=Order.Status.CANCELLED).select_related("order").order_by("pk")
    found: dict[int, list[OrderLine]] = defaultdict(list)
    for line in rows:
        found[line.contract_line_id].append(line)
    return found


def delivered(contract: Contract) -> dict[int, Decimal]:
    """Contract line id → quantity at the customer, accepted or not; what came back does not count."""
    return {pk: sum((line.delivered for line in lines), NO_QUANTITY) for pk, lines in live_lines(contract).items()}


def delivered_amount(contract: Contract) -> Decimal:
    """What has been delivered, at the prices of the orders; a tolerated surplus adds nothing."""
    return sum((_delivered_amount(lines) for lines in live_lines(contract).values()), ZERO)


def _delivered_amount(lines: Iterable[OrderLine]) -> Decimal:
    return sum((part(line.amount, min(line.delivered, line.quantity), line.quantity) for line in lines), ZERO)
