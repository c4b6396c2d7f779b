"""Which requests are shown; the page and the API share it."""

import django_filters as filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.people.reach import may

from . import subjects
from .metrics import inbox_q
from .models import ApprovalTask, Copy, Delegation, Flow, Instance

BOXES = {
    "decide": _("To decide"),
    "mine": _("Submitted by me"),
    "decided": _("Decided by me"),
    "copies": _("Copies"),
    "all": _("All"),
}


def boxes(member) -> dict:
    """The boxes a member has; everybody's requests are for who repairs what is stuck."""
    return BOXES if may(member, "approval.reassign") else {key: BOXES[key] for key in BOXES if key != "all"}


def box_q(box: str, member) -> Q:
    tasks = ApprovalTask.objects.of(member.tenant_id)
    return {
        "decide": lambda: Q(pk__in=tasks.filter(inbox_q(member)).values("instance_id")),
        "mine": lambda: Q(submitter=member),
        "decided": lambda: Q(pk__in=tasks.filter(decided_by=member).values("instance_id")),
        "copies": lambda: Q(pk__in=Copy.objects.of(member.tenant_id).filter(member=member).values("instance_id")),
        "all": Q,
    }[box]()


def kinds():
    return [(subject.type, subject.label or subject.model._meta.verbose_name) for subject in subjects.all_subjects()]


class InstanceFilter(filters.FilterSet):
    box = filters.ChoiceFilter(choices=list(BOXES.items()), method="in_box", label=_("Box"))
    status = filters.ChoiceFilter(choices=Instance.Status.choices, label=_("Status"))
    subject_type = filters.ChoiceFilter(choices=kinds, label=_("Kind"))
    subject_id = filters.NumberFilter(min_value=1, max_value=2**62, label=_("Number of the document"))

    class Meta:
        model = Instance
        fields: list[str] = []

    def in_box(self, queryset, name, value):
        return queryset.filter(box_q(value, self.request.member))


class TaskFilter(filters.FilterSet):
    status = filters.ChoiceFilter(choices=ApprovalTask.Status.choices, label=_("Status"))
    mine = filters.BooleanFilter(method="of_mine", label=_("Waiting for me"))
    instance = filters.NumberFilter(min_value=1, max_value=2**62, label=_("Request"))

    class Meta:
        model = ApprovalTask
        fields: list[str] = []

    def of_mine(self, queryset, name, value):
        found = inbox_q(self.request.member)
        return queryset.filter(found) if value else queryset.exclude(found)


class FlowFilter(filters.FilterSet):
    subject_type = filters.CharFilter(label=_("Kind"))
    is_current = filters.BooleanFilter(label=_("In force"))

    class Meta:
        model = Flow
        fields: list[str] = []


class DelegationFilter(filters.FilterSet):
    live = filters.BooleanFilter(field_name="revoked_at", lookup_expr="isnull", label=_("Not ended"))

    class Meta:
        model = Delegation
        fields: list[str] = []
