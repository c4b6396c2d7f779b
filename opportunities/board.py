"""The kanban board: a column for each stage of a pipeline, then what was won and lost this month."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from crm.core.calendars import Period
from crm.core.people.models import Member

from .cards import Card, card, with_next
from .filters import LOST, OPEN, WON, OpportunityFilter, Span, all_ladders, default_key
from .ladders import Ladder
from .metrics.funnel import SUMS, ZERO
from .models import Opportunity, Stage

CARDS = 50
NARROWING = ("pipeline", "team", "owner", "product", "q")


@dataclass
class Column:
    """`query` is what a list is asked for to show all of its deals; `cards` are the largest of them."""

    key: str
    stage: Stage | None
    query: dict[str, Any]
    count: int = 0
    amount: Decimal = ZERO
    weighted: Decimal = ZERO
    cards: list[Card] = field(default_factory=list)

    @property
    def is_closing(self) -> bool:
        """Whether it holds closed deals: those of this month."""
        return self.stage is None or self.stage.is_won

    @property
    def probability(self) -> Decimal | str:
        return "" if self.stage is None or self.stage.is_won else self.stage.probability

    @property
    def has_more(self) -> bool:
        return self.count > len(self.cards)


@dataclass(frozen=True)
class Board:
    """`filters` is bound to what was asked, for the filter bar."""

    ladder: Ladder
    columns: list[Column]
    filters: OpportunityFilter

    @property
    def choices(self) -> list[tuple[str, Any]]:
        """Where a card may be moved: (key, name) of every column."""
        return [(column.key, column.stage.name if column.stage else _("Lost")) for column in self.columns]


def board(member: Member, query: Mapping[str, Any], *, with_cards: bool = True) -> Board:
    """The board of what the member may see; filters that cannot be read are left out."""
    ladders = all_ladders(member)
    asked = {name: query[name] for name in NARROWING if query.get(name)}
    asked["pipeline"] = asked["pipeline"] if asked.get("pipeline") in ladders else default_key(ladders)
    filters = OpportunityFilter(asked, Opportunity.objects.visible_to(member), member=member, ladders=ladders)
    ladder, month = ladders[asked["pipeline"]], Span.of(Period.of(member.tenant.today(), "month"))
    deals = filters.qs.filter(Q(status=OPEN) | Q(pk__in=_closed_in(filters, month))).annotate(column=COLUMN)
    columns = {step.key: Column(step.key, step, _query(asked, step, month)) for step in ladder.steps}
    columns[LOST] = Column(LOST, None, {**asked, "status": [LOST], "period": month.text})
    for row in deals.order_by().values("column").annotate(**SUMS):
        column = columns[row["column"]]
        column.count, column.amount, column.weighted = row["count"], row["amount"] or ZERO, row["weighted"] or ZERO
    if with_cards:
        for deal in _largest(deals):
            columns[deal.column].cards.append(card(deal, member))
    shown = [c for c in columns.values() if c.count or c.stage is None or ladder.is_current(c.stage)]
    return Board(ladder, shown, filters)


COLUMN = Case(When(status=LOST, then=Value(LOST)), default=F("stage__key"))


def _closed_in(filters: OpportunityFilter, month: Span) -> QuerySet:
    return filters.in_period(filters.qs.filter(status__in=[WON, LOST]), "period", month).values("pk")


def _query(asked: dict[str, Any], step: Stage, month: Span) -> dict[str, Any]:
    """The list behind a column: open deals of a stage, or what was won this month."""
    closed = {"status": [WON], "period": month.text} if step.is_won else {"status": [OPEN], "stage": step.key}
    return {**asked, **closed}


def _largest(deals: QuerySet) -> QuerySet:
    """The first cards of each column, by amount."""
    place = Window(RowNumber(), partition_by="column", order_by=("-amount_minor", "-id"))
    rows = with_next(deals).annotate(place=place).filter(place__lte=CARDS).order_by("-amount_minor", "-id")
    return rows.select_related("account", "owner", "stage", "pipeline")
