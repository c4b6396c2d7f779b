"""Order completion rate: orders completed on or before the promised day ÷ orders due (domain.md 6.21)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, F, Q, QuerySet

from contracts.models import Order

from .renewals import percent

ON_TIME = Q(status=Order.Status.COMPLETED, completed_on__lte=F("promised_on"))


def due_q(today: date) -> Q:
    """Orders whose promised day has come (a day of the company's zone) and that were not cancelled."""
    return Q(promised_on__lte=today) & ~Q(status=Order.Status.CANCELLED)


@dataclass(frozen=True)
class Completion:
    due: int
    on_time: int

    @property
    def late(self) -> int:
        return self.due - self.on_time

    @property
    def percent(self) -> Decimal | None:
        """With two places, rounded half up; None when nothing was due."""
        return percent(Decimal(self.on_time), Decimal(self.due))


def completion(rows: QuerySet, today: date) -> Completion:
    """Of the orders among `rows` that are due; one statement."""
    return Completion(
        **rows.filter(due_q(today)).order_by().aggregate(due=Count("pk"), on_time=Count("pk", filter=ON_TIME))
    )
