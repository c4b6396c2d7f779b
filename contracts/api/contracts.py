"""The REST face of contracts and their changes. Money and quantities are text."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from contracts import previews
from contracts.actions import changes, contracts
from contracts.filters.contracts import ChangeFilter, ContractFilter
from contracts.forms.changes import NEW_KINDS
from contracts.models import ChangeOrder, Contract, ContractLine, ContractTemplate, ContractVersion
from contracts.page import figures
from contracts.spreading import Spread
from crm.core.activities.models import Attachment
from crm.core.people.models import Member
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb

ZERO = Decimal(0)
SUM: dict[str, Any] = {"max_digits": 18, "decimal_places": 2}
QUANTITY: dict[str, Any] = {"max_digits": 14, "decimal_places": 3, "min_value": ZERO}
TERMS = contracts.TERMS


class ContractLineSerializer(RecordSerializer):
    class Meta:
        model = ContractLine
        fields = ["id", "product", "description", "quantity", "unit_price", "discount", "tax_code", "amount",
                  "over_delivery"]  # fmt: skip
        read_only_fields = ["amount"]


class ContractSerializer(RecordSerializer):
    """A contract. Everything collected or delivered is derived: read it at …/figures/."""

    lines = ContractLineSerializer(many=True, required=False)
    template = ScopedRelatedField(model=ContractTemplate, required=False, allow_null=True)
    owner = ScopedRelatedField(model=Member, required=False)

    class Meta:
        model = Contract
        fields = [
            "id", "number", "title", "kind", "account", "legal_entity", "opportunity", "template", "quote",
            "renewal_of", "status", "base_amount", "effective_amount", "currency", "sign_date", "effective_on",
            "start_date", "end_date", *TERMS, "nonstandard", "clauses", "signed_hash", "on_paper", "revision",
            "owner", "lines", "version",
        ]  # fmt: skip
        read_only_fields = [
            "number", "quote", "renewal_of", "status", "base_amount", "effective_amount", "currency", "sign_date",
            "effective_on", "clauses", "signed_hash", "on_paper", "revision", "version",
        ]  # fmt: skip

    def validate(self, attrs):
        """Who and through whom stays as it was drafted; hand a contract over by POST …/transfer/."""
        if self.instance is not None:
            for name in ("account", "legal_entity", "template", "owner"):
                attrs.pop(name, None)
        return attrs


class ContractFiguresSerializer(serializers.Serializer):
    delivered = serializers.DecimalField(**SUM)
    planned = serializers.DecimalField(**SUM)
    invoiced = serializers.DecimalField(**SUM)
    collected = serializers.DecimalField(**SUM)
    balance = serializers.DecimalField(**SUM)
    overdue = serializers.DecimalField(**SUM)


class ContractVersionSerializer(RecordSerializer):
    class Meta:
        model = ContractVersion
        fields = ["number", "amount", "effective_at", "change", "hash", "snapshot"]


class ContractVerbSerializer(serializers.Serializer):
    version = serializers.IntegerField(required=False, min_value=1)


class ContractSubmitSerializer(ContractVerbSerializer):
    grounds = serializers.CharField(max_length=500, required=False, allow_blank=True)


class ContractReasonSerializer(ContractVerbSerializer):
    reason = serializers.CharField(max_length=300)


class ContractSignSerializer(ContractVerbSerializer):
    sign_date = serializers.DateField()
    file = ScopedRelatedField(model=Attachment, required=False, allow_null=True)
    on_paper = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ClauseStandingSerializer(serializers.Serializer):
    status = serializers.CharField(max_length=10)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ClausesSerializer(ContractVerbSerializer):
    items = ClauseStandingSerializer(many=True)


class _Acting(RecordViewSet):
    """Verbs that run one action with what a serializer read."""

    def act(self, act, asked: type[serializers.Serializer] = ContractVerbSerializer, *, checks_version: bool = True):
        record, given = self.get_object(), asked(data=self.request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = {name: value for name, value in given.validated_data.items() if name != "version"}
        if checks_version:
            values["expected"] = self.expected_version()
        return self.answer(act(record, by=self.member, **values))


class ContractViewSet(_Acting):
    """Contracts the member may see, with the filters of the list page. A draft is edited by PATCH."""

    model = Contract
    read = "contract.read"
    serializer_class = ContractSerializer
    filterset_class = ContractFilter

    def get_queryset(self):
        return super().get_queryset().prefetch_related("lines")

    def perform_create(self, serializer):
        return contracts.draft_contract(by=self.member, **{"lines": [], **serializer.validated_data})

    def perform_update(self, serializer):
        return contracts.edit_draft(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )

    @extend_schema(responses=ContractFiguresSerializer)
    @action(detail=True, filterset_class=None)
    def figures(self, request, **kwargs):
        return Response(ContractFiguresSerializer(figures(self.get_object())).data)

    @extend_schema(responses=ContractVersionSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def versions(self, request, **kwargs):
        context = self.get_serializer_context()
        return Response(ContractVersionSerializer(self.get_object().versions.all(), many=True, context=context).data)

    @extend_schema(request=ClausesSerializer)
    @verb()
    def clauses(self, request, **kwargs):
        return self.act(contracts.settle_clauses, ClausesSerializer, checks_version=False)

    @extend_schema(request=ContractSubmitSerializer)
    @verb()
    def submit(self, request, **kwargs):
        return self.act(contracts.submit_contract, ContractSubmitSerializer)

    @extend_schema(request=ContractReasonSerializer)
    @verb(url_path="take-back")
    def take_back(self, request, **kwargs):
        return self.act(contracts.take_back, ContractReasonSerializer)

    @extend_schema(request=ContractSignSerializer)
    @verb()
    def sign(self, request, **kwargs):
        return self.act(contracts.sign_contract, ContractSignSerializer)

    @extend_schema(request=ContractVerbSerializer)
    @verb()
    def activate(self, request, **kwargs):
        return self.act(contracts.activate)

    @extend_schema(request=ContractVerbSerializer)
    @verb()
    def perform(self, request, **kwargs):
        return self.act(contracts.start_performing)

    @extend_schema(request=ContractVerbSerializer)
    @verb()
    def complete(self, request, **kwargs):
        return self.act(contracts.complete)

    @extend_schema(request=ContractVerbSerializer)
    @verb()
    def close(self, request, **kwargs):
        return self.act(contracts.close)


class ChangeLineSerializer(serializers.Serializer):
    """A line as it shall be: `line` is the id of one that is there, or null for a new one."""

    line = serializers.IntegerField(allow_null=True)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    product = serializers.IntegerField(required=False, allow_null=True)
    tax_code = serializers.IntegerField(required=False, allow_null=True)
    quantity = serializers.DecimalField(required=False, **QUANTITY)
    unit_price = serializers.DecimalField(required=False, min_value=ZERO, **SUM)
    discount = serializers.DecimalField(required=False, max_digits=5, decimal_places=2, min_value=ZERO)
    amount = serializers.DecimalField(required=False, min_value=ZERO, **SUM)
    over_delivery = serializers.DecimalField(required=False, **QUANTITY)


class ChangeEffectSerializer(serializers.Serializer):
    """What one receivable gains or loses; `receivable` null opens a new one."""

    receivable = serializers.IntegerField(allow_null=True)
    delta = serializers.DecimalField(**SUM)
    kind = serializers.ChoiceField(choices=NEW_KINDS, required=False)
    due_date = serializers.DateField(required=False, allow_null=True)


class ChangeTermsSerializer(serializers.Serializer):
    payment_terms = serializers.CharField(required=False, allow_blank=True)
    delivery_terms = serializers.CharField(required=False, allow_blank=True)
    acceptance_terms = serializers.CharField(required=False, allow_blank=True)
    warranty_terms = serializers.CharField(required=False, allow_blank=True)
    penalty_terms = serializers.CharField(required=False, allow_blank=True)


class ChangeOrderSerializer(RecordSerializer):
    """A change order. Give `delta` (spread over the lines in proportion) or `lines`; `effects` or `how`."""

    lines = serializers.JSONField(read_only=True)
    effects = serializers.JSONField(read_only=True)
    terms = serializers.JSONField(read_only=True)

    class Meta:
        model = ChangeOrder
        fields = [
            "id", "contract", "number", "base_revision", "kind", "grounds", "delta", "lines", "effects", "excess",
            "refund_account", "new_end_date", "terms", "status", "owner", "applied_at", "version",
        ]  # fmt: skip


class ChangeContentSerializer(ContractVerbSerializer):
    """What a change is drafted from."""

    contract = ScopedRelatedField(model=Contract)
    kind = serializers.ChoiceField(choices=ChangeOrder.Kind.choices)
    grounds = serializers.CharField(max_length=2000)
    delta = serializers.DecimalField(required=False, allow_null=True, **SUM)
    lines = ChangeLineSerializer(many=True, required=False)
    effects = ChangeEffectSerializer(many=True, required=False)
    how = serializers.ChoiceField(choices=Spread.choices, required=False)
    target = serializers.IntegerField(required=False, allow_null=True)
    excess = serializers.ChoiceField(choices=ChangeOrder.Excess.choices, required=False)
    refund_account = serializers.CharField(max_length=100, required=False, allow_blank=True)
    new_end_date = serializers.DateField(required=False, allow_null=True)
    terms = ChangeTermsSerializer(required=False)


class ChangePreviewRowSerializer(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]  # a column of the answer, not the field's label
    before = serializers.DecimalField(allow_null=True, **SUM)
    after = serializers.DecimalField(allow_null=True, **SUM)
    note = serializers.CharField()


class ChangePreviewSerializer(serializers.Serializer):
    title = serializers.CharField()
    rows = ChangePreviewRowSerializer(many=True)
    refusals = serializers.ListField(child=serializers.CharField())


class ChangeOrderViewSet(_Acting):
    """Change orders the member may see. POST drafts one; …/preview/ tells what it does; …/submit/ asks for approval."""

    model = ChangeOrder
    read = "contract.read"
    serializer_class = ChangeOrderSerializer
    filterset_class = ChangeFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        return super().get_queryset().select_related("contract")

    def get_serializer_class(self):
        return ChangeContentSerializer if self.action == "create" else ChangeOrderSerializer

    @extend_schema(request=ChangeContentSerializer, responses={201: ChangeOrderSerializer})
    def create(self, request, *args, **kwargs):
        given = ChangeContentSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = {name: value for name, value in given.validated_data.items() if name != "version"}
        change = changes.draft_change(values.pop("contract"), by=self.member, **values)
        return Response(ChangeOrderSerializer(change, context=self.get_serializer_context()).data, status=201)

    @extend_schema(responses=ChangePreviewSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def preview(self, request, **kwargs):
        """Before and after in money; what was decided on stays as it was shown."""
        change = self.get_object()
        tables = previews.plain(previews.preview(change)) if change.is_draft else change.preview
        return Response(tables)

    @extend_schema(request=ContractVerbSerializer)
    @verb()
    def submit(self, request, **kwargs):
        return self.act(changes.submit_change)

    @extend_schema(request=ContractVerbSerializer)
    @verb()
    def discard(self, request, **kwargs):
        return self.act(changes.discard)

    @extend_schema(request=ContractVerbSerializer)
    @verb()
    def again(self, request, **kwargs):
        return self.act(changes.draft_again, checks_version=False)


def register(router) -> None:
    router.register("contracts", ContractViewSet, basename="contracts")
    router.register("change-orders", ChangeOrderViewSet, basename="change-orders")
