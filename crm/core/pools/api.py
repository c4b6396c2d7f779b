"""Pools over REST: rules, seats, quota left, and the dry run of rules before they are saved."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response

from crm.core.people.models import Member, Team
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, action, verb

from . import actions, claims
from .models import Pool, PoolSeat
from .preview import preview

CLOCK = [
    "tz", "no_followup_days", "no_first_contact_days", "no_deal_days", "remind_days", "review_after_returns",
]  # fmt: skip
RULES = [
    "name", "is_active", "is_default", "everyone", "mask_contacts", "daily_claim_limit", "holding_limit",
    "count_dealt", "cool_off_days", *CLOCK,
]  # fmt: skip


class SeatSerializer(serializers.ModelSerializer):
    member = ScopedRelatedField(model=Member, required=False, allow_null=True, default=None)
    team = ScopedRelatedField(model=Team, required=False, allow_null=True, default=None)
    is_admin = serializers.BooleanField(default=False)

    class Meta:
        model = PoolSeat
        fields = ["id", "member", "team", "is_admin"]


class PoolSerializer(RecordSerializer):
    """Days are whole local calendar days in the pool's zone (`tz`, empty: the company's)."""

    seats = SeatSerializer(many=True, read_only=True)

    class Meta:
        model = Pool
        fields = ["id", *RULES, "seats", "version"]
        read_only_fields = ["version"]


class ClockRulesSerializer(RecordSerializer):
    class Meta:
        model = Pool
        fields = CLOCK


class PoolFilter(django_filters.FilterSet):
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = Pool
        fields: list[str] = []


class ReturningSerializer(serializers.Serializer):
    """One record that would go back."""

    type = serializers.CharField(source="_meta.label_lower")
    id = serializers.IntegerField(source="pk")
    label = serializers.CharField(source="__str__")
    owner = serializers.IntegerField(source="owner_id")
    owner_name = serializers.CharField(source="owner.name")


class PreviewSerializer(serializers.Serializer):
    """`count` records of `people` members would go back at the coming local midnight; the first are listed."""

    count = serializers.IntegerField()
    people = serializers.IntegerField()
    records = ReturningSerializer(many=True, source="rows")


class PoolViewSet(RecordViewSet):
    """Pools that the member may claim from or runs; administrators see and change all."""

    model = Pool
    read = "pool.read"
    serializer_class = PoolSerializer
    filterset_class = PoolFilter

    def get_queryset(self):
        return super().get_queryset().prefetch_related("seats")

    def perform_create(self, serializer):
        return actions.create_pool(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return actions.update_pool(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )

    def given(self, serializer_class, **kwargs) -> dict:
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context(), **kwargs)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @extend_schema(request=ClockRulesSerializer, responses=PreviewSerializer)
    @verb(url_path="dry-run")
    def dry_run(self, request, **kwargs):
        """What the rules in the body, with the saved ones for the rest, would take back tonight."""
        pool = self.get_object()
        require(self.member, "pool.manage")
        return Response(PreviewSerializer(preview(pool, **self.given(ClockRulesSerializer, partial=True))).data)

    @extend_schema(request=SeatSerializer)
    @verb()
    def seats(self, request, **kwargs):
        """Give a member or a team a seat; again to change `is_admin`."""
        pool = self.get_object()
        actions.give_seat(pool, by=self.member, **self.given(SeatSerializer))
        return self.answer(pool)

    @extend_schema(request=None)
    @verb(url_path=r"seats/(?P<seat>\d{1,18})/remove")
    def remove_seat(self, request, seat, **kwargs):
        pool = self.get_object()
        actions.take_seat(get_object_or_404(pool.seats.all(), pk=seat), by=self.member)
        return self.answer(pool)

    @extend_schema(responses={200: {"type": "object", "properties": {"remaining": {"type": "integer"}}}})
    @action(detail=True)
    def quota(self, request, **kwargs):
        """How many more records the member may claim from this pool today."""
        return Response({"remaining": claims.remaining_today(self.get_object(), self.member)})


def register(router) -> None:
    router.register("pools", PoolViewSet, basename="pools")
