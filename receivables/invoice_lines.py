"""What stands on an invoice: positions with VAT by line, and what a red takes back of each (domain.md 6.17, WC-02)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, TaxCode
from crm.core.errors import Refused, ValidationError
from crm.core.money import round_half_up
from crm.core.taxes import Taxed, from_gross, within_tolerance
from receivables.models import Invoice, InvoiceLine

ZERO = Decimal("0.00")
# Σ |tax − round(net · rate)| of a document (domain.md 2.2).
DOCUMENT_TOLERANCE = Decimal("1.27")


@dataclass(frozen=True)
class Position:
    description: str
    tax_code: TaxCode
    taxed: Taxed
    blue_line: InvoiceLine | None = None


def spread(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`total` in proportion to `weights`, to the cent: none is negative, the sum is exact."""
    whole, reached, parts = sum(weights), Decimal(0), []
    for weight in weights:
        before, reached = round_half_up(total * reached / whole), reached + weight
        parts.append(round_half_up(total * reached / whole) - before)
    return parts


def blue_positions(contract: Contract, gross: Decimal, on: date, tax_code: TaxCode | None = None) -> list[Position]:
    """A tax-inclusive amount in proportion to the contract's lines, at the rates in force on the day.

    A given tax code, or a contract without lines, makes one position.
    """
    lines = list(contract.lines.filter(amount__gt=0).select_related("tax_code", "product")) if not tax_code else []
    if not lines:
        if tax_code is None:
            raise ValidationError({"tax_code": _("The contract has no lines. Choose the tax code of this invoice.")})
        return [_position(contract.title, gross, _in_force([tax_code], on)[tax_code.code])]
    codes = _in_force([line.tax_code for line in lines], on)
    parts = zip(lines, spread(gross, [line.amount for line in lines]), strict=True)
    return [
        _position(line.description or str(line.product or contract.title), part, codes[line.tax_code.code])
        for line, part in parts
        if part
    ]


def _position(description: str, gross: Decimal, code: TaxCode) -> Position:
    return Position(description[:300], code, from_gross(gross, code.rate))


def _in_force(asked: Sequence[TaxCode], on: date) -> dict[str, TaxCode]:
    """The rows of these codes that hold on a day."""
    rows = TaxCode.objects.of(asked[0].tenant_id).filter(Q(valid_until=None) | Q(valid_until__gte=on))
    found = {code.code: code for code in rows.filter(valid_from__lte=on, code__in={code.code for code in asked})}
    for code in asked:
        if code.code not in found:
            raise Refused(
                _("The tax code %(code)s is not in force on %(day)s. Change the contract's lines or the date.")
                % {"code": code.code, "day": on},
                code="TAX_CODE_ENDED",
            )
    return found


def given_positions(tenant, lines: Sequence[Mapping[str, Any]], gross: Decimal) -> list[Position]:
    """Positions as the tax bureau printed them: {description, tax_code, net, tax}; checked by line and document."""
    positions = []
    for line in lines:
        code = line["tax_code"]
        if code.tenant_id != tenant.pk:
            raise ValidationError({"lines": _("Choose an entry of your own company.")})
        taxed = Taxed(line["net"], line["tax"], line["net"] + line["tax"])
        positions.append(Position(str(line["description"])[:300], code, taxed))
    check_tolerance(positions)
    if sum((one.taxed.gross for one in positions), ZERO) != gross:
        raise ValidationError({"lines": _("The lines do not add up to %(gross)s.") % {"gross": gross}})
    return positions


def check_tolerance(positions: Sequence[Position]) -> None:
    """INV-R7: each line's tax is its net at the rate, within the tolerance; all of them together too."""
    off = [abs(round_half_up(one.taxed.net * one.tax_code.rate) - one.taxed.tax) for one in positions]
    if sum(off) > DOCUMENT_TOLERANCE or not all(within_tolerance(one.taxed, one.tax_code.rate) for one in positions):
        raise ValidationError({"lines": _("The tax of a line does not fit its net amount and rate. Check the lines.")})


def red_positions(blue: Invoice, gross: Decimal, asked: Sequence[Mapping[str, Any]] = ()) -> list[Position]:
    """What a red of `gross` takes back of each line of its blue: as asked, else in proportion to what is left.

    A line that is taken back whole gives exactly what is left of it (INV-R8); amounts are negative.
    """
    left = left_of(blue)
    wanted = {one["line"]: Decimal(str(one["gross"])) for one in asked}
    if not wanted:
        open_lines = [line for line, rest in left.items() if rest.gross > 0]
        parts = spread(gross, [left[line].gross for line in open_lines])
        wanted = {line.pk: part for line, part in zip(open_lines, parts, strict=True)}
    lines = {line.pk: line for line in left}
    for pk, part in wanted.items():
        if pk not in lines or not 0 <= part <= left[lines[pk]].gross:
            raise Refused(_("More would be taken back than a line of the invoice has left."), code="RED_TOO_LARGE")
    if sum(wanted.values()) != gross:
        raise ValidationError({"lines": _("The lines do not add up to %(gross)s.") % {"gross": gross}})
    taken = ((lines[pk], part) for pk, part in wanted.items() if part)
    return [Position(line.description, line.tax_code, -_taken(line, part, left[line]), line) for line, part in taken]


def left_of(blue: Invoice) -> dict[InvoiceLine, Taxed]:
    """What reds have left of each line of a blue invoice."""
    rows = blue.lines.select_related("tax_code").annotate(
        red_net=Sum("reds__net"), red_tax=Sum("reds__tax"), red_gross=Sum("reds__gross")
    )
    return {
        row: Taxed(row.net, row.tax, row.gross) + Taxed(row.red_net or ZERO, row.red_tax or ZERO, row.red_gross or ZERO)
        for row in rows
    }


def _taken(line: InvoiceLine, gross: Decimal, left: Taxed) -> Taxed:
    """The usual split of the red amount, kept within what the line has left of net and of tax."""
    if gross == left.gross:
        return left
    net = min(from_gross(gross, line.rate).net, left.net)
    net = max(net, gross - left.tax)
    return Taxed(net, gross - net, gross)
