"""VAT by line: gross is primary, net is rounded, tax is the difference (domain.md 0.4.2, 6.17, WC-02)."""

from dataclasses import dataclass
from decimal import Decimal

from crm.core.money import round_half_up

TOLERANCE = Decimal("0.06")


@dataclass(frozen=True)
class Taxed:
    net: Decimal
    tax: Decimal
    gross: Decimal

    def __neg__(self) -> "Taxed":
        return Taxed(-self.net, -self.tax, -self.gross)

    def __add__(self, other: "Taxed") -> "Taxed":
        return Taxed(self.net + other.net, self.tax + other.tax, self.gross + other.gross)


NOTHING = Taxed(Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))


def from_gross(gross: Decimal, rate: Decimal) -> Taxed:
    """Split a tax-inclusive amount; `rate` is a fraction such as Decimal("0.13")."""
    net = round_half_up(gross / (1 + rate))
    return Taxed(net, gross - net, gross)


def from_net(net: Decimal, rate: Decimal) -> Taxed:
    tax = round_half_up(net * rate)
    return Taxed(net, tax, net + tax)


def total(lines: list[Taxed]) -> Taxed:
    """A document's total is the sum of its lines, never recomputed."""
    return sum(lines, NOTHING)


def within_tolerance(line: Taxed, rate: Decimal) -> bool:
    """INV-R7: |round(net · rate) − tax| is small."""
    return abs(round_half_up(line.net * rate) - line.tax) <= TOLERANCE
