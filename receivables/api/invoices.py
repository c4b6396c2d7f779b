"""Invoice requests and invoices over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from contracts.models import Contract, TaxCode
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb

from ..actions import invoices, reds, transmission
from ..filters import InvoiceFilter, InvoiceRequestFilter
from ..models import Invoice, InvoiceLine, InvoiceRequest, InvoiceShare, Receivable
from ..models.invoices import Confirmation, Kind, Medium, Reason

AMOUNT: dict[str, Any] = {"max_digits": 18, "decimal_places": 2}


class InvoiceLineSerializer(serializers.ModelSerializer):
    class Meta:
        model = InvoiceLine
        fields = ["id", "blue_line", "description", "tax_code", "rate", "net", "tax", "gross"]
        read_only_fields = fields


class InvoiceShareSerializer(serializers.ModelSerializer):
    class Meta:
        model = InvoiceShare
        fields = ["receivable", "amount"]
        read_only_fields = fields


class InvoiceSerializer(RecordSerializer):
    """An issued document, never changed. A red one has negative amounts and names its blue."""

    lines = InvoiceLineSerializer(many=True, read_only=True)
    shares = InvoiceShareSerializer(many=True, read_only=True)
    is_void = serializers.BooleanField(read_only=True)

    class Meta:
        model = Invoice
        fields = [
            "id", "number", "kind", "medium", "is_red", "blue", "date", "account", "contract", "legal_entity", "buyer",
            "net", "tax", "gross", "is_void", "lines", "shares",
        ]  # fmt: skip
        read_only_fields = fields


class InvoiceAmountSerializer(serializers.Serializer):
    receivable = ScopedRelatedField(model=Receivable)
    amount = serializers.DecimalField(**AMOUNT, min_value=0)


class RedLineSerializer(serializers.Serializer):
    line = serializers.IntegerField(min_value=1)
    gross = serializers.DecimalField(**AMOUNT, min_value=0)


class RedInvoiceSerializer(serializers.Serializer):
    """A red of this invoice: amounts per receivable (positive), and which lines it takes back, if not all alike."""

    amounts = InvoiceAmountSerializer(many=True)
    reason_code = serializers.ChoiceField(choices=Reason.choices)
    lines = RedLineSerializer(many=True, required=False)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class InvoiceReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=300)


class BuyerSerializer(serializers.Serializer):
    """As it shall stand on the invoice; what is left out comes from the customer."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    uscc = serializers.CharField(max_length=40, required=False, allow_blank=True)
    address = serializers.CharField(max_length=300, required=False, allow_blank=True)
    bank = serializers.CharField(max_length=300, required=False, allow_blank=True)


class InvoiceRequestSerializer(RecordSerializer):
    """One receivable's part of a request; requests of one `group` are issued as one document."""

    buyer = BuyerSerializer(required=False)

    class Meta:
        model = InvoiceRequest
        fields = [
            "id", "group", "contract", "receivable", "amount", "kind", "medium", "buyer", "tax_code", "note", "status",
            "error", "invoice", "is_red", "blue", "reason_code", "confirmation", "confirmation_due", "change",
            "version",
        ]  # fmt: skip
        read_only_fields = fields


class NewInvoiceRequestSerializer(serializers.Serializer):
    contract = ScopedRelatedField(model=Contract)
    amounts = InvoiceAmountSerializer(many=True)
    kind = serializers.ChoiceField(choices=Kind.choices, default=Kind.SPECIAL)
    medium = serializers.ChoiceField(choices=Medium.choices, default=Medium.DIGITAL)
    buyer = BuyerSerializer(required=False)
    tax_code = ScopedRelatedField(model=TaxCode, required=False, allow_null=True)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class IssuedLineSerializer(serializers.Serializer):
    """A position as the tax bureau printed it; net + tax is its gross."""

    description = serializers.CharField(max_length=300)
    tax_code = ScopedRelatedField(model=TaxCode)
    net = serializers.DecimalField(**AMOUNT)
    tax = serializers.DecimalField(**AMOUNT)


class InvoiceVersionSerializer(serializers.Serializer):
    version = serializers.IntegerField(required=False, min_value=1)


class IssueSerializer(InvoiceVersionSerializer):
    number = serializers.CharField(max_length=20)
    date = serializers.DateField()
    lines = IssuedLineSerializer(many=True, required=False)


class ConfirmationSerializer(InvoiceVersionSerializer):
    code = serializers.ChoiceField(choices=[choice for choice in Confirmation.choices if choice[0]])


def _amounts(rows) -> dict:
    return {row["receivable"].pk: row["amount"] for row in rows}


class InvoiceRequestViewSet(RecordViewSet):
    """Ask with POST; finance approves, issues, or sends through the tax bureau's channel."""

    model = InvoiceRequest
    read = "invoice.read"
    serializer_class = InvoiceRequestSerializer
    filterset_class = InvoiceRequestFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        return super().get_queryset().select_related("contract", "blue")

    @extend_schema(request=NewInvoiceRequestSerializer, responses={201: InvoiceRequestSerializer(many=True)})
    def create(self, request, *args, **kwargs):
        require(self.member, "invoice.request")
        given = self.read_body(NewInvoiceRequestSerializer)
        contract, amounts = given.pop("contract"), _amounts(given.pop("amounts"))
        rows = invoices.request_invoice(contract, amounts, by=self.member, **given)
        return Response(self.get_serializer(rows, many=True).data, status=status.HTTP_201_CREATED)

    def read_body(self, serializer_class) -> dict:
        given = serializer_class(data=self.request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        return {name: value for name, value in given.validated_data.items() if name != "version"}

    def how(self) -> dict:
        return {"by": self.member, "expected": self.expected_version()}

    @extend_schema(request=InvoiceVersionSerializer)
    @verb()
    def approve(self, request, **kwargs):
        return self.answer(invoices.approve_request(self.get_object(), **self.how()))

    @extend_schema(request=InvoiceReasonSerializer)
    @verb()
    def drop(self, request, **kwargs):
        asked, given = self.get_object(), self.read_body(InvoiceReasonSerializer)
        return self.answer(invoices.drop_request(asked, **self.how(), **given))

    @extend_schema(request=InvoiceVersionSerializer)
    @verb()
    def send(self, request, **kwargs):
        return self.answer(transmission.transmit(self.get_object(), **self.how()))

    @extend_schema(request=ConfirmationSerializer)
    @verb()
    def confirmation(self, request, **kwargs):
        asked, given = self.get_object(), self.read_body(ConfirmationSerializer)
        return self.answer(reds.set_confirmation(asked, given["code"], **self.how()))

    @extend_schema(request=IssueSerializer, responses={201: InvoiceSerializer})
    @verb()
    def issue(self, request, **kwargs):
        asked = self.get_object()
        require(self.member, "invoice.issue")
        invoice = invoices.issue_invoice(asked, **self.how(), **self.read_body(IssueSerializer))
        data = InvoiceSerializer(invoice, context=self.get_serializer_context()).data
        return Response(data, status=status.HTTP_201_CREATED)


class InvoiceViewSet(RecordViewSet):
    """Issued invoices. They are corrected by POST …/red/, and paper ones voided in their month by POST …/void/."""

    model = Invoice
    read = "invoice.read"
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        return super().get_queryset().prefetch_related("lines", "shares", "voids")

    @extend_schema(exclude=True)
    def create(self, request, *args, **kwargs):
        return self.http_method_not_allowed(request, *args, **kwargs)

    @extend_schema(request=RedInvoiceSerializer, responses={201: InvoiceRequestSerializer(many=True)})
    @verb()
    def red(self, request, **kwargs):
        blue = self.get_object()
        require(self.member, "invoice.issue")
        given = RedInvoiceSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        amounts = _amounts(given.validated_data.pop("amounts"))
        rows = reds.request_red(blue, amounts, by=self.member, **given.validated_data)
        data = InvoiceRequestSerializer(rows, many=True, context=self.get_serializer_context()).data
        return Response(data, status=status.HTTP_201_CREATED)

    @extend_schema(request=InvoiceReasonSerializer)
    @verb()
    def void(self, request, **kwargs):
        invoice = self.get_object()
        require(self.member, "invoice.issue")
        given = InvoiceReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return self.answer(invoices.void_invoice(invoice, by=self.member, **given.validated_data))


def register(router) -> None:
    router.register("invoice-requests", InvoiceRequestViewSet, basename="invoice-requests")
    router.register("invoices", InvoiceViewSet, basename="invoices")
