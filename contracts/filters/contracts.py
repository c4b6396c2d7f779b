"""What contracts and their changes are looked for by, on pages and in the API."""

from datetime import timedelta

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts.models import ChangeOrder, Contract
from crm.core.identity.search import matching
from crm.core.people.models import Member
from crm.core.people.reach import owners_covered
from crm.core.web.rendering import PickerSelect

ENDING = [(30, _("30 days")), (60, _("60 days")), (90, _("90 days")), (180, _("180 days"))]


def member_of(request) -> Member:
    return getattr(request, "_request", request).member


def owners(request):
    """Members whose contracts the asking one may see."""
    member = member_of(request)
    people, covered = (
        Member.objects.of(member.tenant_id).filter(is_system=False),
        owners_covered(member, "contract.read"),
    )
    return people if covered is None else people.filter(pk__in=covered)


def accounts(request):
    return Account.objects.visible_to(member_of(request))


class ContractFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.MultipleChoiceFilter(choices=Contract.Status, label=_("Status"), distinct=False)
    kind = django_filters.ChoiceFilter(choices=Contract.Kind, label=_("Kind"), empty_label=_("All kinds"))
    owner = django_filters.ModelChoiceFilter(queryset=owners, label=_("Owner"), empty_label=_("All owners"))
    ending = django_filters.ChoiceFilter(
        choices=ENDING, method="ending_within", label=_("Ends within"), empty_label=_("Any end")
    )
    account = django_filters.ModelChoiceFilter(
        queryset=accounts, label=_("Customer"), widget=PickerSelect("accounts:options")
    )

    class Meta:
        model = Contract
        fields: list[str] = []

    @property
    def form(self):
        form = super().form
        form.fields["account"].widget.scope_to(member_of(self.request))
        return form

    def search(self, rows, name, value):
        """Contracts whose number or title, or whose customer's name, has the words."""
        customers = matching(Account.objects.of(member_of(self.request).tenant_id), value)
        return rows.filter(Q(pk__in=matching(rows, value).values("pk")) | Q(account__in=customers.values("pk")))

    def ending_within(self, rows, name, value):
        """Contracts in force that end in so many days from today, in the company's zone."""
        today = member_of(self.request).tenant.today()
        return rows.filter(status__in=Contract.LIVE, end_date__range=(today, today + timedelta(days=int(value))))


class ChangeFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=ChangeOrder.Status, label=_("Status"), distinct=False)
    kind = django_filters.ChoiceFilter(choices=ChangeOrder.Kind, label=_("Kind"), empty_label=_("All kinds"))
    contract = django_filters.NumberFilter(field_name="contract", label=_("Contract"))

    class Meta:
        model = ChangeOrder
        fields: list[str] = []
