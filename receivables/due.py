"""What is overdue and what falls due soon: one set for rep (own), manager (team) and finance (all), and its link.

The lists are those of the receivables page: `query` asked there shows exactly `rows`.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Count, QuerySet, Sum

from crm.core.people.models import Member

from .filters import ReceivableFilter
from .listing import receivables_of
from .models import Receivable
from .states import State


@dataclass(frozen=True)
class DueList:
    """Receivables by a query of their page."""

    query: dict[str, str]
    rows: QuerySet[Receivable]

    @property
    def text(self) -> str:
        return urlencode(self.query)

    def sums(self) -> dict[str, tuple[int, Decimal]]:
        """Currency → (how many, what is open)."""
        found = self.rows.order_by().values("currency").annotate(n=Count("pk"), sum=Sum("balance"))
        return {row["currency"]: (row["n"], row["sum"]) for row in found}

    def first(self, count: int) -> list[Receivable]:
        """The oldest due."""
        return list(self.rows.select_related("account", "contract", "owner").order_by("due_date", "pk")[:count])


def overdue(member: Member, **more: str) -> DueList:
    return _listed(member, {"state": State.OVERDUE.value, **more})


def due_this_week(member: Member, **more: str) -> DueList:
    """Not overdue, due from the company's today to the end of its week (Sunday)."""
    today = member.tenant.today()
    sunday = today + timedelta(days=6 - today.weekday())
    return _listed(member, {"state": State.OPEN.value, "due": f"{today}..{sunday}", **more})


def _listed(member: Member, query: dict[str, str]) -> DueList:
    return DueList(query, ReceivableFilter(query, receivables_of(member), member=member).qs)
