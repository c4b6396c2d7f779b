"""What was forecast at T−90, 60, 30 and 7 days against what came in (D15); T is the first day of the period.

The forecast is the snapshot of that day, or the latest of the six days before it; without one the cell is empty.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import F, Q, Sum

from crm.core.money import round_half_up
from receivables.cash_periods import MONTH, Span
from receivables.models import CashForecast, CashSnapshot
from receivables.models.cash import Source

from .cash import ZERO, View, slot_of

HORIZONS = (90, 60, 30, 7)
MISSED_DAYS = 6
MONTHS_BACK = 8


@dataclass(frozen=True)
class Cell:
    """A forecast, when it was made, and its error in percent of what came in (None while nothing did)."""

    taken_on: date
    receivables: Decimal
    opportunities: Decimal
    received: Decimal

    @property
    def amount(self) -> Decimal:
        return self.receivables + self.opportunities

    @property
    def error(self) -> Decimal | None:
        return round_half_up((self.amount - self.received) / self.received, 4) if self.received else None


@dataclass
class Row:
    span: Span
    received: Decimal
    is_over: bool
    cells: list[Cell | None] = field(default_factory=list)


def accuracy(view: View) -> list[Row]:
    """The last months and the current one, newest first."""
    current = Span.of(view.today, MONTH)
    rows = [current.shifted(-n) for n in range(MONTHS_BACK + 1)]
    received, snapshots = _received(view, rows), _snapshots(view, rows)
    sums = _sums(view, set(snapshots.values()))
    found = []
    for span in rows:
        row = Row(span, received[span.first], span.last < view.today)
        row.cells = [_cell(snapshots.get(span.first - timedelta(days=n)), span, sums, row) for n in HORIZONS]
        found.append(row)
    return found


def _received(view: View, rows: list[Span]) -> dict[date, Decimal]:
    inside = view.received().filter(received_on__gte=rows[-1].first, received_on__lte=rows[0].last)
    grouped = inside.order_by().annotate(slot=slot_of(F("received_on"))).values("slot").annotate(sum=Sum("amount"))
    sums: dict[date, Decimal] = defaultdict(lambda: ZERO)
    for slot, amount in grouped.values_list("slot", "sum"):
        sums[slot.replace(day=1)] += amount
    return sums


def _snapshots(view: View, rows: list[Span]) -> dict[date, CashSnapshot]:
    """Wanted day → the snapshot of it or of the days before."""
    wanted = [span.first - timedelta(days=n) for span in rows for n in HORIZONS]
    near = Q()
    for day in wanted:
        near |= Q(taken_on__lte=day, taken_on__gt=day - timedelta(days=MISSED_DAYS + 1))
    known = list(CashSnapshot.objects.of(view.tenant).filter(near).order_by("taken_on"))
    found = {}
    for day in wanted:
        for snapshot in known:
            if day - timedelta(days=MISSED_DAYS) <= snapshot.taken_on <= day:
                found[day] = snapshot
    return found


def _sums(view: View, snapshots: set[CashSnapshot]) -> dict[tuple, Decimal]:
    """(snapshot, source, first of the month) → sum."""
    rows = CashForecast.objects.visible_to(view.member).filter(snapshot__in=snapshots, currency=view.currency)
    sums: dict[tuple, Decimal] = defaultdict(lambda: ZERO)
    for pk, source, slot, amount in (
        rows.order_by().values("snapshot", "source", "slot").annotate(sum=Sum("amount"))
        .values_list("snapshot", "source", "slot", "sum")
    ):  # fmt: skip
        sums[pk, source, slot.replace(day=1)] += amount
    return sums


def _cell(snapshot: CashSnapshot | None, span: Span, sums: dict, row: Row) -> Cell | None:
    if snapshot is None:
        return None
    owed, dealt = (sums[snapshot.pk, source, span.first] for source in (Source.RECEIVABLE, Source.OPPORTUNITY))
    return Cell(snapshot.taken_on, owed, dealt, row.received)
