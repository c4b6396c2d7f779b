"""The REST face of refunds, write-offs, periods, provisions and credit classes."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.models import Account
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb
from receivables.actions import credit, periods, provisions, refunds, write_offs
from receivables.closing_filters import CreditFilter, PeriodFilter, RefundFilter, RunFilter, WriteOffFilter
from receivables.forms.closing import LEAST
from receivables.models import (
    CreditClass,
    Period,
    ProvisionLine,
    ProvisionMatrix,
    ProvisionRun,
    Receipt,
    Receivable,
    Refund,
    WriteOff,
)

AMOUNT: dict[str, Any] = {"max_digits": 18, "decimal_places": 2, "min_value": LEAST}


class ClosingSerializer(serializers.Serializer):
    """What a verb is told; relations offer what the member may see."""

    def values(self) -> dict:
        self.is_valid(raise_exception=True)
        return dict(self.validated_data)


class WhySerializer(ClosingSerializer):
    reason = serializers.CharField(max_length=2000)


class RefundSerializer(RecordSerializer):
    """A refund. Ask with receipt, amount, reason and, unless it goes where it came from, payee_account."""

    reason = serializers.CharField(source="grounds", max_length=2000)
    payee_account = serializers.CharField(max_length=100, required=False, allow_blank=True)
    amount = serializers.DecimalField(**AMOUNT)
    receipt = ScopedRelatedField(model=Receipt)

    class Meta:
        model = Refund
        fields = [
            "id", "number", "receipt", "amount", "reason", "payee_account", "other_account", "change", "status",
            "created_by", "created_at", "approved_by", "paid_on", "payment_ref", "version",
        ]  # fmt: skip
        read_only_fields = [
            "number", "other_account", "change", "status", "created_by", "created_at", "approved_by", "paid_on",
            "payment_ref", "version",
        ]  # fmt: skip


class PaymentSerializer(ClosingSerializer):
    payment_ref = serializers.CharField(max_length=60)
    paid_on = serializers.DateField()


class RefundViewSet(RecordViewSet):
    """Refunds the member may see. Approval runs through approval-tasks; finance marks them paid."""

    model = Refund
    read = "refund.read"
    serializer_class = RefundSerializer
    filterset_class = RefundFilter
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        given = dict(serializer.validated_data)
        return refunds.request_refund(given.pop("receipt"), by=self.member, reason=given.pop("grounds"), **given)

    @extend_schema(request=PaymentSerializer)
    @verb()
    def pay(self, request, **kwargs):
        found, given = self.get_object(), PaymentSerializer(data=request.data).values()
        return self.answer(refunds.pay_refund(found, by=self.member, **given))

    @extend_schema(request=WhySerializer)
    @verb()
    def cancel(self, request, **kwargs):
        found, given = self.get_object(), WhySerializer(data=request.data).values()
        return self.answer(refunds.cancel_refund(found, by=self.member, **given))


class WriteOffSerializer(RecordSerializer):
    """Bad debt. Two persons approve it; `recovered` is what came in later."""

    reason = serializers.CharField(source="grounds", max_length=2000)
    amount = serializers.DecimalField(**AMOUNT)
    receivable = ScopedRelatedField(model=Receivable)

    class Meta:
        model = WriteOff
        fields = ["id", "receivable", "amount", "reason", "recovered", "status", "effective_date", "created_by",
                  "created_at", "version"]  # fmt: skip
        read_only_fields = ["recovered", "status", "effective_date", "created_by", "created_at", "version"]


class RecoverySerializer(ClosingSerializer):
    receipt = ScopedRelatedField(model=Receipt)
    amount = serializers.DecimalField(**AMOUNT)


class WriteOffViewSet(RecordViewSet):
    model = WriteOff
    read = "write_off.read"
    serializer_class = WriteOffSerializer
    filterset_class = WriteOffFilter
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        given = dict(serializer.validated_data)
        return write_offs.request_write_off(
            given["receivable"], by=self.member, amount=given["amount"], reason=given["grounds"]
        )

    @extend_schema(request=RecoverySerializer)
    @verb()
    def recover(self, request, **kwargs):
        """Use a receipt for what was written off: the write-off is reversed by the amount first."""
        found = self.get_object()
        given = RecoverySerializer(data=request.data, context=self.get_serializer_context()).values()
        write_offs.recover(found, by=self.member, **given)
        return self.answer(found)


class PeriodSerializer(RecordSerializer):
    """One month of a legal entity, named by its first day. A month that is not listed is open."""

    class Meta:
        model = Period
        fields = ["id", "legal_entity", "month", "status", "reopen_requested_by", "reopen_reason", "version"]
        read_only_fields = ["status", "reopen_requested_by", "reopen_reason", "version"]


class PeriodViewSet(RecordViewSet):
    """POST soft-closes a month; the verbs close it and open it again."""

    model = Period
    read = "period.read"
    serializer_class = PeriodSerializer
    filterset_class = PeriodFilter
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        given = serializer.validated_data
        return periods.soft_close(given["legal_entity"], given["month"], by=self.member)

    @extend_schema(request=None)
    @verb()
    def close(self, request, **kwargs):
        found = self.get_object()
        return self.answer(periods.close(found.legal_entity, found.month, by=self.member))

    @extend_schema(request=WhySerializer)
    @verb(url_path="open-again")
    def open_again(self, request, **kwargs):
        return self._why(periods.open_again)

    @extend_schema(request=WhySerializer)
    @verb(url_path="request-reopen")
    def request_reopen(self, request, **kwargs):
        return self._why(periods.request_reopen)

    @extend_schema(request=None)
    @verb(url_path="approve-reopen")
    def approve_reopen(self, request, **kwargs):
        return self.answer(periods.approve_reopen(self.get_object(), by=self.member))

    @extend_schema(request=WhySerializer)
    @verb(url_path="refuse-reopen")
    def refuse_reopen(self, request, **kwargs):
        return self._why(periods.refuse_reopen)

    def _why(self, step) -> Response:
        found, given = self.get_object(), WhySerializer(data=self.request.data).values()
        return self.answer(step(found, by=self.member, **given))


class ProvisionLineSerializer(serializers.ModelSerializer):
    class Meta:
        model = ProvisionLine
        fields = ["credit_class", "bucket", "receivable", "balance", "rate", "amount"]


class ProvisionSerializer(RecordSerializer):
    """closing = opening + charge − written_off + recovered. POST with any day of the month posts the run."""

    lines = ProvisionLineSerializer(many=True, read_only=True)
    opening = serializers.DecimalField(max_digits=18, decimal_places=2, min_value=0, required=False)

    class Meta:
        model = ProvisionRun
        fields = ["id", "legal_entity", "month", "as_of", "opening", "charge", "written_off", "recovered", "closing",
                  "lines"]  # fmt: skip
        read_only_fields = ["as_of", "charge", "written_off", "recovered", "closing"]


class ProvisionRunViewSet(RecordViewSet):
    model = ProvisionRun
    read = "provision.read"
    serializer_class = ProvisionSerializer
    filterset_class = RunFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        return super().get_queryset().filter(is_posted=True).prefetch_related("lines")

    def perform_create(self, serializer):
        given = serializer.validated_data
        return provisions.post_run(given["legal_entity"], given["month"], by=self.member, opening=given.get("opening"))

    @extend_schema(
        parameters=[
            OpenApiParameter("legal_entity", int, required=True), OpenApiParameter("month", str, required=True)
        ],
        responses=ProvisionSerializer, filters=False,
    )  # fmt: skip
    @action(detail=False)
    def preview(self, request, **kwargs):
        """What the run of a month would post; nothing is written."""
        require(self.member, "provision.run")
        asked = PeriodSerializer(data=request.query_params, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        draft = provisions.preview(given["legal_entity"], given["month"], by=self.member)
        return Response(self.get_serializer(draft).data)


class MatrixSerializer(RecordSerializer):
    """Rates as shares from 0 to 1: {"B": ["0.005", …]}, one for each bucket that ends at `bounds`."""

    rates = serializers.DictField(
        child=serializers.ListField(
            child=serializers.DecimalField(max_digits=9, decimal_places=6, min_value=0, max_value=1)
        ),
        help_text=_("A class and its rates, one for each bucket."),
    )

    class Meta:
        model = ProvisionMatrix
        fields = ["id", "legal_entity", "valid_from", "bounds", "rates"]
        read_only_fields = ["bounds"]


class MatrixViewSet(RecordViewSet):
    model = ProvisionMatrix
    read = "provision.read"
    serializer_class = MatrixSerializer
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        given = serializer.validated_data
        return provisions.set_matrix(
            given["legal_entity"], by=self.member, valid_from=given["valid_from"], rates=given["rates"]
        )


class CreditSerializer(RecordSerializer):
    """Class A to D, limit in the company's currency, days to pay. POST sets it, also when there is one."""

    account = ScopedRelatedField(model=Account)

    class Meta:
        model = CreditClass
        fields = ["id", "account", "letter", "limit", "days", "version"]
        read_only_fields = ["version"]


class CreditViewSet(RecordViewSet):
    model = CreditClass
    read = "receivable.read"
    serializer_class = CreditSerializer
    filterset_class = CreditFilter
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        given = {"letter": credit.DEFAULT, **serializer.validated_data}
        return credit.set_credit(given.pop("account"), by=self.member, expected=self.expected_version(), **given)


def register(router) -> None:
    """Add this part of the REST face."""
    router.register("refunds", RefundViewSet, basename="refunds")
    router.register("write-offs", WriteOffViewSet, basename="write-offs")
    router.register("periods", PeriodViewSet, basename="periods")
    router.register("provision-runs", ProvisionRunViewSet, basename="provision-runs")
    router.register("provision-rates", MatrixViewSet, basename="provision-rates")
    router.register("credit-classes", CreditViewSet, basename="credit-classes")
