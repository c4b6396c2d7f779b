"""What refunds, write-offs and closings are looked for by, on pages and in the API."""

import django_filters
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.entities.models import LegalEntity
from crm.core.identity.search import matching

from .models import CreditClass, Period, ProvisionRun, Refund, WriteOff


def _entities(request):
    member = getattr(request, "_request", request).member
    return LegalEntity.objects.visible_to(member)


class RefundFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.ChoiceFilter(choices=Refund.Status, label=_("Status"))
    receipt = django_filters.NumberFilter(field_name="receipt_id", label=_("Receipt"))
    account = django_filters.NumberFilter(field_name="receipt__account_id", label=_("Customer"))

    class Meta:
        model = Refund
        fields: list[str] = []

    def search(self, rows, name, value):
        """A number, or a customer's name."""
        named = matching(Account.objects.of(_tenant(self)), value).values("pk")
        return rows.filter(number__icontains=value) | rows.filter(receipt__account__in=named)


class WriteOffFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.ChoiceFilter(choices=WriteOff.Status, label=_("Status"))
    receivable = django_filters.NumberFilter(field_name="receivable_id", label=_("Receivable"))
    account = django_filters.NumberFilter(field_name="receivable__account_id", label=_("Customer"))

    class Meta:
        model = WriteOff
        fields: list[str] = []

    def search(self, rows, name, value):
        """A receivable's number, or a customer's name."""
        named = matching(Account.objects.of(_tenant(self)), value).values("pk")
        return rows.filter(receivable__number__icontains=value) | rows.filter(receivable__account__in=named)


def _tenant(filters) -> int:
    return getattr(filters.request, "_request", filters.request).member.tenant_id


class PeriodFilter(django_filters.FilterSet):
    legal_entity = django_filters.ModelChoiceFilter(queryset=_entities, label=_("Legal entity"))
    status = django_filters.ChoiceFilter(choices=Period.Status, label=_("Status"))
    month = django_filters.DateFilter(label=_("Month"))

    class Meta:
        model = Period
        fields: list[str] = []


class RunFilter(django_filters.FilterSet):
    legal_entity = django_filters.ModelChoiceFilter(queryset=_entities, label=_("Legal entity"))

    class Meta:
        model = ProvisionRun
        fields: list[str] = []


class CreditFilter(django_filters.FilterSet):
    account = django_filters.NumberFilter(field_name="account_id", label=_("Customer"))
    letter = django_filters.ChoiceFilter(choices=CreditClass.Letter, label=_("Class"))

    class Meta:
        model = CreditClass
        fields: list[str] = []
