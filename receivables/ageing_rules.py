"""Buckets, provision, DSO: the arithmetic of overdue money (domain.md 6.19, WC-11, WC-13, WC-14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from crm.core.money import round_half_up

# The last day of each bucket; later days fall into the open one.
BOUNDS = (0, 30, 60, 90)
CURRENT = "current"


def bucket_names(bounds: Sequence[int] = BOUNDS) -> list[str]:
    """What the buckets are called in files and in the API: current, 1-30, …, 90+."""
    return [CURRENT, *(f"{before + 1}-{last}" for before, last in pairwise(bounds)), f"{bounds[-1]}+"]


BUCKETS = tuple(bucket_names())


def age(due: date, on: date) -> int:
    """Local days overdue; zero or less means not due."""
    return (on - due).days


def bucket(due: date, on: date, bounds: Sequence[int] = BOUNDS) -> int:
    """The index of the bucket: 0 is current, len(bounds) the open one."""
    days = age(due, on)
    return next((index for index, last in enumerate(bounds) if days <= last), len(bounds))


def provision(balances: Mapping[tuple, Decimal], rates: Mapping[tuple, Decimal]) -> dict[tuple, Decimal]:
    """Per (credit class, bucket) round(balance · rate): the sum of a bucket is rounded, not its rows.

    `rates` are shares from 0 to 1. KeyError for a bucket without one.
    """
    return {key: round_half_up(balance * rates[key]) for key, balance in balances.items()}


def charge(opening: Decimal, closing: Decimal, written_off: Decimal, recovered: Decimal) -> Decimal:
    """INV-R15: closing = opening + charge − written off + recovered."""
    return closing - opening + written_off - recovered


def dso_simple(receivable: Decimal, invoiced: Decimal, days: int) -> Decimal | None:
    """Days of sales outstanding; None when nothing was invoiced."""
    return round_half_up(receivable / invoiced * days) if invoiced else None


@dataclass(frozen=True)
class CountBack:
    """DSO by counting back months; `is_more` when the months do not suffice: “more than n days”."""

    days: Decimal
    is_more: bool = False


def dso_count_back(receivable: Decimal, months: Sequence[tuple[Decimal, int]]) -> CountBack:
    """`months` are (invoiced gross, days of the month), latest first; the last one counts in proportion."""
    left, days = receivable, Decimal(0)
    for invoiced, length in months:
        if left <= 0:
            break
        days += length if left >= invoiced else left / invoiced * length
        left -= min(left, invoiced)
    return CountBack(round_half_up(days), is_more=left > 0)


def collection_rate(collected: Decimal, due: Decimal) -> Decimal | None:
    """Percent of what fell due in a period that was allocated to it; None when nothing fell due."""
    return round_half_up(collected / due * 100) if due else None
