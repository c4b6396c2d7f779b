"""What deals are looked for by, on pages, in the API and in the funnel: one meaning of each word for all three."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import groupby
from operator import or_
from types import SimpleNamespace

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.calendars import DAY, Period, day_start
from crm.core.catalog.models import Product
from crm.core.identity.search import matching
from crm.core.money import minor_units
from crm.core.people.models import Member, Team
from crm.core.people.reach import owners_covered

from .ladders import Ladder
from .models import Opportunity, Stage

CUSTOM = "custom"
OPEN, WON, LOST, SUSPENDED = Opportunity.Status.values


@dataclass(frozen=True)
class Span:
    """Local dates, both ends included; None is open. `text` is what a query says for it."""

    start: date | None
    end: date | None
    text: str
    label: str

    @classmethod
    def of(cls, period: Period) -> "Span":
        return cls(period.start, period.end, str(period), period.label)

    @property
    def is_all(self) -> bool:
        return self.start is None and self.end is None

    def dates(self, name: str) -> Q:
        """Rows whose date lies in the span; a row without one does not, except in all of time."""
        return _between(name, self.start, self.end, "lte")

    def moments(self, name: str, zone) -> Q:
        """The same for a moment, by the days of `zone`."""
        start = self.start and day_start(self.start, zone)
        return _between(name, start, self.end and day_start(self.end + DAY, zone), "lt")


def _between(name: str, start: date | datetime | None, end: date | datetime | None, until: str) -> Q:
    bounds = {f"{name}__gte": start, f"{name}__{until}": end}
    return Q(**{lookup: bound for lookup, bound in bounds.items() if bound is not None})


class PeriodField(forms.Field):
    """“2026-11”, “2026-Q4”, “2026”, “all”, or two dates “2026-11-01..2026-12-15” of which one may be missing."""

    def to_python(self, value) -> Span | None:
        if not value:
            return None
        if ".." not in value:
            return Span.of(Period.parse(value))
        start, end = (_day(part) for part in value.split("..", 1))
        if start and end and start > end:
            raise ValidationError(_("The period ends before it starts. Swap the dates."))
        return Span(start, end, value, f"{start or '…'} – {end or '…'}")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ValidationError(_("Write dates as 2026-11-01.")) from error


class PeriodFilter(django_filters.Filter):
    field_class = PeriodField


def owners(request) -> QuerySet:
    """Members whose deals the asking one may see."""
    covered = owners_covered(request.member, "opportunity.read")
    people = Member.objects.of(request.member.tenant_id).filter(is_system=False)
    return people if covered is None else people.filter(pk__in=covered)


def _visible(model):
    return lambda request: model.objects.visible_to(request.member)


class SliceFilter(django_filters.FilterSet):
    """The part of the deals that a funnel is about: pipeline, period, team, owner, product."""

    pipeline = django_filters.ChoiceFilter(
        field_name="pipeline__key", label=_("Pipeline"), empty_label=_("All pipelines")
    )
    period = PeriodFilter(method="in_period", label=_("Period"))
    team = django_filters.ModelChoiceFilter(
        queryset=_visible(Team), method="of_team", label=_("Team"), empty_label=_("All teams")
    )
    owner = django_filters.ModelChoiceFilter(queryset=owners, label=_("Owner"), empty_label=_("All owners"))
    product = django_filters.ModelChoiceFilter(
        queryset=_visible(Product), label=_("Product"), empty_label=_("All products")
    )

    class Meta:
        model = Opportunity
        fields: list[str] = []

    def __init__(self, data=None, queryset=None, *, request=None, member=None, prefix=None):
        self.member = member or getattr(request, "member", None)
        super().__init__(data, queryset, request=request or SimpleNamespace(member=member), prefix=prefix)

    @cached_property
    def ladders(self) -> dict[str, Ladder]:
        """Pipeline key → its stages; one query."""
        rows = Stage.objects.of(self.member.tenant_id).select_related("pipeline").order_by("pipeline__key")
        return {key: Ladder(stages) for key, stages in groupby(rows, lambda stage: stage.pipeline.key)}

    def get_form_class(self):
        self.filters["pipeline"].extra["choices"] = [
            (key, ladder.pipeline.name) for key, ladder in self.ladders.items()
        ]
        return super().get_form_class()

    def in_period(self, rows, name, span: Span):
        """Open deals by their close date, closed ones by the day they were closed (domain.md 6.10)."""
        if span.is_all:
            return rows
        closed = Q(status__in=[WON, LOST]) & span.moments("closed_at", self.member.tenant.zone)
        return rows.filter(closed | Q(status__in=[OPEN, SUSPENDED]) & span.dates("close_date"))

    def of_team(self, rows, name, team: Team):
        return rows.filter(owner__in=team.members())


class OpportunityFilter(SliceFilter):
    """Everything that a list of deals may be narrowed by."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.MultipleChoiceFilter(choices=Opportunity.Status, label=_("Status"))
    stage = django_filters.ChoiceFilter(field_name="stage__key", label=_("Stage"), empty_label=_("All stages"))
    account = django_filters.ModelChoiceFilter(queryset=_visible(Account), label=_("Customer"))
    amount_min = django_filters.NumberFilter(method="at_least", label=_("Amount from"))
    amount_max = django_filters.NumberFilter(method="at_most", label=_("Amount to"))
    with_amount = django_filters.BooleanFilter("amount", "isnull", exclude=True, label=_("With an amount"))
    with_date = django_filters.BooleanFilter("close_date", "isnull", exclude=True, label=_("With a close date"))
    opened = PeriodFilter(method="opened_in", label=_("Opened in"))
    reached = django_filters.ChoiceFilter(method="came_to", label=_("Came as far as"))
    furthest = django_filters.ChoiceFilter(method="came_to", label=_("Came no further than"))

    def get_form_class(self):
        stages = {step.key: step.name for ladder in self.ladders.values() for step in ladder.steps}
        for name in ("stage", "reached", "furthest"):
            self.filters[name].extra["choices"] = list(stages.items())
        return super().get_form_class()

    def search(self, rows, name, value):
        """Deals whose own name, or whose customer's, has the words."""
        customers = matching(Account.objects.of(self.member.tenant_id), value)
        return rows.filter(Q(pk__in=matching(rows, value).values("pk")) | Q(account__in=customers.values("pk")))

    def at_least(self, rows, name, value):
        return rows.filter(amount_minor__gte=minor_units(value))

    def at_most(self, rows, name, value):
        return rows.filter(amount_minor__gte=0, amount_minor__lte=minor_units(value))

    def opened_in(self, rows, name, span: Span):
        return rows.filter(span.moments("opened_at", self.member.tenant.zone))

    def came_to(self, rows, name, key):
        ladders = [ladder for ladder in self.ladders.values() if ladder.has(key)]
        return rows.filter(reduce(or_, (ladder.reached(key, exactly=name == "furthest") for ladder in ladders)))
