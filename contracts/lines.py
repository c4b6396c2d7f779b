"""Lines of a document: their amounts and their sum (domain.md 0.1.1, 3.5)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.core.errors import ValidationError
from crm.core.money import round_half_up

HUNDRED = Decimal(100)
ZERO = Decimal("0.00")


def line_amount(quantity: Decimal, unit_price: Decimal, discount: Decimal = ZERO) -> Decimal:
    """Quantity × tax-inclusive unit price, less `discount` percent, rounded half up to the cent."""
    return round_half_up(Decimal(quantity) * unit_price * (HUNDRED - discount) / HUNDRED)


def build(model, lines: Iterable[Mapping[str, Any]], **common) -> list:
    """Unsaved rows of a line model in the order given, with their amounts; `common` are columns of every row.

    A line is a mapping of columns: product or description, quantity, unit_price, discount, tax_code.
    ValidationError when one has neither product nor description, no tax code, or numbers out of range.
    """
    rows = []
    for order, given in enumerate(lines, 1):
        row = model(**common, **{**given, "order": order, "amount": ZERO})
        if row.product_id is None and not row.description.strip():
            raise ValidationError({"lines": _("Line %(n)s: choose a product or describe what is sold.") % {"n": order}})
        if row.tax_code_id is None:
            raise ValidationError({"lines": _("Line %(n)s: choose a tax rate.") % {"n": order}})
        row.clean_fields(exclude=["tenant", *(f.name for f in model._meta.fields if f.is_relation)])
        row.amount = line_amount(row.quantity, row.unit_price, row.discount)
        rows.append(row)
    return rows


def total(rows: Iterable) -> Decimal:
    """The document's amount: the sum of its lines (domain.md 6.17)."""
    return sum((row.amount for row in rows), ZERO)
