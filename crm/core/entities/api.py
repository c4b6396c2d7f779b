"""Legal entities over REST: everybody reads which there are, administrators change them."""

import django_filters

from crm.core.web.api import RecordSerializer, RecordViewSet

from . import actions
from .models import LegalEntity


class LegalEntityFilter(django_filters.FilterSet):
    is_active = django_filters.BooleanFilter()
    is_default = django_filters.BooleanFilter()

    class Meta:
        model = LegalEntity
        fields: list[str] = []


class LegalEntitySerializer(RecordSerializer):
    class Meta:
        model = LegalEntity
        fields = [
            "id", "name", "short_name", "code", "uscc", "taxpayer", "address", "phone", "is_default", "is_active",
            "version", "created_at",
        ]  # fmt: skip
        read_only_fields = ["version", "created_at"]


class LegalEntityViewSet(RecordViewSet):
    model = LegalEntity
    read = "catalog.read"
    serializer_class = LegalEntitySerializer
    filterset_class = LegalEntityFilter

    def perform_create(self, serializer):
        return actions.create_entity(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return actions.update_entity(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )


def register(router) -> None:
    router.register("legal-entities", LegalEntityViewSet, basename="legal-entities")
