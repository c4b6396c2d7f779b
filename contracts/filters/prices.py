import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Price, PriceList, TaxCode


def _lists(request):
    return PriceList.objects.visible_to(request.member)


class TaxCodeFilter(django_filters.FilterSet):
    code = django_filters.CharFilter(label=_("Code"))
    on = django_filters.DateFilter(method="in_force", label=_("In force on"))

    class Meta:
        model = TaxCode
        fields: list[str] = []

    def in_force(self, rows, name, day):
        return rows.filter(Q(valid_until=None) | Q(valid_until__gte=day), valid_from__lte=day)


class PriceListFilter(TaxCodeFilter):
    code = None
    is_default = django_filters.BooleanFilter(label=_("Default"))

    class Meta:
        model = PriceList
        fields: list[str] = []


class PriceFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    price_list = django_filters.ModelChoiceFilter(queryset=_lists, label=_("Price list"))

    class Meta:
        model = Price
        fields: list[str] = []

    def search(self, rows, name, value):
        """Name, code or series of the product; a price list is short enough to be read through."""
        named = Q(product__name__icontains=value) | Q(product__code__icontains=value)
        return rows.filter(named | Q(product__series__icontains=value))
