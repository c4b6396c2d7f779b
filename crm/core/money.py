"""Amounts of money: Decimal with two places, never a binary float (domain.md 0.1)."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, localcontext

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

CENT = Decimal("0.01")
LARGEST = Decimal("9999999999999999.99")  # numeric(18,2)
JSON_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]{1,2})?")
_TYPED = re.compile(r"(?P<minus>-?)(?P<whole>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?P<fraction>\.[0-9]*)?")
_CURRENCY = re.compile(r"^(-?)(?:¥|\$|€|£|CNY|RMB|人民币|USD|EUR)|(?:元整|元|CNY|RMB|USD|EUR)$", re.IGNORECASE)


def round_half_up(value: Decimal, places: int = 2) -> Decimal:
    """`value` rounded half away from zero (四舍五入) to so many places. Floats are refused."""
    with localcontext() as context:
        context.prec = 60
        return _decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def money(value: str | int | Decimal) -> Decimal:
    """An amount with exactly two places. Nothing is rounded: a third place is refused.

    Accepts "12", "12.3", "-12.34", int and Decimal. Raises ValidationError for a value that
    is no amount (also NaN, Infinity, 1e3, 1,000.00), TypeError for a float or bool.
    """
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        raise _not_an_amount()
    amount = Decimal(value) if isinstance(value, str) else _decimal(value)
    if not amount.is_finite():
        raise _not_an_amount()
    if abs(amount) > LARGEST:
        raise ValidationError(_("This amount is too large. The largest is 9,999,999,999,999,999.99."), code="AMOUNT")
    exact = round_half_up(amount)
    if exact != amount:
        raise ValidationError(_("An amount has at most two decimal places."), code="AMOUNT")
    return exact + 0  # -0.00 is 0.00


def read_amount(text: str) -> Decimal:
    """An amount as people write it: "¥1,234.5", "１２００ 元", "-3,000.00". More places are rounded half up.

    Raises ValidationError when the text is no amount or its commas do not part thousands.
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).replace("−", "-")
    found = _TYPED.fullmatch(_CURRENCY.sub(r"\1", plain))
    if not found:
        raise _not_an_amount()
    digits = found["minus"] + found["whole"].replace(",", "") + (found["fraction"] or "")
    return money(round_half_up(Decimal(digits)))


def to_json(amount: Decimal) -> str:
    """The text of an amount in JSON: digits, a point and two places, such as "1234.50"."""
    return f"{money(amount):f}"


def from_json(text: object) -> Decimal:
    """The amount of a JSON string, which must have two places. Numbers are refused: they are binary floats."""
    if not isinstance(text, str) or not JSON_AMOUNT.fullmatch(text):
        raise ValidationError(_("Send amounts as text with two decimal places, such as “1234.50”."), code="AMOUNT")
    return money(text)


def minor_units(amount: Decimal) -> int:
    """The amount in cents (分), exact: what an index compares."""
    return int(money(amount).scaleb(2))


def from_minor(units: int) -> Decimal:
    """The amount of so many cents."""
    return money(Decimal(units).scaleb(-2))


def weighted(amount: Decimal, probability: Decimal | int) -> Decimal:
    """amount · probability in percent (0 to 100), rounded half up to the cent for each record (domain.md 6.10).

    Sums are sums of these, so that a total equals the records behind it.
    """
    percent = _decimal(probability)
    if not 0 <= percent <= 100:
        raise ValidationError(_("A probability is between 0 and 100 percent."), code="PROBABILITY")
    with localcontext() as context:
        context.prec = 60
        return round_half_up(money(amount) * percent / 100)


def _decimal(value: int | Decimal) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise TypeError(f"money is computed from Decimal, int or str, not from {type(value).__name__}")
    return Decimal(value)


def _not_an_amount() -> ValidationError:
    return ValidationError(_("This is not an amount. Write digits such as 1234.50."), code="AMOUNT")
