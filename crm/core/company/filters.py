"""Who is looked for among members; the page and the API share it."""

import django_filters as filters
from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field

from crm.core.people.models import Member, Team
from crm.core.people.roles import Role

STATES = [("active", _("Active")), ("invited", _("Invited")), ("unseated", _("Without sign-in")), ("left", _("Left"))]
BY_STATE = {
    "active": Q(is_active=True, user__isnull=False),
    "invited": Q(is_active=True, user=None) & ~Q(email=""),
    "unseated": Q(is_active=True, user=None, email=""),
    "left": Q(is_active=False),
}


def teams(request):
    return Team.objects.visible_to(request.member) if request else Team._base_manager.none()


class MemberFilter(filters.FilterSet):
    q = filters.CharFilter(method="search", label=_("Search"))
    role = filters.ChoiceFilter(label=_("Role"), choices=Role, method="with_role", empty_label=_("All roles"))
    # With the teams below it.
    team = filters.ModelChoiceFilter(label=_("Team"), queryset=teams, method="in_team", empty_label=_("All teams"))
    state = filters.ChoiceFilter(label=_("Status"), choices=STATES, method="in_state", empty_label=_("All"))

    class Meta:
        model = Member
        fields: list[str] = []
        form = forms.Form

    def search(self, rows, name, value):
        return rows.filter(Q(name__icontains=value) | Q(email__icontains=value.lower()) | Q(title__icontains=value))

    def with_role(self, rows, name, value: str):
        return rows.filter(roles__contains=[value])

    @extend_schema_field(int)
    def in_team(self, rows, name, team):
        return rows.filter(pk__in=team.members().order_by().values("pk"))

    def in_state(self, rows, name, value):
        return rows.filter(BY_STATE[value])
