"""What leads are looked for by, on the page and in the API."""

from datetime import timedelta

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.calendars import day_start
from crm.core.people.models import Member
from crm.core.people.reach import may, owners_covered
from crm.core.pools.models import Pool
from crm.core.web.rendering import DateInput

from .models import Channel, Lead
from .search import search

VIEWS = [
    ("mine", _("Mine")),
    ("team", _("Team")),
    ("pool", _("Public pool")),
    ("review", _("Review")),
    ("all", _("All")),
]


def pools_seen(request):
    return Pool.objects.visible_to(request.member)


def owners_seen(request):
    """Those whose leads the member may read."""
    rows, covered = Member.objects.of(request.member.tenant_id), owners_covered(request.member, "lead.read")
    return rows.filter(is_system=False) if covered is None else rows.filter(pk__in=covered)


class LeadFilter(django_filters.FilterSet):
    """Dates are days of the company's time zone, both ends included."""

    q = django_filters.CharFilter(method="by_words", label=_("Search"))
    view = django_filters.ChoiceFilter(choices=VIEWS, method="by_view", label=_("View"))
    mine = django_filters.BooleanFilter(method="by_mine", label=_("Mine"))
    status = django_filters.ChoiceFilter(choices=Lead.Status.choices, label=_("status"))
    pool = django_filters.ModelChoiceFilter(queryset=pools_seen, label=_("pool"))
    owner = django_filters.ModelChoiceFilter(queryset=owners_seen, label=_("owner"))
    source = django_filters.ChoiceFilter(choices=Channel.choices, label=_("source"))
    region = django_filters.CharFilter(lookup_expr="icontains", label=_("region"))
    industry = django_filters.CharFilter(lookup_expr="icontains", label=_("industry"))
    created_after = django_filters.DateFilter(method="since", label=_("created from"), widget=DateInput)
    created_before = django_filters.DateFilter(method="until", label=_("created to"), widget=DateInput)

    class Meta:
        model = Lead
        fields: list[str] = []

    def by_words(self, rows, name, value):
        return search(rows, value, self.request.member)

    def by_view(self, rows, name, value):
        return rows.filter(view_q(value, self.request.member))

    def by_mine(self, rows, name, value):
        mine = Q(owner=self.request.member)
        return rows.filter(mine) if value else rows.exclude(mine)

    def since(self, rows, name, day):
        return rows.filter(created_at__gte=day_start(day, self.request.tenant.zone))

    def until(self, rows, name, day):
        return rows.filter(created_at__lt=day_start(day + timedelta(days=1), self.request.tenant.zone))


def view_q(view: str, member) -> Q:
    """The tab of the list: one's own, those of one's people, a pool's, those waiting for review, or all."""
    return {
        "mine": Q(owner=member, status__in=Lead.OWNED),
        "team": Q(owner__isnull=False, status__in=Lead.OWNED),
        "pool": Q(status=Lead.Status.POOLED, in_review=False),
        "review": Q(status=Lead.Status.POOLED, in_review=True),
    }.get(view, Q())


def default_view(member) -> str:
    """The tab that a member's list opens with."""
    if may(member, "lead.assign"):
        return "team"
    return "mine" if may(member, "lead.follow_up") else "all"
