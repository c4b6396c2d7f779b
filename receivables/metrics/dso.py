"""Days of sales outstanding of what a member sees (domain.md 6.19, WC-14)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncMonth

from crm.core.people.reach import reach_q
from receivables.ageing_rules import CountBack, dso_count_back, dso_simple
from receivables.metrics.ageing import ZERO, Question, totals
from receivables.models import Invoice

MONTHS = 24
YEAR = 12


@dataclass(frozen=True)
class Dso:
    """`receivable` is what is scheduled and open; invoices are gross, red ones subtract.

    `simple` reads the twelve months up to the day's month, `count_back` up to 24.
    """

    receivable: Decimal
    invoiced: Decimal
    days: int
    simple: Decimal | None
    count_back: CountBack
    months: list[tuple[date, Decimal]]


def dso(question: Question) -> Dso:
    """As of the question's day; the narrowing by entity, owner, customer and contract holds for both sides.

    The day's month counts as far as it has passed.
    """
    owed = totals(question)[1]
    months = _invoiced(question)
    pairs = [(amount, _length(month, question.as_of)) for month, amount in months]
    invoiced = sum((amount for _month, amount in months[:YEAR]), ZERO)
    days = sum(length for _amount, length in pairs[:YEAR])
    return Dso(owed, invoiced, days, dso_simple(owed, invoiced, days), dso_count_back(owed, pairs), months)


def _length(month: date, as_of: date) -> int:
    return as_of.day if month == as_of.replace(day=1) else monthrange(month.year, month.month)[1]


def _invoiced(question: Question) -> list[tuple[date, Decimal]]:
    """Gross invoiced in each of the last 24 months, latest first, zeros included."""
    months = _months_back(question.as_of, MONTHS)
    rows = Invoice.objects.of(question.member.tenant_id).filter(
        reach_q(question.member, "ageing.read", "contract__owner"), date__gte=months[-1], date__lte=question.as_of,
        contract__currency=question.currency,
    ).exclude(voids__effective_date__lte=question.as_of)  # fmt: skip
    narrowing = {"account": question.accounts, "contract": question.contracts, "legal_entity": question.entities,
                 "contract__owner": question.owners}  # fmt: skip
    for name, ids in narrowing.items():
        if ids is not None:
            rows = rows.filter(**{f"{name}__in": ids})
    sums = rows.order_by().annotate(month=TruncMonth("date")).values_list("month").annotate(sum=Sum("gross"))
    found = dict(sums)
    return [(month, found.get(month, ZERO)) for month in months]


def _months_back(day: date, count: int) -> list[date]:
    last = day.year * 12 + day.month - 1
    return [date((last - n) // 12, (last - n) % 12 + 1, 1) for n in range(count)]
