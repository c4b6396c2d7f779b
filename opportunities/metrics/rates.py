"""The formulas by themselves (domain.md 6.9 to 6.12): exact Decimals in, exact Decimals out."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from crm.core.money import round_half_up

# Weight of the template's probability, in deals, against what was observed.
PRIOR = 20
# Rates of fewer deals are not compared.
ENOUGH = 10


def ratio(part: int, whole: int) -> Decimal | None:
    """part / whole with six places; None when there is nothing to divide by."""
    return round_half_up(Decimal(part) / whole, 6) if whole else None


def conversions(counts: Sequence[int]) -> list[Decimal | None]:
    """From each count to the next (domain.md 6.12): one fewer than counts."""
    return [ratio(after, before) for before, after in pairwise(counts)]


def weakest(counts: Sequence[int]) -> int | None:
    """The step with the lowest conversion among those with counts enough to tell."""
    rates = {n: rate for n, rate in enumerate(conversions(counts)) if counts[n] >= ENOUGH and rate is not None}
    return min(rates, key=lambda n: rates[n], default=None)


def learned(won: int, closed: int, template: Decimal) -> Decimal:
    """Observed win rate, drawn to the template's while the sample is small: (w + m·p₀) / (n + m)."""
    return round_half_up((won + PRIOR * template) / (closed + PRIOR), 6)


def velocity(deals: int, average: Decimal, win_rate: Decimal, cycle_days: Decimal) -> Decimal | None:
    """Money won per day as commonly published: deals · average won amount · win rate / cycle."""
    return round_half_up(deals * average * win_rate / cycle_days) if cycle_days else None


@dataclass(frozen=True)
class Forecast:
    """Amounts by forecast category, and what adds up from them (domain.md 6.11, INV-O7)."""

    pipeline: Decimal
    best_case: Decimal
    commit: Decimal
    closed: Decimal

    @property
    def open_pipeline(self) -> Decimal:
        return self.pipeline + self.best_case + self.commit

    @property
    def best_case_forecast(self) -> Decimal:
        return self.best_case + self.commit + self.closed

    @property
    def commit_forecast(self) -> Decimal:
        return self.commit + self.closed

    def gap(self, quota: Decimal) -> Decimal:
        """What is missing to the quota from what is closed."""
        return quota - self.closed

    def coverage(self, quota: Decimal) -> Decimal | None:
        """How many times the open pipeline covers that gap."""
        return round_half_up(self.open_pipeline / self.gap(quota), 2) if self.gap(quota) > 0 else None
