"""What receivables and invoices are looked for by, on pages and in the API alike."""

from types import SimpleNamespace
from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field

from accounts.models import Account
from contracts.models import Contract
from crm.core.entities.models import LegalEntity
from crm.core.identity.search import matching
from crm.core.people.models import Member, Team
from crm.core.people.reach import owners_covered
from crm.core.web.rendering import PickerSelect
from opportunities.filters import PeriodFilter, Span

from .models import Invoice, InvoiceRequest, Receivable
from .models.invoices import Kind
from .states import WAITING, Flag, State, flagged, with_state

MONEY = {"max_digits": 18, "decimal_places": 2, "min_value": 0}
UNSETTLED = "unsettled"
STATES = [(UNSETTLED, _("To be collected")), *State.choices, *Flag.choices]


def _visible(model):
    return lambda request: model.objects.visible_to(request.member)


def _owners(action: str):
    def owners(request) -> QuerySet:
        """Members whose rows the asking one may see."""
        covered = owners_covered(request.member, action)
        people = Member.objects.of(request.member.tenant_id).filter(is_system=False)
        return people if covered is None else people.filter(pk__in=covered)

    return owners


class LedgerFilter(django_filters.FilterSet):
    """What both lists share. `account_path` leads to the customer, `owner_path` to the owner."""

    owner_path = "owner"

    def __init__(self, data=None, queryset=None, *, request=None, member=None, prefix=None):
        self.member: Any = member or getattr(request, "member", None)
        super().__init__(data, queryset, request=request or SimpleNamespace(member=member), prefix=prefix)

    @property
    def form(self):
        form = super().form
        for field in form.fields.values():
            if isinstance(field.widget, PickerSelect):
                field.widget.scope_to(self.member)
        return form

    def search(self, rows, name, value):
        """By its own number, its contract's number or title, or the customer's name."""
        customers = matching(Account.objects.of(self.member.tenant_id), value).values("pk")
        contract = Q(contract__number__icontains=value) | Q(contract__title__icontains=value)
        return rows.filter(Q(number__icontains=value) | contract | Q(account__in=customers))

    @extend_schema_field(int)
    def of_team(self, rows, name, team: Team):
        return rows.filter(**{f"{self.owner_path}__in": team.members()})


class ReceivableFilter(LedgerFilter):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=STATES, method="in_state", label=_("State"), empty_label=_("Any state"))
    owner = django_filters.ModelChoiceFilter(
        queryset=_owners("receivable.read"), label=_("Owner"), empty_label=_("All owners")
    )
    due = PeriodFilter(method="due_in", label=_("Due"))
    team = django_filters.ModelChoiceFilter(
        queryset=_visible(Team), method="of_team", label=_("Team"), empty_label=_("All teams")
    )
    account = django_filters.ModelChoiceFilter(
        queryset=_visible(Account), label=_("Customer"), empty_label=_("All customers"),
        widget=PickerSelect("accounts:options"),
    )  # fmt: skip
    contract = django_filters.ModelChoiceFilter(queryset=_visible(Contract), label=_("Contract"))
    legal_entity = django_filters.ModelChoiceFilter(
        queryset=_visible(LegalEntity), label=_("Legal entity"), empty_label=_("All legal entities")
    )
    amount_min = django_filters.NumberFilter(method="at_least", label=_("Amount from"), **MONEY)
    amount_max = django_filters.NumberFilter(method="at_most", label=_("Amount to"), **MONEY)

    class Meta:
        model = Receivable
        fields: list[str] = []

    def in_state(self, rows, name, value):
        """By the derived state, or by a flag that holds beside it (domain.md 4.6)."""
        if value in Flag.values:
            return rows.filter(flagged(value))
        states = [State.OPEN, State.OVERDUE] if value == UNSETTLED else [value]
        if {*states} <= WAITING:
            rows = rows.filter(balance__gt=0)  # follows from the state, and is what the index knows
        return with_state(rows, self.member.tenant.today()).filter(state__in=states)

    def due_in(self, rows, name, span: Span):
        return rows.filter(span.dates("due_date"))

    def at_least(self, rows, name, value):
        return rows.alias(total=F("original") + F("adjusted")).filter(total__gte=value)

    def at_most(self, rows, name, value):
        return rows.alias(total=F("original") + F("adjusted")).filter(total__lte=value)


class InvoiceFilter(LedgerFilter):
    owner_path = "contract__owner"
    q = django_filters.CharFilter(method="search", label=_("Search"))
    is_red = django_filters.BooleanFilter(label=_("Red"))
    kind = django_filters.ChoiceFilter(choices=Kind.choices, label=_("Kind"), empty_label=_("Any kind"))
    date = PeriodFilter(method="issued_in", label=_("Date of issue"))
    team = django_filters.ModelChoiceFilter(
        queryset=_visible(Team), method="of_team", label=_("Team"), empty_label=_("All teams")
    )
    account = django_filters.ModelChoiceFilter(
        queryset=_visible(Account), label=_("Customer"), empty_label=_("All customers"),
        widget=PickerSelect("accounts:options"),
    )  # fmt: skip
    contract = django_filters.ModelChoiceFilter(queryset=_visible(Contract), label=_("Contract"))
    legal_entity = django_filters.ModelChoiceFilter(
        queryset=_visible(LegalEntity), label=_("Legal entity"), empty_label=_("All legal entities")
    )
    receivable = django_filters.NumberFilter(method="of_receivable", label=_("Receivable"))

    class Meta:
        model = Invoice
        fields: list[str] = []

    def issued_in(self, rows, name, span: Span):
        return rows.filter(span.dates("date"))

    def of_receivable(self, rows, name, value):
        return rows.filter(shares__receivable=value)


class InvoiceRequestFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=InvoiceRequest.Status, distinct=False, label=_("Status"))
    is_red = django_filters.BooleanFilter(label=_("Red"))
    contract = django_filters.ModelChoiceFilter(queryset=_visible(Contract), label=_("Contract"))
    receivable = django_filters.ModelChoiceFilter(queryset=_visible(Receivable), label=_("Receivable"))

    class Meta:
        model = InvoiceRequest
        fields: list[str] = []
