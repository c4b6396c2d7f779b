"""Whether a promise-to-pay was kept: never typed, it follows from the money (domain.md 6.20)."""

from datetime import date

from django.db.models import Case, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, TextChoices, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.models import Allocation, PromiseToPay


class State(TextChoices):
    OPEN = "open", pgettext_lazy("promise", "Open")
    KEPT = "kept", _("Kept")
    BROKEN = "broken", _("Broken")
    WITHDRAWN = "withdrawn", _("Replaced or withdrawn")


def with_state(rows: QuerySet[PromiseToPay], tenant, today: date) -> QuerySet[PromiseToPay]:
    """Each promise with `paid` and `state` on the business date `today`.

    `paid` is what was allocated since the promise was noted, effective on or before its day, less what was taken
    back: kept when it reaches the promised amount, broken when the day has passed without it.
    """
    money = Allocation.objects.of(tenant).filter(
        receivable=OuterRef("receivable"), recorded_at__gte=OuterRef("created_at"),
        effective_date__lte=OuterRef("promised_for"),
    ).order_by()  # fmt: skip
    paid = Subquery(money.values("receivable").annotate(sum=Sum("amount")).values("sum"), output_field=DecimalField())
    state = Case(
        When(paid__gte=F("amount"), then=Value(State.KEPT)),
        When(Q(withdrawn_at__isnull=False), then=Value(State.WITHDRAWN)),
        When(promised_for__lt=today, then=Value(State.BROKEN)),
        default=Value(State.OPEN),
    )
    return rows.annotate(paid=Coalesce(paid, Value(0), output_field=DecimalField())).annotate(state=state)


def label(state: str) -> str:
    return str(State(state).label)
