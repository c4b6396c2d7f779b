"""Filters of reminders, shared by page and API."""

import django_filters as filters
from django.utils.translation import gettext_lazy as _

from .models import DunningNotice, PromiseToPay
from .promises import State, with_state


class PromiseFilter(filters.FilterSet):
    """Promises with `state` and `paid`, as of the company's today."""

    state = filters.ChoiceFilter(label=_("State"), choices=State.choices)
    promised_from = filters.DateFilter(field_name="promised_for", lookup_expr="gte", label=_("From"))
    promised_until = filters.DateFilter(field_name="promised_for", lookup_expr="lte", label=_("Until"))

    class Meta:
        model = PromiseToPay
        fields: list[str] = []

    def __init__(self, data, queryset, *, request=None, **kwargs):
        member = getattr(request, "member", None) or request._request.member
        super().__init__(data, with_state(queryset, member.tenant, member.tenant.today()), request=request, **kwargs)


class NoticeFilter(filters.FilterSet):
    receivable = filters.NumberFilter(label=_("Receivable"))
    level = filters.NumberFilter(label=_("Level"))
    day_from = filters.DateFilter(field_name="day", lookup_expr="gte", label=_("From"))
    day_until = filters.DateFilter(field_name="day", lookup_expr="lte", label=_("Until"))

    class Meta:
        model = DunningNotice
        fields: list[str] = []
