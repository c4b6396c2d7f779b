"""What activities, tasks and files are looked for by, on pages and in the API."""

import django_filters
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member

from .models import Activity, Task


def members(request):
    """People that the asking member may choose among."""
    member = getattr(request, "_request", request).member
    return Member.objects.visible_to(member).filter(is_system=False)


class ActivityFilter(django_filters.FilterSet):
    type = django_filters.ChoiceFilter(choices=Activity.Type, label=_("Type"))
    outcome = django_filters.ChoiceFilter(choices=Activity.Outcome, label=_("Outcome"))
    actor = django_filters.ModelChoiceFilter(queryset=members, label=_("By"))
    since = django_filters.DateFilter(field_name="occurred_at", lookup_expr="date__gte", label=_("From"))
    until = django_filters.DateFilter(field_name="occurred_at", lookup_expr="date__lte", label=_("Until"))

    class Meta:
        model = Activity
        fields: list[str] = []


class TaskFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Task.Status, label=_("Status"))
    owner = django_filters.ModelChoiceFilter(queryset=members, label=_("Owner"))
    due_before = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt", label=_("Due before"))

    class Meta:
        model = Task
        fields: list[str] = []
