"""Which notices are shown; the page and the API share it."""

import django_filters as filters
from django.utils.translation import gettext_lazy as _

from .models import Notification


class NoticeFilter(filters.FilterSet):
    unread = filters.BooleanFilter(field_name="read_at", lookup_expr="isnull", label=_("Unread"))

    kind = filters.CharFilter(label=_("Kind"))

    class Meta:
        model = Notification
        fields: list[str] = []
