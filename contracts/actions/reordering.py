"""Orders follow a change of their contract: quantities within it, amounts at its new prices (INV-C5, INV-C6)."""

from decimal import Decimal

from contracts.models import Contract, ContractLine, Order, OrderLine
from crm.core import records
from crm.core.people.models import Member

from .orders import live_lines, part

ZERO = Decimal("0.00")


def follow(contract: Contract, *, by: Member) -> None:
    """Cut what was ordered beyond the new quantities, the newest order first, never below what was shipped, and
    give every order its part of the new amounts. A framework's orders keep their own prices.
    """
    if contract.kind == Contract.Kind.FRAMEWORK:
        return
    touched: dict[int, Order] = {}
    held = live_lines(contract)
    for line in contract.lines.all():
        for piece, quantity, amount in shares(line, held.get(line.pk, [])):
            if (piece.quantity, piece.amount) != (quantity, amount):
                records.update(piece, by=by, verb="changed", quantity=quantity, amount=amount)
                touched[piece.order_id] = piece.order
    for order in touched.values():
        amount = sum((piece.amount for piece in order.lines.all()), ZERO)
        records.update(order, by=by, verb="changed", amount=amount)


def shares(line: ContractLine, pieces: list[OrderLine]) -> list[tuple[OrderLine, Decimal, Decimal]]:
    """(order line, its quantity, its amount) after the line changed; amounts are cumulative parts, oldest first."""
    beyond = sum((piece.quantity for piece in pieces), ZERO) - line.quantity
    quantities = {}
    for piece in reversed(pieces):
        cut = min(max(beyond, ZERO), max(piece.quantity - piece.shipped, ZERO))
        quantities[piece.pk] = piece.quantity - cut
        beyond -= cut
    found, ordered, given = [], ZERO, ZERO
    for piece in pieces:
        ordered += quantities[piece.pk]
        amount = part(line.amount, min(ordered, line.quantity), line.quantity) - given
        given += amount
        found.append((piece, quantities[piece.pk], amount))
    return found
