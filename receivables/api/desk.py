"""The REST face of bank accounts, statements, bank lines, receipts and allocations."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, parsers, serializers, status
from rest_framework.response import Response

from accounts.models import Account
from contracts.models import Contract
from crm.core.entities.models import LegalEntity
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, action, verb

from ..actions import allocation, payers, statements
from ..actions import desk as acts
from ..actions.periods import posting_late
from ..actions.receipts import post_receipt, reverse_receipt
from ..desk_filters import AllocationFilter, BankAccountFilter, BankLineFilter, ReceiptFilter, StatementFilter
from ..desk_page import focus_on, focused
from ..models import Allocation, BankAccount, BankLine, Receipt, Receivable, StatementFile

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 2}


class BankAccountSerializer(RecordSerializer):
    class Meta:
        model = BankAccount
        fields = ["id", "legal_entity", "name", "bank", "number", "currency", "is_active", "version"]
        read_only_fields = ["version"]


class BankAccountViewSet(RecordViewSet):
    """Accounts of our own at banks; finance reads and changes them."""

    model = BankAccount
    read = "bank.import"
    serializer_class = BankAccountSerializer
    filterset_class = BankAccountFilter

    def perform_create(self, serializer):
        return statements.create_bank_account(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return statements.update_bank_account(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )


class StatementSerializer(RecordSerializer):
    """A bank statement. POST it as multipart: `file` and `bank_account`; its lines are entered at once.

    `columns` says which header is which field where the layout is not recognised.
    """

    file = serializers.FileField(write_only=True)
    columns = serializers.JSONField(required=False)

    class Meta:
        model = StatementFile
        fields = [
            "id", "bank_account", "file", "columns", "name", "status", "lines_new", "lines_known", "first_day",
            "last_day", "gaps", "version",
        ]  # fmt: skip
        read_only_fields = ["name", "status", "lines_new", "lines_known", "first_day", "last_day", "gaps", "version"]

    def validate_columns(self, value):
        if not isinstance(value, dict) or not all(isinstance(header, str) for header in value.values()):
            raise serializers.ValidationError("Send an object: field → header.")
        return value


class StatementViewSet(RecordViewSet):
    """Statements brought so far. 409 FILE_ALREADY_IMPORTED for a file that is in already."""

    model = StatementFile
    read = "bank.import"
    serializer_class = StatementSerializer
    filterset_class = StatementFilter
    parser_classes = [parsers.MultiPartParser, parsers.FormParser, parsers.JSONParser]
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        data = serializer.validated_data
        statement = statements.upload_statement(data["bank_account"], by=self.member, file=data["file"])
        if columns := data.get("columns"):
            statements.choose_columns(statement, columns, by=self.member)
        return statements.import_statement(statement, by=self.member)


class BankLineSerializer(RecordSerializer):
    """A line of a statement; `left` of its credit is not booked yet."""

    left = serializers.SerializerMethodField()

    class Meta:
        model = BankLine
        fields = [
            "id", "bank_account", "statement", "day", "time", "credit", "debit", "running_balance", "counterparty",
            "counterparty_account", "counterparty_bank", "summary", "memo", "txn_no", "left",
        ]  # fmt: skip
        read_only_fields = fields

    def get_left(self, line) -> str:
        return str(next((one.left for one in line.incoming.all()), Decimal("0.00")))


class ShareSerializer(serializers.Serializer):
    receivable = ScopedRelatedField(model=Receivable)
    amount = serializers.DecimalField(min_value=Decimal("0.01"), **MONEY)


class LineAcceptSerializer(serializers.Serializer):
    """What a bank line was paid for. What the shares do not use stays on the customer's account."""

    account = ScopedRelatedField(model=Account)
    shares = ShareSerializer(many=True, required=False)
    amount = serializers.DecimalField(min_value=Decimal("0.01"), required=False, **MONEY)
    contract = ScopedRelatedField(model=Contract, required=False)
    approve_payer = serializers.BooleanField(default=False)
    drop_difference = serializers.BooleanField(default=False)


class LineAsideSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=300)


class ProposalShareSerializer(serializers.Serializer):
    receivable = serializers.IntegerField()
    number = serializers.CharField()
    amount = serializers.DecimalField(**MONEY)


class ProposalSerializer(serializers.Serializer):
    """Who may have paid and what for; `score` in percent, `reasons` in sentences."""

    account = serializers.IntegerField(source="account_id")
    account_name = serializers.CharField()
    score = serializers.IntegerField()
    certain = serializers.BooleanField()
    third_party = serializers.BooleanField()
    rule = serializers.CharField()
    left = serializers.DecimalField(**MONEY)
    reasons = serializers.ListField(child=serializers.CharField())
    shares = serializers.SerializerMethodField()

    @extend_schema(responses=ProposalShareSerializer(many=True))
    def get_shares(self, one) -> list[dict]:
        return [{"receivable": owed.pk, "number": owed.number, "amount": str(amount)} for owed, amount in one.items]


def shares_of(given) -> dict[int, Decimal]:
    shares: dict[int, Decimal] = {}
    for share in given or ():
        shares[share["receivable"].pk] = shares.get(share["receivable"].pk, Decimal(0)) + share["amount"]
    return shares


def asked(view, serializer_class):
    """What the request says, read by a serializer."""
    given = serializer_class(data=view.request.data, context=view.get_serializer_context())
    given.is_valid(raise_exception=True)
    return given.validated_data


class BankLineViewSet(RecordViewSet):
    """Lines of statements, never changed; `GET …/<id>/proposals/` ranks what a line was paid for."""

    model = BankLine
    read = "bank.import"
    serializer_class = BankLineSerializer
    filterset_class = BankLineFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        return super().get_queryset().prefetch_related("incoming")

    @extend_schema(exclude=True)
    def create(self, request, *args, **kwargs):
        """Lines come with statements."""
        require(self.member, self.read)
        raise exceptions.MethodNotAllowed("POST")

    @extend_schema(responses=ProposalSerializer(many=True))
    @action(detail=True, pagination_class=None, filterset_class=None)
    def proposals(self, request, **kwargs):
        rows = focused(self.member, [self.get_object().pk])
        return Response(ProposalSerializer(focus_on(rows, self.member).found if rows else [], many=True).data)

    @extend_schema(request=LineAcceptSerializer)
    @verb()
    def accept(self, request, **kwargs):
        line, data = self.get_object(), asked(self, LineAcceptSerializer)
        acts.accept([line], by=self.member, **{**data, "shares": shares_of(data.pop("shares", ()))})
        return self.answer(line, status.HTTP_201_CREATED)

    @extend_schema(request=LineAsideSerializer)
    @verb(url_path="set-aside")
    def set_aside(self, request, **kwargs):
        line = self.get_object()
        acts.set_aside([line], by=self.member, reason=asked(self, LineAsideSerializer)["reason"])
        return self.answer(line)

    @extend_schema(request=None)
    @verb(url_path="take-back")
    def take_back(self, request, **kwargs):
        line = self.get_object()
        acts.take_back(line, by=self.member)
        return self.answer(line)


class ReceiptSerializer(RecordSerializer):
    """Money that came in; amount = allocated + reserved + refunded + unallocated."""

    legal_entity = ScopedRelatedField(model=LegalEntity)
    automatic = serializers.BooleanField(write_only=True, default=True)
    approve_payer = serializers.BooleanField(write_only=True, default=False)
    late_reason = serializers.CharField(
        write_only=True, required=False, allow_blank=True, max_length=300,
        help_text="Of the finance lead only: why it is posted into a soft-closed month.",
    )  # fmt: skip

    class Meta:
        model = Receipt
        fields = [
            "id", "number", "account", "payer", "legal_entity", "contract", "method", "currency", "amount",
            "received_on", "bank_line", "note", "allocated", "reserved", "refunded", "unallocated", "status",
            "automatic", "approve_payer", "late_reason", "version",
        ]  # fmt: skip
        read_only_fields = [
            "number", "currency", "bank_line", "allocated", "reserved", "refunded", "unallocated", "status", "version",
        ]  # fmt: skip


class ReceiptReverseSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=300)
    release = serializers.BooleanField(default=False, help_text="Take back its allocations in the same transaction.")


class ReceiptAllocateSerializer(serializers.Serializer):
    """Amounts by receivable; without any, the receipt is allocated by the rules."""

    shares = ShareSerializer(many=True, required=False)


class ReceiptViewSet(RecordViewSet):
    """Receipts. POST books money that came otherwise than by a bank line, and allocates it unless told not to."""

    model = Receipt
    read = "receipt.read"
    serializer_class = ReceiptSerializer
    filterset_class = ReceiptFilter
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        values = dict(serializer.validated_data)
        approve, late = values.pop("approve_payer"), values.pop("late_reason", "")
        require(self.member, "receipt.post")
        if values.get("account"):
            payers.admit(values["account"], values.get("payer", ""), by=self.member, approve=approve)
        with posting_late(by=self.member, reason=late):
            return post_receipt(by=self.member, **values)

    @extend_schema(request=ReceiptReverseSerializer)
    @verb()
    def reverse(self, request, **kwargs):
        return self.answer(reverse_receipt(self.get_object(), by=self.member, **asked(self, ReceiptReverseSerializer)))

    @extend_schema(request=ReceiptAllocateSerializer)
    @verb()
    def allocate(self, request, **kwargs):
        receipt, shares = self.get_object(), shares_of(asked(self, ReceiptAllocateSerializer).get("shares"))
        if shares:
            allocation.allocate(receipt, shares, by=self.member)
        else:
            allocation.allocate_automatically(receipt, by=self.member)
        return self.answer(receipt)


class AllocationSerializer(RecordSerializer):
    """Money of a receipt used for a receivable; a negative row takes back the one it names in `reverses`."""

    receipt = ScopedRelatedField(model=Receipt)
    receivable = ScopedRelatedField(model=Receivable)
    amount = serializers.DecimalField(min_value=Decimal("0.01"), **MONEY)

    class Meta:
        model = Allocation
        fields = ["id", "receipt", "receivable", "amount", "rule", "effective_date", "recorded_at", "reverses", "batch"]
        read_only_fields = ["rule", "effective_date", "recorded_at", "reverses", "batch"]


class AllocationReverseSerializer(serializers.Serializer):
    amount = serializers.DecimalField(
        min_value=Decimal("0.01"), required=False, help_text="All that is left of it when it is not given.", **MONEY
    )


class AllocationViewSet(RecordViewSet):
    """What receipts were used for, with reversals; rows are added, never changed."""

    model = Allocation
    read = "receipt.read"
    serializer_class = AllocationSerializer
    filterset_class = AllocationFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        return rows.filter(receipt__in=Receipt.objects.visible_to(self.member).values("pk"))

    def perform_create(self, serializer):
        data = serializer.validated_data
        return allocation.allocate(data["receipt"], {data["receivable"].pk: data["amount"]}, by=self.member)[0]

    @extend_schema(request=AllocationReverseSerializer)
    @verb()
    def reverse(self, request, **kwargs):
        amount = asked(self, AllocationReverseSerializer).get("amount")
        return self.answer(allocation.unallocate(self.get_object(), amount, by=self.member), status.HTTP_201_CREATED)


def register(router) -> None:
    router.register("bank-accounts", BankAccountViewSet, basename="bank-accounts")
    router.register("statements", StatementViewSet, basename="statements")
    router.register("bank-lines", BankLineViewSet, basename="bank-lines")
    router.register("receipts", ReceiptViewSet, basename="receipts")
    router.register("allocations", AllocationViewSet, basename="allocations")
