"""What a contract's receivables add up to: always derived, never stored (domain.md 3.5)."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db.models import F, Q, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from contracts.models import Contract
from receivables.models import Receivable

ZERO = Decimal("0.00")
Figures = dict[str, Decimal]


def figures(contract: Contract) -> Figures:
    """{planned, invoiced, collected, balance, overdue} of one contract, in its currency; overdue as of today."""
    return figures_of([contract])[contract.pk]


def figures_of(contracts: Iterable[Contract]) -> dict[int, Figures]:
    """The same for contracts of one company, by id, in one statement; zeros for a contract without receivables."""
    contracts = list(contracts)
    found = {contract.pk: dict.fromkeys(NAMES, ZERO) for contract in contracts}
    if contracts:
        rows = Receivable.objects.of(contracts[0].tenant_id).filter(contract__in=list(found))
        for row in rows.order_by().values("contract").annotate(**sums(contracts[0].tenant.today())):
            found[row["contract"]] = read(row)
    return found


def sums(today: date) -> dict[str, Coalesce]:
    """The aggregates of a set of receivables; the same words mean the same sums on every page. Keys for `read`."""
    sums = {
        "planned": _sum(F("original") + F("adjusted")),
        "invoiced": _sum(F("invoiced")),
        "collected": _sum(F("allocated")),
        "balance": _sum(F("balance")),
        "overdue": _sum(F("balance"), Q(due_date__lt=today)),
    }
    return {f"sum_{name}": sum for name, sum in sums.items()}


def read(row) -> Figures:
    """What `sums` found, under the names of the figures."""
    return {name: row[f"sum_{name}"] for name in NAMES}


NAMES = ("planned", "invoiced", "collected", "balance", "overdue")


def _sum(expression: F | CombinedExpression, when: Q | None = None) -> Coalesce:
    """Superseded receivables belong to a plan that is no longer meant."""
    return Coalesce(Sum(expression, filter=Q(superseded=False) & (when or Q())), ZERO)
