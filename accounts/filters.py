"""What customers and contacts are looked for by, on pages and in the API."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.identity.search import matching
from crm.core.people.models import Member, TeamMembership

from .models import Account, Collaboration, Contact

VIEWS = [("mine", _("Mine")), ("team", _("My teams")), ("all", _("All"))]


def member_of(request) -> Member:
    return getattr(request, "_request", request).member


def members(request):
    """People that the asking member may choose among."""
    return Member.objects.visible_to(member_of(request)).filter(is_system=False)


def values_of(column: str):
    """The values of a column among the customers that the asking member sees, for a select."""

    def choices(request):
        rows = Account.objects.visible_to(member_of(request)).exclude(**{column: ""}).order_by(column)
        return [(value, value) for value in rows.values_list(column, flat=True).distinct()[:200]]

    return choices


class OwnValueFilter(django_filters.ChoiceFilter):
    """A select of the values there are; anything else finds nothing rather than being an error."""

    def __init__(self, column: str, **kwargs):
        super().__init__(field_name=column, **kwargs)

    @property
    def field(self):
        request = getattr(self.parent, "request", None)
        if request is not None:
            self.extra["choices"] = values_of(self.field_name)(request)
        return super().field


class AccountFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    view = django_filters.ChoiceFilter(choices=VIEWS, method="whose", label=_("View"))
    status = django_filters.ChoiceFilter(choices=Account.Status, label=_("Status"))
    region = OwnValueFilter("region", label=_("Region"))
    industry = OwnValueFilter("industry", label=_("Industry"))
    owner = django_filters.ModelChoiceFilter(queryset=members, label=_("Owner"))

    class Meta:
        model = Account
        fields: list[str] = []

    def search(self, rows, name, value):
        return matching(rows, value)

    def whose(self, rows, name, value):
        return rows.filter(whose(member_of(self.request), value))


def whose(member: Member, view: str) -> Q:
    """Mine: owned or worked on by the member; team: owned in the teams the member sits in or heads."""
    if view == "mine":
        shared = Collaboration.objects.of(member.tenant_id).filter(member=member).values("account_id")
        return Q(owner=member) | Q(pk__in=shared)
    if view == "team":
        return Q(owner__in=TeamMembership.objects.of(member.tenant_id).within(member).values("member_id"))
    return Q()


class ContactFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    account = django_filters.NumberFilter(field_name="account_id", label=_("Customer"))
    has_left = django_filters.BooleanFilter(label=_("has left the company"))

    class Meta:
        model = Contact
        fields: list[str] = []

    def search(self, rows, name, value):
        return matching(rows, value)
