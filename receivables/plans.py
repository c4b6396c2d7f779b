"""How a contract's amount is parted into receivables, to the cent (domain.md 6.15, WC-01)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from crm.core.errors import Refused
from crm.core.money import CENT, round_half_up

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Share:
    """One line of a plan: a fixed amount, a percentage of the total, or the balance (neither)."""

    amount: Decimal | None = None
    percent: Decimal | None = None


def by_percent(total: Decimal, percents: Sequence[Decimal], balance: int = -1) -> list[Decimal]:
    """Lines of so many percent; the line at `balance` (the last by default) takes the remainder.

    Refused when the percents do not add up to 100, or the balance would be negative.
    """
    if sum(percents) != HUNDRED:
        raise Refused(_("The percentages add up to %(sum)s, not to 100.") % {"sum": sum(percents)}, code="PLAN_PERCENT")
    shares = [Share(percent=percent) for percent in percents]
    shares[balance] = Share()
    return mixed(total, shares)


def equal(total: Decimal, parts: int) -> list[Decimal]:
    """So many equal lines, cut to the cent; the last takes the remainder."""
    if parts < 1:
        raise Refused(_("Enter how many parts, at least one."), code="PLAN_PARTS")
    part = (total / parts).quantize(CENT, rounding="ROUND_DOWN")
    return _checked([*[part] * (parts - 1), total - part * (parts - 1)])


def mixed(total: Decimal, shares: Sequence[Share]) -> list[Decimal]:
    """Fixed amounts, percentages of the total, and exactly one balance line."""
    open_lines = [index for index, share in enumerate(shares) if share.amount is None and share.percent is None]
    if len(open_lines) != 1:
        raise Refused(_("A plan has exactly one line that takes the remainder."), code="PLAN_BALANCE_LINE")
    amounts = [_fixed(total, share) for share in shares]
    amounts[open_lines[0]] = total - sum(amounts)
    return _checked(amounts)


def by_amount(total: Decimal, amounts: Sequence[Decimal]) -> list[Decimal]:
    """Given amounts, which must add up to the total."""
    if sum(amounts) != total:
        raise Refused(
            _("The lines add up to %(sum)s, the contract is %(total)s.") % {"sum": sum(amounts), "total": total},
            code="PLAN_SUM",
        )
    return _checked(list(amounts))


def _fixed(total: Decimal, share: Share) -> Decimal:
    if share.amount is not None:
        return share.amount
    return round_half_up(total * share.percent / HUNDRED) if share.percent is not None else Decimal("0.00")


def _checked(amounts: list[Decimal]) -> list[Decimal]:
    if any(amount < 0 for amount in amounts):
        raise Refused(
            _("The remainder would be negative. Lower the other lines or use equal parts."),
            code="PLAN_BALANCE_NEGATIVE",
        )
    return amounts
