"""How a change of an amount is spread over its parts, to the cent (domain.md 6.18: pro rata, tail first, one line)."""

from collections.abc import Sequence
from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.errors import Refused
from crm.core.money import round_half_up

ZERO = Decimal("0.00")


class Spread(models.TextChoices):
    PRO_RATA = "pro_rata", _("In proportion")
    TAIL = "tail", _("From the last backwards")
    ONE = "one", _("On one line")
    HAND = "hand", _("By hand")


def spread(delta: Decimal, parts: Sequence[Decimal], how: str, index: int = -1) -> list[Decimal]:
    """`delta` over `parts` (their current amounts), one signed amount each; the sum is `delta`.

    Refused when there is nothing to spread over, or less than what is to be taken away.
    """
    if not delta:
        return [ZERO] * len(parts)
    if not parts:
        raise Refused(_("There is nothing to spread the change over."), code="SPREAD_EMPTY")
    if how == Spread.ONE:
        return one_line(delta, parts, index)
    if sum(parts, ZERO) + delta < 0:
        raise Refused(_("The change takes away more than there is."), code="SPREAD_TOO_MUCH")
    return tail_first(delta, parts) if how == Spread.TAIL else pro_rata(delta, parts)


def pro_rata(delta: Decimal, parts: Sequence[Decimal]) -> list[Decimal]:
    """Each part's share rounded half up; the last part that is not zero takes the remainder (WC-09)."""
    whole = sum(parts, ZERO)
    if not whole:
        return one_line(delta, parts, -1)
    balance = max(index for index, part in enumerate(parts) if part)
    shares = [round_half_up(delta * part / whole) for part in parts]
    shares[balance] = delta - (sum(shares, ZERO) - shares[balance])
    return shares


def tail_first(delta: Decimal, parts: Sequence[Decimal]) -> list[Decimal]:
    """A reduction empties the parts from the last one backwards; an increase goes to the last."""
    if delta > 0:
        return one_line(delta, parts, -1)
    shares, left = [ZERO] * len(parts), delta
    for index in reversed(range(len(parts))):
        shares[index] = max(left, -parts[index])
        left -= shares[index]
    return shares


def one_line(delta: Decimal, parts: Sequence[Decimal], index: int) -> list[Decimal]:
    shares = [ZERO] * len(parts)
    shares[index] = delta
    return shares
