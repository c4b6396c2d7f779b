"""Which contracts come to their end, what became of them, and the renewal rate (domain.md 6.21, WC-29).

A contract is renewed by the contract that names it (`renewal_of`) once that one is signed; it is lost when
somebody said so. Both rates are shown: contracts renewed ÷ contracts due, and the amount of the new contracts ÷
the amount of those due. All days are days of the company's zone.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Aggregate, Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from contracts.models import Contract, Renewal
from crm.core.calendars import DAY
from crm.core.money import round_half_up

Kind, Status = Contract.Kind, Contract.Status
# What runs for a time and then ends; a fixed or construction contract is completed instead.
EXPIRING = (Kind.FRAMEWORK, Kind.SERVICE, Kind.SUBSCRIPTION)
HELD = (Status.EFFECTIVE, Status.PERFORMING, Status.COMPLETED, Status.CLOSED, Status.EXPIRED)
BINDING = (Status.SIGNED, *HELD, Status.TERMINATED)
RENEWED, LOST, OPEN = "renewed", "lost", "open"
# Days before the end at which the owner is told, and the bounds of the buckets (domain.md 10.4).
STEPS = (30, 60, 90)
OVERDUE = "overdue"
BUCKETS = (OVERDUE, *map(str, STEPS))
ZERO = Decimal("0.00")


def with_outcome(rows: QuerySet, tenant) -> QuerySet:
    """Contracts with `outcome` (renewed, lost, open), `next_pk`, `renewed_amount`, `forecast` and `risk`."""
    following = Contract.objects.of(tenant).filter(renewal_of=OuterRef("pk")).order_by("pk")
    signed = following.filter(status__in=BINDING)
    view = Renewal.objects.of(tenant).filter(contract=OuterRef("pk")).order_by()
    rows = rows.annotate(
        next_pk=Subquery(following.values("pk")[:1]),
        renewed_amount=Subquery(signed.values("effective_amount")[:1]),
        forecast=Coalesce(Subquery(view.values("forecast_amount")[:1]), F("effective_amount")),
        risk=Coalesce(Subquery(view.values("risk")[:1]), Value("")),
        loss=Coalesce(Subquery(view.values("loss")[:1]), Value("")),
    )
    outcome = Case(
        When(renewed_amount__isnull=False, then=Value(RENEWED)),
        When(~Q(loss=""), then=Value(LOST)),
        default=Value(OPEN), output_field=CharField(),
    )  # fmt: skip
    return rows.annotate(outcome=outcome)


def ending(rows: QuerySet) -> QuerySet:
    """The contracts that come, or came, to an end at a day and may be renewed."""
    return rows.filter(kind__in=EXPIRING, status__in=HELD, end_date__isnull=False)


def due(rows: QuerySet, tenant, today: date) -> QuerySet:
    """What must be renewed now: the end is past or at most 90 days away, and nothing is decided."""
    near = ending(rows).filter(end_date__lte=today + STEPS[-1] * DAY)
    return with_outcome(near, tenant).filter(outcome=OPEN)


def bucket_q(bucket: str, today: date) -> Q:
    """Ends before today, or within 30, 31 to 60, 61 to 90 days."""
    if bucket == OVERDUE:
        return Q(end_date__lt=today)
    step = int(bucket)
    first = today if step == STEPS[0] else today + (step - 29) * DAY
    return Q(end_date__gte=first, end_date__lte=today + step * DAY)


def bucket_of(end: date, today: date) -> str:
    left = (end - today).days
    return OVERDUE if left < 0 else str(next(step for step in STEPS if left <= step))


@dataclass(frozen=True)
class Bucket:
    key: str
    count: int
    amount: Decimal
    forecast: Decimal


def buckets(rows: QuerySet, today: date) -> list[Bucket]:
    """The due contracts by how near their end is; one statement."""
    asked: dict[str, Aggregate] = {}
    for key in BUCKETS:
        within = bucket_q(key, today)
        asked[f"count_{key}"] = Count("pk", filter=within)
        asked[f"amount_{key}"] = Sum("effective_amount", filter=within)
        asked[f"forecast_{key}"] = Sum("forecast", filter=within)
    sums = rows.order_by().aggregate(**asked)
    return [
        Bucket(key, sums[f"count_{key}"], sums[f"amount_{key}"] or ZERO, sums[f"forecast_{key}"] or ZERO)
        for key in BUCKETS
    ]


@dataclass(frozen=True)
class Rate:
    """Contracts due in a period and what became of them, in number and money."""

    due: int
    renewed: int
    due_amount: Decimal
    renewed_amount: Decimal

    @property
    def by_count(self) -> Decimal | None:
        """Percent with two places, rounded half up; None when nothing was due."""
        return percent(Decimal(self.renewed), Decimal(self.due))

    @property
    def by_amount(self) -> Decimal | None:
        return percent(self.renewed_amount, self.due_amount)


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return round_half_up(part * 100 / whole) if whole else None


def rate(rows: QuerySet) -> Rate:
    """The renewal rate over contracts `with_outcome`; one statement."""
    renewed = Q(outcome=RENEWED)
    sums = rows.order_by().aggregate(
        due=Count("pk"), renewed=Count("pk", filter=renewed),
        due_amount=Coalesce(Sum("effective_amount"), ZERO),
        # An annotation cannot be summed under its own name.
        gained=Coalesce(Sum("renewed_amount", filter=renewed), ZERO),
    )  # fmt: skip
    return Rate(sums["due"], sums["renewed"], sums["due_amount"], sums["gained"])
