"""What products are looked for by, on the page and in the API."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .models import Product


class ProductFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    is_active = django_filters.BooleanFilter(label=_("On sale"))

    class Meta:
        model = Product
        fields: list[str] = []

    def search(self, rows, name, value):
        """Name, code or series holds the words; a catalogue is short enough to be read through."""
        return rows.filter(Q(name__icontains=value) | Q(code__icontains=value) | Q(series__icontains=value))
