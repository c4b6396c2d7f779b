"""Orders signed, collections and overdue by member and month (product.md F11): a number and its rows are one query."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Count, DateField, F, Q, QuerySet, Sum
from django.db.models.functions import Cast, TruncMonth

from contracts.models import Contract
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from receivables.cash_periods import MONTH, Span
from receivables.models import Allocation, Receivable

ZERO = Decimal("0.00")
UNSIGNED = (Contract.Status.DRAFT, Contract.Status.IN_APPROVAL, Contract.Status.APPROVED)
SIGNED, COLLECTED, OVERDUE = WHAT = ("signed", "collected", "overdue")
MONTHS = 12


@dataclass(frozen=True)
class Board:
    """The sets behind the board, of whom `member` may see, in one currency."""

    member: Member
    currency: str

    def rows(self, what: str, span: Span | None = None, owner: int | None = None) -> QuerySet:
        """Rows with `day`, `value` and `holder` (an owner's id); overdue money is of today and takes no span."""
        rows = getattr(self, f"_{what}")()
        if span and what != OVERDUE:
            rows = rows.filter(day__gte=span.first, day__lte=span.last)
        return rows.filter(holder=owner) if owner else rows

    def _signed(self) -> QuerySet:
        """Signed contracts by the day of signature and their signed amount."""
        rows = Contract.objects.of(self.member.tenant).filter(
            reach_q(self.member, "contract.read"), currency=self.currency, sign_date__isnull=False
        )
        return rows.exclude(status__in=UNSIGNED).annotate(day=F("sign_date"), value=F("base_amount"), holder=F("owner"))

    def _collected(self) -> QuerySet:
        """Money allocated to receivables by its effective date; what was taken back counts against its own day."""
        rows = Allocation.objects.of(self.member.tenant).filter(
            reach_q(self.member, "receivable.read", "receivable__owner"), receivable__currency=self.currency
        )
        return rows.annotate(day=F("effective_date"), value=F("amount"), holder=F("receivable__owner"))

    def _overdue(self) -> QuerySet:
        today = self.member.tenant.today()
        rows = Receivable.objects.visible_to(self.member).filter(
            Q(due_date__lt=today), balance__gt=0, superseded=False, currency=self.currency
        )
        return rows.annotate(day=F("due_date"), value=F("balance"), holder=F("owner"))


@dataclass
class Line:
    """One member or one month: a sum and a count for each figure."""

    key: object
    name: str
    sums: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, what: str, value: Decimal, count: int) -> None:
        self.sums[what] += value
        self.counts[what] += count

    @property
    def cells(self) -> list[tuple[str, Decimal, int]]:
        return [(what, self.sums[what], self.counts[what]) for what in WHAT]


def by_member(board: Board, span: Span) -> tuple[list[Line], Line]:
    """A line for each member with a figure, by what was signed, and their total."""
    lines: dict[int, Line] = {}
    total = Line(None, "")
    for what in WHAT:
        grouped = board.rows(what, span).order_by().values("holder").annotate(sum=Sum("value"), n=Count("pk"))
        for holder, value, count in grouped.values_list("holder", "sum", "n"):
            lines.setdefault(holder, Line(holder, "")).add(what, value, count)
            total.add(what, value, count)
    names = dict(Member.objects.of(board.member.tenant).filter(pk__in=lines).values_list("pk", "name"))
    for holder, line in lines.items():
        line.name = names[holder]
    return sorted(lines.values(), key=lambda line: (-line.sums[SIGNED], -line.sums[COLLECTED], line.name)), total


def by_month(board: Board, today: date) -> list[Line]:
    """Signed and collected in each of the last months, newest first."""
    spans = [Span.of(today, MONTH).shifted(-n) for n in range(MONTHS)]
    lines = {span.first: Line(span, span.label) for span in spans}
    whole = Span(MONTH, spans[-1].first, spans[0].last)
    for what in (SIGNED, COLLECTED):
        month = Cast(TruncMonth("day", output_field=DateField()), DateField())
        grouped = board.rows(what, whole).order_by().annotate(month=month).values("month")
        for first, value, count in grouped.annotate(sum=Sum("value"), n=Count("pk")).values_list("month", "sum", "n"):
            lines[first].add(what, value, count)
    return list(lines.values())


def total_of(rows: QuerySet) -> Decimal:
    return rows.order_by().aggregate(sum=Sum("value"))["sum"] or ZERO
