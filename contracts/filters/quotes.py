"""What quotes are looked for by, on the page and in the API."""

from datetime import timedelta

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts.models import Quote
from crm.core.identity.search import matching
from crm.core.people.models import Member
from crm.core.people.reach import owners_covered
from crm.core.web.rendering import PickerSelect
from opportunities.models import Opportunity

SOON = 7  # days
Status = Quote.Status


def _owners(request) -> QuerySet:
    """Members whose quotes the asking one may see."""
    covered = owners_covered(request.member, "quote.read")
    people = Member.objects.of(request.member.tenant_id).filter(is_system=False)
    return people if covered is None else people.filter(pk__in=covered)


def _visible(model):
    return lambda request: model.objects.visible_to(request.member)


class QuoteFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.MultipleChoiceFilter(choices=Status, label=_("Status"), distinct=False)
    expiring = django_filters.ChoiceFilter(
        method="by_validity", label=_("Validity"), empty_label=_("Any validity"),
        choices=[("soon", _("Ends within 7 days")), ("expired", _("Expired"))],
    )  # fmt: skip
    owner = django_filters.ModelChoiceFilter(queryset=_owners, label=_("Owner"), empty_label=_("All owners"))
    account = django_filters.ModelChoiceFilter(
        queryset=_visible(Account), label=_("Customer"), empty_label=_("All customers"),
        widget=PickerSelect("accounts:options"),
    )  # fmt: skip
    opportunity = django_filters.ModelChoiceFilter(queryset=_visible(Opportunity), label=_("Deal"))

    class Meta:
        model = Quote
        fields: list[str] = []

    @property
    def form(self):
        form = super().form
        form.fields["account"].widget.scope_to(self.request.member)
        return form

    def search(self, rows, name, value):
        """Number, title, or the customer's name has the words."""
        customers = matching(Account.objects.of(self.request.member.tenant_id), value)
        return rows.filter(Q(pk__in=matching(rows, value).values("pk")) | Q(account__in=customers.values("pk")))

    def by_validity(self, rows, name, value):
        """Of quotes that the customer could still accept."""
        today = self.request.member.tenant.today()
        live = rows.filter(status__in=[Status.APPROVED, Status.SENT])
        if value == "expired":
            return live.filter(valid_until__lt=today)
        return live.filter(valid_until__gte=today, valid_until__lte=today + timedelta(days=SOON))
