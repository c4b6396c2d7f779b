"""The weighted funnel (domain.md 6.10, 6.12): every number is a sum of rows that a list shows by the same filter.

Amounts count open deals by their close date and won ones by the day they were won; rates and
times are those of the cohort, the deals opened in the period.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.utils import timezone

from crm.core.calendars import Period
from crm.core.people.models import Member

from ..filters import LOST, OPEN, SUSPENDED, WON, OpportunityFilter, PeriodField, Span, all_ladders, default_key
from ..ladders import Ladder
from ..models import Category, Opportunity, Stage
from . import rates
from .stays import CYCLE, Stay, days, stays

ZERO = Decimal("0.00")
IN_FUNNEL = [OPEN, WON]
SLICE = ("pipeline", "team", "owner", "product")


class Median(Aggregate):
    template = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


# The names hide the columns from what stands after them, so the count of unknown amounts comes first.
SUMS = {
    "without_amount": Count("pk", filter=Q(amount=None)),
    "count": Count("pk"),
    "amount": Sum("amount"),
    "weighted": Sum("weighted"),
}


@dataclass(frozen=True)
class Sums:
    """Deals in number, amount and weighted amount; `query` is what a list is asked for to show exactly these."""

    query: dict[str, Any]
    count: int = 0
    amount: Decimal = ZERO
    weighted: Decimal = ZERO
    without_amount: int = 0

    @property
    def without_amount_query(self) -> dict[str, Any]:
        return {**self.query, "with_amount": "false"}


@dataclass(frozen=True)
class Row:
    """One stage. `reached` and what follows from it are the cohort's; times are days with one decimal."""

    stage: Stage
    sums: Sums
    reached: int
    conversion: Decimal | None
    still_open: int
    stay: Stay | None
    open_days: Decimal | None
    cohort_query: dict[str, Any]

    @property
    def amount(self) -> Decimal:
        return self.sums.amount

    @property
    def reached_query(self) -> dict[str, Any]:
        return {**self.cohort_query, "reached": self.stage.key}

    @property
    def still_open_query(self) -> dict[str, Any]:
        return {**self.cohort_query, "furthest": self.stage.key, "status": [OPEN, SUSPENDED]}


@dataclass(frozen=True)
class Cohort:
    """How far the deals opened in a period came: counts for each step of the ladder."""

    reached: list[int]
    still_open: list[int]
    won: int
    closed: int
    won_amount: Decimal

    @classmethod
    def of(cls, deals: QuerySet, ladder: Ladder) -> "Cohort":
        """One query, however many deals."""
        places = deals.order_by().values_list("pipeline", "furthest_order", "status")
        rows = list(places.annotate(count=Count("pk"), sum=Sum("amount")))
        came, still = Counter(), Counter()
        for version, order, status, count, _sum in rows:
            came[version, order] += count
            still[ladder.ranks[version, order]] += count if status in (OPEN, SUSPENDED) else 0
        ended = Counter()
        for *_place, status, count, _sum in rows:
            ended[status] += count
        return cls(
            ladder.counts_reached(came), [still[n] for n in range(len(ladder.steps))], ended[WON],
            ended[WON] + ended[LOST], sum((row[4] or ZERO for row in rows if row[2] == WON), ZERO),
        )  # fmt: skip

    @cached_property
    def conversions(self) -> list[Decimal | None]:
        return [*rates.conversions(self.reached), None]

    @property
    def win_rate(self) -> Decimal | None:
        return rates.ratio(self.won, self.closed)

    def of_step(self, n: int) -> tuple[int, Decimal | None, int]:
        return self.reached[n], self.conversions[n], self.still_open[n]


@dataclass(frozen=True)
class Funnel:
    """A funnel as of a moment. `undated` are open deals that a period cannot hold; None for all periods."""

    ladder: Ladder
    span: Span
    rows: list[Row]
    total: Sums
    undated: Sums | None
    cohort: Cohort
    cycle: Stay | None
    as_of: datetime

    @cached_property
    def forecast(self) -> rates.Forecast:
        amounts = defaultdict(lambda: ZERO)
        for row in self.rows:
            amounts[row.stage.category] += row.sums.amount
        return rates.Forecast(
            *(amounts[c] for c in (Category.PIPELINE, Category.BEST_CASE, Category.COMMIT, Category.CLOSED))
        )

    @property
    def won(self) -> Sums:
        return self.rows[-1].sums

    @property
    def committed_query(self) -> dict[str, Any]:
        """The deals of the commit forecast: what is won, and what stands in a stage of commitment."""
        sure = (Category.COMMIT, Category.CLOSED)
        return {**self.total.query, "stage": [row.stage.key for row in self.rows if row.stage.category in sure]}

    @property
    def closed_query(self) -> dict[str, Any]:
        """The deals of the cohort that were won or lost: what the win rate is of."""
        return {**self.rows[0].cohort_query, "status": [WON, LOST]}

    @property
    def won_query(self) -> dict[str, Any]:
        return {**self.rows[0].cohort_query, "status": [WON]}

    @property
    def velocity(self) -> Decimal | None:
        """Money won per day by the cohort's rates and the open deals shown; None while nothing was won."""
        if not self.cohort.win_rate or not self.cycle:
            return None
        deals = sum(row.sums.count for row in self.rows if not row.stage.is_won)
        average = self.cohort.won_amount / self.cohort.won
        return rates.velocity(deals, average, self.cohort.win_rate, self.cycle.mean)

    @property
    def weakest(self) -> Row | None:
        """The stage with the lowest conversion of those that enough deals reached."""
        step = rates.weakest([row.reached for row in self.rows])
        return None if step is None else self.rows[step]

    @property
    def is_provisional(self) -> bool:
        """Rates move while more than 5 % of the cohort are open (domain.md 6.12)."""
        return sum(self.cohort.still_open) * 20 > self.cohort.reached[0]


def funnel_rows(member: Member, query: Mapping[str, Any]) -> QuerySet[Opportunity]:
    """The deals behind a number of the funnel: what the list page and the API show for its query."""
    return _checked(OpportunityFilter(query, Opportunity.objects.visible_to(member), member=member)).qs


def funnel(
    member: Member, query: Mapping[str, Any], *, ladders: dict[str, Ladder] | None = None, now: datetime | None = None
) -> Funnel:
    """The funnel of what `member` may see, narrowed by pipeline, period, team, owner and product.

    Without a pipeline it is the default one's, without a period the current quarter's.
    `ladders` saves a statement when the caller has read the pipelines already.
    Raises ValidationError for a query that cannot be read.
    """
    span, now = read_span(query, member), now or timezone.now()
    filters, asked = _slice(member, query, ladders or all_ladders(member))
    deals, ladder = filters.qs, filters.ladders[asked["pipeline"]]
    shown = {**asked, "period": span.text, "status": IN_FUNNEL}
    sums, ages = _sums(filters.in_period(deals.filter(status__in=IN_FUNNEL), "period", span), shown, now)
    cohort = filters.opened_in(deals, "opened", span)
    figures, times = Cohort.of(cohort, ladder), stays(cohort, member.tenant)
    cohort_query = {**asked, "opened": span.text}
    rows = [
        Row(stage, sums.get(stage.key) or Sums({**shown, "stage": stage.key}), *figures.of_step(n),
            times.get(stage.key), ages.get(stage.key), cohort_query)
        for n, stage in enumerate(ladder.steps)
    ]  # fmt: skip
    return Funnel(
        ladder, span, [row for row in rows if ladder.is_current(row.stage) or row.sums.count],
        _total([row.sums for row in rows], shown),
        None if span.is_all else _undated(deals, asked), figures, times.get(CYCLE), now,
    )  # fmt: skip


def read_span(query: Mapping[str, Any], member: Member) -> Span:
    """The period asked for; the current quarter when none is."""
    try:
        asked = PeriodField(required=False).clean(query.get("period"))
    except ValidationError as error:
        raise ValidationError({"period": error.messages}) from error
    return asked or Span.of(Period.of(member.tenant.today(), "quarter"))


def _slice(member: Member, query: Mapping[str, Any], ladders: dict[str, Ladder]) -> tuple[OpportunityFilter, dict]:
    """The deals of a pipeline, team, owner and product, and the query that says so."""
    asked = {"pipeline": default_key(ladders), **{name: query[name] for name in SLICE if query.get(name)}}
    rows = Opportunity.objects.visible_to(member)
    return _checked(OpportunityFilter(asked, rows, member=member, ladders=ladders)), asked


def _checked(filters: OpportunityFilter) -> OpportunityFilter:
    if not filters.is_valid():
        raise ValidationError({name: list(messages) for name, messages in filters.errors.items()})
    return filters


def _sums(rows: QuerySet, shown: dict[str, Any], now: datetime) -> tuple[dict[str, Sums], dict[str, Decimal]]:
    """Stage key → sums, and → median days for which the deals have stood there; one query."""
    age = ExpressionWrapper(Value(now) - F("stage_entered_at"), output_field=DurationField())
    found = rows.order_by().values("stage__key").annotate(**SUMS, age=Median(age))
    sums, ages = {}, {}
    for row in found:
        key = row.pop("stage__key")
        ages[key] = days(row.pop("age"))
        sums[key] = Sums({**shown, "stage": key}, **_filled(row))
    return sums, ages


def _undated(deals: QuerySet, asked: dict[str, Any]) -> Sums:
    found = deals.filter(status=OPEN, close_date=None).aggregate(**SUMS)
    return Sums({**asked, "status": [OPEN], "with_date": "false"}, **_filled(found))


def _filled(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value or (0 if name in ("count", "without_amount") else ZERO) for name, value in found.items()}


def _total(parts: list[Sums], shown: dict[str, Any]) -> Sums:
    names = ("count", "amount", "weighted", "without_amount")
    return Sums(
        shown, *(sum((getattr(part, name) for part in parts), type(getattr(Sums({}), name))(0)) for name in names)
    )
