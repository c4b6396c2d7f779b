"""Plans and receivables over REST."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from contracts.models import Contract, Order
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb

from .. import listing
from ..actions import plans
from ..due_dates import Shift, Term
from ..filters import ReceivableFilter
from ..models import Allocation, ArEntry, InvoiceShare, Plan, Receivable
from ..plan_lines import cleaned, part
from ..states import State, flags_of, state_of


class EntrySerializer(serializers.ModelSerializer):
    class Meta:
        model = ArEntry
        fields = ["id", "type", "amount", "effective_date", "recorded_at", "source_type", "source_id"]


class ReceivableAllocationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Allocation
        fields = ["id", "receipt", "amount", "rule", "reverses", "effective_date", "recorded_at"]
        extra_kwargs = {name: {"read_only": True} for name in ("receipt", "reverses")}


class ReceivableInvoiceSerializer(serializers.ModelSerializer):
    number = serializers.CharField(source="invoice.number", read_only=True)

    class Meta:
        model = InvoiceShare
        fields = ["invoice", "number", "amount"]
        extra_kwargs = {"invoice": {"read_only": True}}


class ReceivableSerializer(RecordSerializer):
    """`state` and `flags` are derived on the day of the request; amounts are tax-inclusive text."""

    current = serializers.DecimalField(max_digits=18, decimal_places=2, read_only=True)
    state = serializers.SerializerMethodField()
    flags = serializers.SerializerMethodField()

    class Meta:
        model = Receivable
        fields = [
            "id", "number", "plan", "line", "contract", "account", "legal_entity", "owner", "currency", "kind",
            "trigger", "term", "term_n", "shift", "due_date", "issue_date", "original", "adjusted", "current",
            "allocated", "written_off", "balance", "invoiced", "red_pending", "state", "flags", "disputed",
            "dispute_reason", "superseded", "version",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=State.choices))
    def get_state(self, receivable) -> str:
        return state_of(receivable, self.member.tenant.today())

    def get_flags(self, receivable) -> list[str]:
        return [flag.value for flag in flags_of(receivable)]


class ReceivableDetailSerializer(ReceivableSerializer):
    """With the sub-ledger: entries, allocations and invoices."""

    entries = EntrySerializer(many=True, read_only=True)
    allocations = ReceivableAllocationSerializer(many=True, read_only=True)
    invoices = ReceivableInvoiceSerializer(source="invoice_shares", many=True, read_only=True)

    class Meta(ReceivableSerializer.Meta):
        fields = [*ReceivableSerializer.Meta.fields, "entries", "allocations", "invoices"]
        read_only_fields = fields


class ReceivableViewSet(RecordViewSet):
    """Receivables the member may see, with the filters of the list page; they come from confirmed plans only."""

    model = Receivable
    read = "receivable.read"
    serializer_class = ReceivableSerializer
    filterset_class = ReceivableFilter
    http_method_names = ["get", "head", "options"]

    def get_serializer_class(self):
        return ReceivableDetailSerializer if self.action == "retrieve" else ReceivableSerializer

    def get_queryset(self):
        rows = super().get_queryset()
        if self.action == "list":
            return rows.filter(superseded=False)
        return rows.prefetch_related("entries", "allocations", "invoice_shares__invoice")

    @extend_schema(responses={200: dict[str, Any]})
    @action(detail=False, methods=["get"])
    def sums(self, request, **kwargs):
        """Count and sums of all rows the filter finds (INV-G8)."""
        require(self.member, self.read)
        filters = ReceivableFilter(request.query_params, listing.receivables_of(self.member), member=self.member)
        found = listing.sums(filters)
        return Response({name: sum if name == "count" else f"{sum:.2f}" for name, sum in found.items()})


class PlanLineSerializer(serializers.Serializer):
    """One part: an amount, a percentage, or neither (the balance; any line of equal parts)."""

    amount = serializers.DecimalField(max_digits=18, decimal_places=2, min_value=0, required=False, allow_null=True)
    percent = serializers.DecimalField(max_digits=9, decimal_places=6, min_value=0, required=False, allow_null=True)
    kind = serializers.ChoiceField(choices=Receivable.Kind.choices, default=Receivable.Kind.OTHER)
    trigger = serializers.ChoiceField(choices=Receivable.Trigger.choices, default=Receivable.Trigger.DATE)
    term = serializers.ChoiceField(choices=Term.choices, default=Term.NET_DAYS)
    n = serializers.IntegerField(min_value=0, max_value=3650, default=0)
    shift = serializers.ChoiceField(choices=Shift.choices, default=Shift.NONE)
    date = serializers.DateField(required=False, allow_null=True)


class PlanSerializer(RecordSerializer):
    """A collection plan. `parts` are the amounts its lines come to now; null when they no longer add up."""

    contract = ScopedRelatedField(model=Contract)
    order = ScopedRelatedField(model=Order, required=False, allow_null=True)
    lines = PlanLineSerializer(many=True)
    total = serializers.DecimalField(max_digits=18, decimal_places=2, read_only=True)

    class Meta:
        model = Plan
        fields = ["id", "contract", "order", "number", "mode", "lines", "total", "status", "version"]
        read_only_fields = ["number", "status", "version"]

    def validate(self, attrs):
        if self.instance is not None and ({"contract", "order"} & set(attrs)):
            raise serializers.ValidationError({"contract": "A plan stays with its contract and order."})
        return attrs


class PlanVerbSerializer(serializers.Serializer):
    version = serializers.IntegerField(required=False, min_value=1)


class PlanPreviewSerializer(serializers.Serializer):
    total = serializers.DecimalField(max_digits=18, decimal_places=2, min_value=0)
    mode = serializers.ChoiceField(choices=Plan.Mode.choices)
    lines = PlanLineSerializer(many=True)


class PlanPartsSerializer(serializers.Serializer):
    parts = serializers.ListField(child=serializers.DecimalField(max_digits=18, decimal_places=2))


class PlanFilter(django_filters.FilterSet):
    contract = django_filters.NumberFilter()
    order = django_filters.NumberFilter()
    status = django_filters.ChoiceFilter(choices=Plan.Status.choices)

    class Meta:
        model = Plan
        fields: list[str] = []


class PlanViewSet(RecordViewSet):
    """Drafts by sales and finance; POST …/confirm/ by finance makes the receivables."""

    model = Plan
    read = "receivable.read"
    serializer_class = PlanSerializer
    filterset_class = PlanFilter

    def get_queryset(self):
        return super().get_queryset().select_related("contract", "order")

    def perform_create(self, serializer):
        given = serializer.validated_data
        return plans.draft_plan(
            given["contract"], by=self.member, mode=given.get("mode", Plan.Mode.PERCENT), lines=given["lines"],
            order=given.get("order"),
        )  # fmt: skip

    def perform_update(self, serializer):
        plan, given = serializer.instance, serializer.validated_data
        return plans.edit_plan(
            plan, by=self.member, mode=given.get("mode", plan.mode), lines=given.get("lines", plan.lines),
            expected=self.expected_version(),
        )  # fmt: skip

    @extend_schema(request=PlanVerbSerializer)
    @verb()
    def confirm(self, request, **kwargs):
        plan = self.get_object()
        plans.confirm_plan(plan, by=self.member, expected=self.expected_version())
        return self.answer(plan)

    @extend_schema(request=PlanVerbSerializer)
    @verb()
    def supersede(self, request, **kwargs):
        return self.answer(plans.supersede_plan(self.get_object(), by=self.member, expected=self.expected_version()))

    @extend_schema(request=PlanVerbSerializer)
    @verb()
    def discard(self, request, **kwargs):
        return self.answer(plans.discard_plan(self.get_object(), by=self.member, expected=self.expected_version()))

    @extend_schema(request=PlanPreviewSerializer, responses=PlanPartsSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request, **kwargs):
        """What lines come to, to the cent, without writing anything."""
        given = PlanPreviewSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        parts = part(asked["total"], asked["mode"], cleaned(asked["lines"]))
        return Response(PlanPartsSerializer({"parts": parts}).data)


def register(router) -> None:
    router.register("plans", PlanViewSet, basename="plans")
    router.register("receivables", ReceivableViewSet, basename="receivables")
