"""The REST face of orders, deliveries and handovers."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.response import Response

from contracts.actions import batches, handover
from contracts.actions import contracts as contract_actions
from contracts.actions import orders as actions
from contracts.actions.handover import DECIDES, inbox
from contracts.filters.orders import BatchFilter, OrderFilter
from contracts.metrics.orders import completion
from contracts.models import Batch, BatchLine, Contract, Order, OrderLine
from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, action, verb

QUANTITY: dict[str, Any] = {"max_digits": 14, "decimal_places": 3, "min_value": Decimal(0)}


class QuantitiesField(serializers.DictField):
    """{"<line id>": "<quantity>"}: contract lines for an order, order lines for a delivery."""

    child = serializers.DecimalField(**QUANTITY)

    def to_internal_value(self, data):
        given = super().to_internal_value(data)
        if wrong := [key for key in given if not (key.isascii() and key.isdigit() and len(key) < 19)]:
            raise serializers.ValidationError(_("“%(key)s” is not the id of a line.") % {"key": wrong[0]})
        return {int(key): quantity for key, quantity in given.items()}


class DeliveryVerbSerializer(serializers.Serializer):
    """`version` is the one that was read: a newer one is a conflict."""

    version = serializers.IntegerField(required=False, min_value=1)


class VerbMixin:
    """Runs one action with what its serializer read."""

    def act(self, act, asked=DeliveryVerbSerializer):
        record, given = self.get_object(), asked(data=self.request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = {name: value for name, value in given.validated_data.items() if name != "version"}
        return self.answer(act(record, by=self.member, expected=self.expected_version(), **values))


class OrderLineSerializer(serializers.ModelSerializer):
    remaining = serializers.DecimalField(**QUANTITY, read_only=True)

    class Meta:
        model = OrderLine
        fields = [
            "id", "contract_line", "quantity", "tolerance", "amount", "shipped", "delivered", "accepted", "remaining",
        ]  # fmt: skip
        read_only_fields = fields


class OrderSerializer(RecordSerializer):
    """An order of a contract in force. Without `quantities` it takes everything that is not ordered yet."""

    contract = ScopedRelatedField(model=Contract)
    quantities = QuantitiesField(write_only=True, required=False)
    lines = OrderLineSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = [
            "id", "number", "contract", "quantities", "amount", "promised_on", "completed_on", "erp_ref", "status",
            "lines", "version",
        ]  # fmt: skip
        read_only_fields = ["number", "amount", "completed_on", "status", "version"]

    def validate(self, attrs):
        fixed = {"contract", "quantities"} & set(attrs)
        if self.instance is not None and fixed:
            raise serializers.ValidationError(dict.fromkeys(fixed, _("This does not change once it is ordered.")))
        return attrs


class OrderReasonSerializer(DeliveryVerbSerializer):
    reason = serializers.CharField(max_length=300)


class OrderCompleteSerializer(DeliveryVerbSerializer):
    on = serializers.DateField(required=False)


class CompletionSerializer(serializers.Serializer):
    """Orders completed on or before the promised day ÷ orders due; `percent` is null when none was due."""

    due = serializers.IntegerField()
    on_time = serializers.IntegerField()
    late = serializers.IntegerField()
    percent = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)


class OrderViewSet(VerbMixin, RecordViewSet):
    """Orders the member may see: those of contracts he sold or delivers, or leads."""

    model = Order
    read = "contract.read"
    serializer_class = OrderSerializer
    filterset_class = OrderFilter

    def get_queryset(self):
        rows = super().get_queryset()
        return rows.select_related("contract__owner", "contract__delivery_manager").prefetch_related("lines")

    def perform_create(self, serializer):
        return actions.create_order(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return actions.update_order(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )

    @extend_schema(request=OrderReasonSerializer)
    @verb()
    def cancel(self, request, **kwargs):
        return self.act(actions.cancel_order, OrderReasonSerializer)

    @extend_schema(request=OrderCompleteSerializer)
    @verb()
    def complete(self, request, **kwargs):
        return self.act(actions.complete_order, OrderCompleteSerializer)

    @extend_schema(responses=CompletionSerializer)
    @action(detail=False)
    def completion(self, request, **kwargs):
        """The completion rate of the orders that the filters leave."""
        rows = self.filter_queryset(self.get_queryset())
        return Response(CompletionSerializer(completion(rows, self.member.tenant.today())).data)


class BatchLineSerializer(serializers.ModelSerializer):
    class Meta:
        model = BatchLine
        fields = ["order_line", "quantity", "shipped", "delivered", "accepted"]
        read_only_fields = fields


class BatchSerializer(RecordSerializer):
    """One delivery of an order. Without `quantities` it takes everything that is not planned yet."""

    order = ScopedRelatedField(model=Order)
    quantities = QuantitiesField(write_only=True, required=False)
    lines = BatchLineSerializer(many=True, read_only=True)

    class Meta:
        model = Batch
        fields = [
            "id", "order", "number", "quantities", "planned_on", "shipped_on", "delivered_on", "accepted_on",
            "accepted_by", "delivery_note", "is_final", "grounds", "status", "lines", "version",
        ]  # fmt: skip
        read_only_fields = [
            "number", "shipped_on", "delivered_on", "accepted_on", "accepted_by", "grounds", "status", "version",
        ]  # fmt: skip

    def validate(self, attrs):
        fixed = {"order", "quantities"} & set(attrs)
        if self.instance is not None and fixed:
            raise serializers.ValidationError(dict.fromkeys(fixed, _("This does not change once it is planned.")))
        return attrs


class DeliverySerializer(DeliveryVerbSerializer):
    """`on` is a day of the company's zone, today without it; quantities that are not given are as before."""

    on = serializers.DateField(required=False)
    quantities = QuantitiesField(required=False)


class ShipSerializer(DeliverySerializer):
    delivery_note = serializers.CharField(max_length=60, required=False, allow_blank=True)


class AcceptanceSerializer(DeliverySerializer):
    accepted_by = serializers.CharField(max_length=100)
    is_final = serializers.BooleanField(required=False)
    file = serializers.FileField(required=False)


class RejectionSerializer(DeliveryVerbSerializer):
    grounds = serializers.CharField(max_length=300)
    on = serializers.DateField(required=False)


class ReworkSerializer(DeliveryVerbSerializer):
    planned_on = serializers.DateField()


class BatchViewSet(VerbMixin, RecordViewSet):
    """Deliveries of the orders the member may see."""

    model = Batch
    read = "contract.read"
    serializer_class = BatchSerializer
    filterset_class = BatchFilter
    parser_classes = [JSONParser, MultiPartParser, FormParser]

    def get_queryset(self):
        rows = super().get_queryset().select_related("order__contract__owner", "order__contract__delivery_manager")
        return rows.prefetch_related("lines")

    def perform_create(self, serializer):
        return batches.plan_batch(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return batches.update_batch(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )

    @extend_schema(request=ShipSerializer)
    @verb()
    def ship(self, request, **kwargs):
        return self.act(batches.ship, ShipSerializer)

    @extend_schema(request=DeliverySerializer)
    @verb()
    def deliver(self, request, **kwargs):
        return self.act(batches.deliver, DeliverySerializer)

    @extend_schema(request=AcceptanceSerializer)
    @verb()
    def accept(self, request, **kwargs):
        return self.act(batches.accept, AcceptanceSerializer)

    @extend_schema(request=RejectionSerializer)
    @verb()
    def reject(self, request, **kwargs):
        return self.act(batches.reject, RejectionSerializer)

    @extend_schema(request=ReworkSerializer)
    @verb()
    def rework(self, request, **kwargs):
        return self.act(batches.rework, ReworkSerializer)


class HandoverSerializer(RecordSerializer):
    class Meta:
        model = Contract
        fields = [
            "id", "number", "title", "account", "status", "owner", "delivery_manager", "handover", "handover_reason",
            "version",
        ]  # fmt: skip
        read_only_fields = fields


class OfferSerializer(DeliveryVerbSerializer):
    to = ScopedRelatedField(model=Member)


class HandoverViewSet(VerbMixin, RecordViewSet):
    """Contracts on their way from sales to delivery. The list is what waits for the member's decision."""

    model = Contract
    read = "contract.read"
    serializer_class = HandoverSerializer
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        if getattr(self, "action", "") != "list" or getattr(self, "swagger_fake_view", False):
            return super().get_queryset().select_related("owner", "delivery_manager")
        require(self.member, DECIDES)
        return inbox(self.member)

    @extend_schema(exclude=True)
    def create(self, request, *args, **kwargs):
        return self.http_method_not_allowed(request, *args, **kwargs)

    @extend_schema(request=OfferSerializer)
    @verb()
    def offer(self, request, **kwargs):
        return self.act(handover.offer, OfferSerializer)

    @extend_schema(request=DeliveryVerbSerializer)
    @verb()
    def accept(self, request, **kwargs):
        return self.act(handover.accept)

    @extend_schema(request=OrderReasonSerializer)
    @verb(url_path="give-back")
    def give_back(self, request, **kwargs):
        return self.act(handover.give_back, OrderReasonSerializer)

    @extend_schema(request=DeliveryVerbSerializer)
    @verb()
    def start(self, request, **kwargs):
        return self.act(contract_actions.start_performing)


def register(router) -> None:
    from . import renewals

    router.register("orders", OrderViewSet, basename="orders")
    router.register("batches", BatchViewSet, basename="batches")
    router.register("handovers", HandoverViewSet, basename="handovers")
    renewals.register(router)
