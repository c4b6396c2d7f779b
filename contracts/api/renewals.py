"""The REST face of renewals: contracts that come to their end, and the rates."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from contracts.actions import renewals as actions
from contracts.filters.orders import RenewalFilter, RenewalRateFilter
from contracts.metrics import renewals as metrics
from contracts.models import Contract, Renewal
from crm.core.web.api import RecordSerializer, RecordViewSet, action, verb

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 2}


class RenewalSerializer(RecordSerializer):
    """A contract by its own id; `outcome` is open, renewed (the next contract is signed) or lost."""

    outcome = serializers.CharField(read_only=True)
    bucket = serializers.SerializerMethodField()
    next = serializers.IntegerField(source="next_pk", read_only=True, allow_null=True)
    forecast_amount = serializers.DecimalField(**MONEY, source="forecast", read_only=True)
    renewed_amount = serializers.DecimalField(**MONEY, read_only=True, allow_null=True)
    risk = serializers.CharField(read_only=True)
    loss = serializers.CharField(read_only=True)

    class Meta:
        model = Contract
        fields = [
            "id", "number", "title", "kind", "account", "owner", "status", "end_date", "effective_amount", "currency",
            "bucket", "forecast_amount", "risk", "outcome", "loss", "next", "renewed_amount",
        ]  # fmt: skip
        read_only_fields = fields

    def get_bucket(self, contract) -> str:
        """overdue, 30, 60 or 90; empty when the end is farther away."""
        today = self.member.tenant.today()
        is_far = (contract.end_date - today).days > metrics.STEPS[-1]
        return "" if is_far else metrics.bucket_of(contract.end_date, today)


class RenewSerializer(serializers.Serializer):
    start_date = serializers.DateField(required=False)
    end_date = serializers.DateField(required=False)


class RenewalLossSerializer(serializers.Serializer):
    loss = serializers.ChoiceField(choices=Renewal.Loss.choices)
    detail = serializers.CharField(max_length=300, required=False, allow_blank=True)


class AssessmentSerializer(serializers.Serializer):
    risk = serializers.ChoiceField(choices=Renewal.Risk.choices, required=False, allow_blank=True)
    forecast_amount = serializers.DecimalField(**MONEY, min_value=Decimal(0), required=False, allow_null=True)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class RenewedSerializer(serializers.Serializer):
    """The draft that follows."""

    id = serializers.IntegerField()
    status = serializers.CharField()
    start_date = serializers.DateField(allow_null=True)
    end_date = serializers.DateField(allow_null=True)


class RateSerializer(serializers.Serializer):
    due = serializers.IntegerField()
    renewed = serializers.IntegerField()
    by_count = serializers.DecimalField(max_digits=7, decimal_places=2, allow_null=True)
    due_amount = serializers.DecimalField(**MONEY)
    renewed_amount = serializers.DecimalField(**MONEY)
    by_amount = serializers.DecimalField(max_digits=18, decimal_places=2, allow_null=True)


class RenewalViewSet(RecordViewSet):
    """Contracts of a term. The list is what must be renewed now; one contract is found whatever became of it."""

    model = Contract
    read = "contract.read"
    serializer_class = RenewalSerializer
    http_method_names = ["get", "post", "head", "options"]

    @property
    def filterset_class(self):
        return RenewalRateFilter if self.action == "rate" else RenewalFilter

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        tenant = self.member.tenant
        if self.action == "list":
            return metrics.due(rows, tenant, tenant.today())
        return metrics.with_outcome(metrics.ending(rows), tenant)

    @extend_schema(exclude=True)
    def create(self, request, *args, **kwargs):
        return self.http_method_not_allowed(request, *args, **kwargs)

    def given(self, asked) -> dict:
        read = asked(data=self.request.data)
        read.is_valid(raise_exception=True)
        return read.validated_data

    @extend_schema(request=RenewSerializer, responses=RenewedSerializer)
    @verb()
    def renew(self, request, **kwargs):
        """A draft for the next term; asked again, the same one."""
        draft = actions.renew(self.get_object(), by=self.member, **self.given(RenewSerializer))
        return Response(RenewedSerializer(draft).data)

    @extend_schema(request=RenewalLossSerializer)
    @verb()
    def lose(self, request, **kwargs):
        return self.answer(
            actions.lose(self.get_object(), by=self.member, **self.given(RenewalLossSerializer)).contract
        )

    @extend_schema(request=AssessmentSerializer)
    @verb()
    def assess(self, request, **kwargs):
        return self.answer(
            actions.assess(self.get_object(), by=self.member, **self.given(AssessmentSerializer)).contract
        )

    @extend_schema(responses=RateSerializer)
    @action(detail=False)
    def rate(self, request, **kwargs):
        """The renewal rates over what the filters leave (`period` is when the contracts end)."""
        return Response(RateSerializer(metrics.rate(self.filter_queryset(self.get_queryset()))).data)


def register(router) -> None:
    router.register("renewals", RenewalViewSet, basename="renewals")
