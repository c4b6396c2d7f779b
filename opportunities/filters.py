"""What deals are looked for by, on pages, in the API and in the funnel: one meaning of each word for all three."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import groupby
from operator import or_
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field

from accounts.models import Account
from crm.core.calendars import DAY, Period, day_start
from crm.core.catalog.models import Product
from crm.core.identity.search import matching
from crm.core.money import minor_units
from crm.core.people.models import Member, Team
from crm.core.people.reach import owners_covered
from crm.core.web.rendering import PickerSelect

from .ladders import Ladder
from .models import Opportunity, Stage

CUSTOM = "custom"
YEARS = (1900, 2999)
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


class PeriodWidget(forms.Select):
    """The usual periods in a select; “custom” brings two dates."""

    template_name = "opportunities/period.html"

    def __init__(self, attrs=None, *, optional: bool = True):
        super().__init__(attrs)
        self.optional = optional

    def value_from_datadict(self, data, files, name):
        value = data.get(name)
        dates = [data.get(f"{name}_{end}") or "" for end in ("from", "to")]
        return "..".join(dates) if value == CUSTOM and any(dates) else value

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        options = self._options()
        if value and value not in dict(options) and ".." not in value:
            options.append((value, value))
        custom = value == CUSTOM or ".." in (value or "")
        start, _dots, end = value.partition("..") if custom and value != CUSTOM else ("", "", "")
        context["widget"] |= {"options": options, "custom": custom, "value": CUSTOM if custom else value or ""}
        context["widget"] |= {"start": start, "end": end}
        return context

    def _options(self) -> list[tuple[str, Any]]:
        today = timezone.localdate()
        month, quarter, year = (Period.of(today, kind) for kind in ("month", "quarter", "year"))
        named = [
            (_("This month"), month), (_("Next month"), month.next), (_("Last month"), month.previous),
            (_("This quarter"), quarter), (_("Next quarter"), quarter.next), (_("Last quarter"), quarter.previous),
            (_("This year"), year), (_("Last year"), year.previous),
        ]  # fmt: skip
        options: list[tuple[str, Any]] = [("", _("Any time"))] if self.optional else []
        options += [(str(period), f"{label} · {period.label}") for label, period in named]
        return [*options, ("all", _("All periods")), (CUSTOM, _("Custom dates"))]


class PeriodField(forms.Field):
    """“2026-11”, “2026-Q4”, “2026”, “all”, or two dates “2026-11-01..2026-12-15” of which one may be missing."""

    widget = PeriodWidget

    def to_python(self, value) -> Span | None:
        if not value or value == CUSTOM:
            return None
        if ".." not in value:
            return Span.of(Period.parse(value))
        start, end = (_day(part) for part in value.split("..", 1))
        if start and end and start > end:
            raise ValidationError(_("The period ends before it starts. Swap the dates."))
        return Span(start, end, value, f"{start or '…'} – {end or '…'}")


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ValidationError(_("Write dates as 2026-11-01.")) from error
    if day and not YEARS[0] <= day.year <= YEARS[1]:
        raise ValidationError(_("Choose dates from %(first)d to %(last)d.") % {"first": YEARS[0], "last": YEARS[1]})
    return day


class OneOrMore(forms.Select):
    """A select of one value, beside links that ask for several of them."""

    def optgroups(self, name, value, attrs=None):
        """With none of them first: the field gives the widget its choices, and has no empty one."""
        none = self.create_option(name, "", _("All stages"), not any(value), 0)
        return [(None, [none], 0), *super().optgroups(name, value, attrs)]

    def value_from_datadict(self, data, files, name):
        values = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
        return [value for value in ([values] if isinstance(values, str) else values) if value]


@extend_schema_field(str)
class PeriodFilter(django_filters.Filter):
    field_class = PeriodField


def owners(request) -> QuerySet:
    """Members whose deals the asking one may see."""
    covered = owners_covered(request.member, "opportunity.read")
    people = Member.objects.of(request.member.tenant_id).filter(is_system=False)
    return people if covered is None else people.filter(pk__in=covered)


def _visible(model):
    return lambda request: model.objects.visible_to(request.member)


def all_ladders(member: Member) -> dict[str, Ladder]:
    """Pipeline key → its stages; one query."""
    rows = Stage.objects.of(member.tenant_id).select_related("pipeline").order_by("pipeline__key")
    return {key: Ladder(stages) for key, stages in groupby(rows, lambda stage: stage.pipeline.key)}


def default_key(ladders: dict[str, Ladder]) -> str:
    return next((key for key, ladder in ladders.items() if ladder.pipeline.is_default), next(iter(ladders)))


class SliceFilter(django_filters.FilterSet):
    """The part of the deals that a funnel is about: pipeline, period, team, owner, product."""

    period = PeriodFilter(method="in_period", label=_("Period"))
    pipeline = django_filters.ChoiceFilter(
        field_name="pipeline__key", label=_("Pipeline"), empty_label=_("All pipelines")
    )
    team = django_filters.ModelChoiceFilter(
        queryset=_visible(Team), method="of_team", label=_("Team"), empty_label=_("All teams")
    )
    owner = django_filters.ModelChoiceFilter(queryset=owners, label=_("Owner"), empty_label=_("All owners"))
    product = django_filters.ModelChoiceFilter(
        queryset=_visible(Product), label=_("Product"), empty_label=_("All products"),
        widget=PickerSelect("catalog:options"),
    )  # fmt: skip

    class Meta:
        model = Opportunity
        fields: list[str] = []

    def __init__(self, data=None, queryset=None, *, request=None, member=None, ladders=None, prefix=None):
        self.member: Any = member or getattr(request, "member", None)
        if ladders is not None:
            self.ladders = ladders
        super().__init__(data, queryset, request=request or SimpleNamespace(member=member), prefix=prefix)

    @cached_property
    def ladders(self) -> dict[str, Ladder]:
        return all_ladders(self.member)

    def get_form_class(self):
        self.filters["pipeline"].extra["choices"] = [
            (key, ladder.pipeline.name) for key, ladder in self.ladders.items()
        ]
        return super().get_form_class()

    @property
    def form(self):
        form = super().form
        form.fields["product"].widget.scope_to(self.member)
        return form

    def in_period(self, rows, name, span: Span):
        """Open deals by their close date, closed ones by the day they were closed (domain.md 6.10)."""
        if span.is_all:
            return rows
        closed = Q(status__in=[WON, LOST]) & span.moments("closed_at", self.member.tenant.zone)
        return rows.filter(closed | Q(status__in=[OPEN, SUSPENDED]) & span.dates("close_date"))

    @extend_schema_field(int)
    def of_team(self, rows, name, team: Team):
        return rows.filter(owner__in=team.members())


class FunnelFilter(SliceFilter):
    """The filter bar of the funnel, which always has one pipeline and one period."""

    def __init__(self, data, *, request):
        member, ladders = request.member, all_ladders(request.member)
        quarter = Period.of(member.tenant.today(), "quarter")
        asked = {"period": [str(quarter)], "pipeline": [default_key(ladders)], **dict(data.lists())}
        asked = QueryDict(urlencode(asked, doseq=True))
        super().__init__(asked, Opportunity.objects.visible_to(member), request=request, ladders=ladders)

    def get_form_class(self):
        self.filters["pipeline"].extra["empty_label"] = None
        self.filters["period"].extra["widget"] = PeriodWidget(optional=False)
        return super().get_form_class()

    @property
    def readable(self) -> dict[str, str]:
        """What was asked, without what could not be read (its field says why)."""
        self.form.is_valid()
        cleaned = self.form.cleaned_data
        period = cleaned.get("period")
        asked = {name: self.data.get(name, "") for name in cleaned if name != "period"}
        return {**asked, "period": period.text if period else ""}


MONEY = {"max_digits": 18, "decimal_places": 2, "min_value": 0}


class OpportunityFilter(SliceFilter):
    """Everything that a list of deals may be narrowed by."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.MultipleChoiceFilter(choices=Opportunity.Status, label=_("Status"), distinct=False)
    stage = django_filters.MultipleChoiceFilter(
        field_name="stage__key", label=_("Stage"), distinct=False, widget=OneOrMore
    )  # fmt: skip
    account = django_filters.ModelChoiceFilter(queryset=_visible(Account), label=_("Customer"))
    amount_min = django_filters.NumberFilter(method="at_least", label=_("Amount from"), **MONEY)
    amount_max = django_filters.NumberFilter(method="at_most", label=_("Amount to"), **MONEY)
    with_amount = django_filters.BooleanFilter("amount", "isnull", exclude=True, label=_("With an amount"))
    with_date = django_filters.BooleanFilter("close_date", "isnull", exclude=True, label=_("With a close date"))
    opened = PeriodFilter(method="opened_in", label=_("Opened in"))
    reached = django_filters.ChoiceFilter(method="came_to", label=_("Came as far as"))
    furthest = django_filters.ChoiceFilter(method="came_to", label=_("Came no further than"))

    def get_form_class(self):
        stages = {step.key: step.name for ladder in self.ladders.values() for step in ladder.steps}
        for name in ("stage", "reached", "furthest"):
            self.filters[name].extra["choices"] = list(stages.items())
        form = super().get_form_class()
        form.field_order = ["stage", "owner", "period"]
        return form

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

    def came_to(self, rows, name, value: str):
        ladders = [ladder for ladder in self.ladders.values() if ladder.has(value)]
        return rows.filter(reduce(or_, (ladder.reached(value, exactly=name == "furthest") for ladder in ladders)))
