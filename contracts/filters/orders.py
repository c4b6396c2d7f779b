"""What orders, deliveries and renewals are looked for by."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from drf_spectacular.utils import extend_schema_field

from accounts.models import Account
from contracts.metrics.orders import ON_TIME, due_q
from contracts.metrics.renewals import BUCKETS, LOST, OPEN, RENEWED, bucket_q
from contracts.models import Batch, Contract, Order, Renewal
from crm.core.identity.search import matching
from crm.core.people.models import Member, Team
from crm.core.people.reach import owners_covered
from opportunities.filters import PeriodFilter

WORDS: dict[str, Any] = {
    "overdue": _("Overdue"), "30": _("Within 30 days"), "60": _("31 to 60 days"), "90": _("61 to 90 days"),
}  # fmt: skip


def sellers(request) -> QuerySet:
    """Members whose contracts the asking one may see."""
    covered = owners_covered(request.member, "contract.read")
    people = Member.objects.of(request.member.tenant_id).filter(is_system=False)
    return people if covered is None else people.filter(pk__in=covered)


def _visible(model):
    return lambda request: model.objects.visible_to(request.member)


class OrderFilter(django_filters.FilterSet):
    """`promise` narrows to orders whose promised day has come, kept or broken."""

    PROMISES = (("due", _("Due by now")), ("on_time", _("Completed in time")), ("late", _("Late")))

    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.ChoiceFilter(choices=Order.Status, label=_("Status"))
    promise = django_filters.ChoiceFilter(choices=PROMISES, method="by_promise", label=_("Promise"))
    promised = PeriodFilter(method="promised_in", label=_("Promised for"))
    owner = django_filters.ModelChoiceFilter(
        field_name="contract__owner", queryset=sellers, label=_("Owner"), empty_label=_("All owners")
    )
    team = django_filters.ModelChoiceFilter(
        queryset=_visible(Team), method="of_team", label=_("Team"), empty_label=_("All teams")
    )
    contract = django_filters.ModelChoiceFilter(queryset=_visible(Contract), label=_("Contract"))

    class Meta:
        model = Order
        fields: list[str] = []

    def search(self, rows, name, value):
        """The order's or the contract's number, the contract's title, the customer's name, the ERP's number."""
        customers = matching(Account.objects.of(self.request.member.tenant_id), value).values("pk")
        words = Q(number__icontains=value) | Q(erp_ref__iexact=value) | Q(contract__number__icontains=value)
        return rows.filter(words | Q(contract__title__icontains=value) | Q(contract__account__in=customers))

    def by_promise(self, rows, name, value: str):
        due = rows.filter(due_q(self.request.member.tenant.today()))
        return {"due": due, "on_time": due.filter(ON_TIME), "late": due.exclude(ON_TIME)}[value]

    def promised_in(self, rows, name, span):
        return rows.filter(span.dates("promised_on"))

    @extend_schema_field(int)
    def of_team(self, rows, name, team: Team):
        return rows.filter(contract__owner__in=team.members())


class BatchFilter(django_filters.FilterSet):
    order = django_filters.ModelChoiceFilter(queryset=_visible(Order), label=_("Order"))
    status = django_filters.ChoiceFilter(choices=Batch.Status, label=_("Status"))
    planned = PeriodFilter(method="planned_in", label=_("Planned for"))

    class Meta:
        model = Batch
        fields: list[str] = []

    def planned_in(self, rows, name, span):
        return rows.filter(span.dates("planned_on"))


class RenewalFilter(django_filters.FilterSet):
    """Contracts `with_outcome` (metrics.renewals), by how near their end is or by the period in which it falls."""

    OUTCOMES = ((OPEN, _("Open")), (RENEWED, _("Renewed")), (LOST, pgettext_lazy("renewal", "Lost")))

    bucket = django_filters.ChoiceFilter(
        choices=[(key, WORDS[key]) for key in BUCKETS], method="in_bucket", label=_("Ends")
    )
    owner = django_filters.ModelChoiceFilter(queryset=sellers, label=_("Owner"), empty_label=_("All owners"))
    team = django_filters.ModelChoiceFilter(
        queryset=_visible(Team), method="of_team", label=_("Team"), empty_label=_("All teams")
    )
    risk = django_filters.ChoiceFilter(choices=Renewal.Risk, method="at_risk", label=_("Risk"))

    class Meta:
        model = Contract
        fields: list[str] = []

    def at_risk(self, rows, name, value: str):
        return rows.filter(risk=value)

    def in_bucket(self, rows, name, value: str):
        return rows.filter(bucket_q(value, self.request.member.tenant.today()))

    @extend_schema_field(int)
    def of_team(self, rows, name, team: Team):
        return rows.filter(owner__in=team.members())


class RenewalRateFilter(RenewalFilter):
    """The same for the rates: ends in a period, whatever became of them."""

    period = PeriodFilter(method="ends_in", label=_("Ends in"))
    outcome = django_filters.ChoiceFilter(choices=RenewalFilter.OUTCOMES, label=_("Outcome"))
    bucket = None
    risk = None

    def ends_in(self, rows, name, span):
        return rows.filter(span.dates("end_date"))
