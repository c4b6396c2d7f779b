"""The cash calendar (D15): what is expected when, what came in, and what was forecast before.

expected(receivable) = balance on due date + the customer's median delay, not before today; disputed ones stand apart.
expected(opportunity) = amount × probability, parted by the usual terms, on close date (not before today) + the
days of the part + the customer's median delay. Parts add up to the weighted amount to the cent.
A number and the rows behind it are the same query, grouped or not.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import (
    Count,
    DateField,
    DecimalField,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Greatest, Round, TruncMonth, TruncWeek

from crm.core import records
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from opportunities.models import Opportunity
from receivables.cash_measures import Term, company_delay, usual_terms
from receivables.cash_periods import Span, spans
from receivables.models import CashForecast, CashSnapshot, PaymentDelay, Receipt, Receivable
from receivables.models.cash import Source

ZERO = Decimal("0.00")
EVERYBODY = Q()
MONEY = DecimalField(max_digits=18, decimal_places=2)


class DaysAfter(Func):
    """date + integer."""

    template, arg_joiner, output_field = "(%(expressions)s)", " + ", DateField()


def _delay(company_days: int):
    measured = F("account__payment_delays__days")
    return Cast(Coalesce(measured, Value(company_days)), IntegerField())


def receivables_of(tenant, scope: Q = EVERYBODY) -> QuerySet[Receivable]:
    """What customers owe; `scope` narrows by owner."""
    return Receivable.objects.of(tenant).filter(scope, balance__gt=0, superseded=False)


def deals_of(tenant, scope: Q = EVERYBODY) -> QuerySet[Opportunity]:
    return Opportunity.objects.of(tenant).filter(scope, status=Opportunity.Status.OPEN)


def received_of(tenant, scope: Q = EVERYBODY) -> QuerySet[Receipt]:
    return Receipt.objects.of(tenant).filter(scope, status=Receipt.Status.POSTED)


def expected_receivables(rows: QuerySet[Receivable], today: date, company_days: int) -> QuerySet[Receivable]:
    """With `expected_on` and `expected`."""
    due = DaysAfter(F("due_date"), _delay(company_days))
    rows = rows.filter(due_date__isnull=False, disputed=False)
    return rows.annotate(expected_on=Greatest(due, Value(today, DateField())), expected=F("balance"))


def expected_deals(rows: QuerySet, term: Term, today: date, company_days: int) -> QuerySet[Opportunity]:
    """One part of each deal's plan, with `expected_on` and `expected`; what has no amount or date stands apart."""
    closes = Greatest(F("close_date"), Value(today, DateField()))
    on = DaysAfter(DaysAfter(closes, Value(term.days)), _delay(company_days))
    rows = rows.filter(close_date__isnull=False, weighted__isnull=False)
    return rows.annotate(expected_on=on, expected=_part(term))


def _part(term: Term):
    """round(w × end) − round(w × start): the parts of a plan add up to w."""

    def up_to(share: Decimal):
        return Round(ExpressionWrapper(F("weighted") * Value(share), output_field=MONEY), 2)

    return ExpressionWrapper(up_to(term.end) - up_to(term.start), output_field=MONEY)


def slot_of(day: F):
    """The first day of the part of a week that lies in one month (models.CashForecast)."""
    first = (trunc(day, output_field=DateField()) for trunc in (TruncWeek, TruncMonth))
    return Greatest(*(Cast(moment, DateField()) for moment in first))


@dataclass
class Line:
    """One period: what is due by plan, what is expected of it now, what came in. None where a figure has no sense."""

    span: Span
    planned: Decimal = ZERO
    receivables: Decimal | None = None
    opportunities: Decimal | None = None
    received: Decimal | None = None
    is_current: bool = False

    @property
    def expected(self) -> Decimal | None:
        if self.receivables is None or self.opportunities is None:
            return None
        return self.receivables + self.opportunities

    @property
    def total(self) -> Decimal:
        """What the period brings in all: what came in and what is still expected."""
        return (self.received or ZERO) + (self.expected or ZERO)


@dataclass
class Calendar:
    lines: list[Line]
    currency: str
    today: date
    terms: list[Term]
    delay: PaymentDelay
    apart: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """Whose money, in which currency, seen today: the querysets behind the calendar."""

    member: Member
    currency: str
    today: date

    @property
    def tenant(self):
        return self.member.tenant

    @cached_property
    def delay(self) -> PaymentDelay:
        return company_delay(self.tenant)

    @cached_property
    def terms(self) -> list[Term]:
        return usual_terms(self.tenant)

    def scope(self, *paths: str) -> Q:
        return reach_q(self.member, "cash.read", *paths) & Q(currency=self.currency)

    def receivables(self) -> QuerySet[Receivable]:
        return receivables_of(self.tenant, self.scope())

    def deals(self) -> QuerySet[Opportunity]:
        return deals_of(self.tenant, self.scope())

    def received(self) -> QuerySet[Receipt]:
        return received_of(self.tenant, self.scope("account__owner"))

    def planned(self) -> QuerySet:
        """By due date and in full, paid or not."""
        rows = Receivable.objects.of(self.tenant).filter(self.scope(), superseded=False, due_date__isnull=False)
        return rows.annotate(expected_on=F("due_date"), expected=F("original") + F("adjusted"))

    def sets(self) -> Iterator[tuple[str, QuerySet]]:
        """Every set of the calendar with `expected_on` and `expected`; deals come once for each part of the plan."""
        days = self.delay.days
        yield "planned", self.planned()
        yield "receivables", expected_receivables(self.receivables(), self.today, days)
        for term in self.terms:
            yield "opportunities", expected_deals(self.deals(), term, self.today, days)
        yield "received", self.received().annotate(expected_on=F("received_on"), expected=F("amount"))

    def rows(self, what: str, span: Span) -> list[QuerySet]:
        """The sets behind one number."""
        inside = {"expected_on__gte": span.first, "expected_on__lte": span.last}
        return [rows.filter(**inside) for name, rows in self.sets() if name == what]


def calendar(view: View, by: str) -> Calendar:
    """Months or weeks around today."""
    lines = [Line(span, is_current=span.first <= view.today <= span.last) for span in spans(view.today, by)]
    sums = _sums(view, lines[0].span.first, lines[-1].span.last)
    for line in lines:
        _fill(line, sums, view.today)
    return Calendar(lines, view.currency, view.today, view.terms, view.delay, _apart(view))


def _sums(view: View, first: date, last: date) -> dict[str, dict[date, Decimal]]:
    """Set → slot → sum; all sets in one statement."""
    found: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    parts = [
        rows.filter(expected_on__gte=first, expected_on__lte=last).order_by()
        .annotate(what=Value(name), slot=slot_of(F("expected_on"))).values("what", "slot")
        .annotate(sum=Sum("expected")).values_list("what", "slot", "sum")
        for name, rows in view.sets()
    ]  # fmt: skip
    for name, slot, amount in parts[0].union(*parts[1:], all=True):
        found[name][slot] += amount
    return found


def _fill(line: Line, sums: dict, today: date) -> None:
    def within(name: str) -> Decimal:
        return sum((amount for slot, amount in sums[name].items() if line.span.holds(slot)), ZERO)

    line.planned = within("planned")
    if line.span.last >= today:
        line.receivables, line.opportunities = within("receivables"), within("opportunities")
    if line.span.first <= today:
        line.received = within("received")


def _apart(view: View) -> dict[str, Any]:
    """What no period holds: without a due date, disputed; deals without an amount or a date are counted."""
    found = view.receivables().aggregate(
        undated=Sum("balance", filter=Q(due_date=None, disputed=False)),
        disputed=Sum("balance", filter=Q(disputed=True)),
    )
    vague = view.deals().filter(Q(close_date=None) | Q(amount=None)).count()
    return {"undated": found["undated"] or ZERO, "disputed": found["disputed"] or ZERO, "vague": vague}


def currencies(member: Member) -> list[str]:
    """The company's own first, then those in which something is owed."""
    rows = Receivable.objects.of(member.tenant).filter(reach_q(member, "cash.read")).order_by()
    found = set(rows.values_list("currency", flat=True).distinct())
    return [member.tenant.base_currency, *sorted(found - {member.tenant.base_currency})]


@transaction.atomic
def take_snapshot(tenant, today: date | None = None) -> CashSnapshot | None:
    """Keep the forecast of the business date `today`, once: None when that day is kept already.

    Rows are sums per owner, source, slot and currency, so that everybody's later comparison is cut by his reach.
    """
    today = today or tenant.today()
    if CashSnapshot.objects.of(tenant).filter(taken_on=today).exists():
        return None
    [snapshot] = records.append([CashSnapshot(tenant_id=tenant.pk, taken_on=today)])
    records.append([CashForecast(tenant_id=tenant.pk, snapshot=snapshot, **row) for row in _forecast(tenant, today)])
    return snapshot


def _forecast(tenant, today: date) -> Iterator[dict]:
    days = company_delay(tenant).days
    found: dict[tuple, list] = defaultdict(lambda: [ZERO, 0])
    sets = [(Source.RECEIVABLE, expected_receivables(receivables_of(tenant), today, days))]
    sets += [(Source.OPPORTUNITY, expected_deals(deals_of(tenant), t, today, days)) for t in usual_terms(tenant)]
    for source, rows in sets:
        grouped = rows.order_by().annotate(slot=slot_of(F("expected_on"))).values("owner_id", "slot", "currency")
        for row in grouped.annotate(sum=Sum("expected"), n=Count("pk")):
            pair = found[row["owner_id"], source, row["slot"], row["currency"]]
            pair[0], pair[1] = pair[0] + row["sum"], pair[1] + row["n"]
    for (owner, source, slot, currency), (amount, count) in found.items():
        yield {
            "owner_id": owner,
            "source": source,
            "slot": slot,
            "currency": currency,
            "amount": amount,
            "count": count,
        }


@dataclass
class Behind:
    """The rows of one number, cut at a limit, with the sum and the count of all of them."""

    rows: list
    total: Decimal
    count: int

    @property
    def is_cut(self) -> bool:
        return self.count > len(self.rows)


RELATED = {
    "planned": ("account", "contract", "owner"), "receivables": ("account", "contract", "owner"),
    "opportunities": ("account", "owner"), "received": ("account", "legal_entity"),
}  # fmt: skip


def behind(sets: list[QuerySet], what: str, limit: int) -> Behind:
    """The rows of `View.rows`, earliest first."""
    sums = [
        rows.order_by().annotate(what=Value(what)).values("what").annotate(sum=Sum("expected"), n=Count("pk"))
        .values_list("sum", "n") for rows in sets
    ]  # fmt: skip
    totals = list(sums[0].union(*sums[1:], all=True))
    found: list = []
    for rows in sets:
        found += rows.select_related(*RELATED[what]).order_by("expected_on", "pk")[:limit]
    shown = sorted(found, key=lambda row: (row.expected_on, row.pk))[:limit]
    return Behind(shown, sum((total or ZERO for total, _n in totals), ZERO), sum(n for _total, n in totals))
