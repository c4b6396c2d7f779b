"""Customers and contacts over REST."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from crm.core.people.models import Member
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb

from . import actions
from .filters import AccountFilter, ContactFilter
from .models import Account, Contact


class AccountSerializer(RecordSerializer):
    owner = ScopedRelatedField(model=Member, required=False, help_text="At creation only; see transfer.")
    uscc_is_valid = serializers.SerializerMethodField()
    collaborators = serializers.SerializerMethodField()
    decided = serializers.BooleanField(write_only=True, required=False, help_text="Create although it may be known.")

    class Meta:
        model = Account
        fields = [
            "id", "name", "uscc", "uscc_is_valid", "kind", "parent", "region", "industry", "size_band", "employees",
            "annual_revenue", "founded_year", "phone", "website", "address", "description", "status", "owner",
            "collaborators", "last_followup_at", "is_placeholder", "decided", "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["status", "last_followup_at", "is_placeholder", "version", "created_at", "updated_at"]

    def get_uscc_is_valid(self, account) -> bool | None:
        """Null without a code; a wrong check digit is a warning, the code is kept."""
        return bool(account.valid_uscc) if account.uscc else None

    def get_collaborators(self, account) -> list[int]:
        return sorted(seat.member_id for seat in account.collaborations.all())


class TransferSerializer(serializers.Serializer):
    to = ScopedRelatedField(model=Member)
    reason = serializers.CharField(max_length=300)


class CollaboratorSerializer(serializers.Serializer):
    member = ScopedRelatedField(model=Member)


class AccountViewSet(RecordViewSet):
    """Customers. Creating one that may be known answers 409 DUPLICATE with hits; send `decided` to go on."""

    model = Account
    read = "account.read"
    serializer_class = AccountSerializer
    filterset_class = AccountFilter

    def get_queryset(self):
        return super().get_queryset().prefetch_related("collaborations")

    def perform_create(self, serializer):
        return actions.enter_account(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        values = {name: value for name, value in serializer.validated_data.items() if name not in ("owner", "decided")}
        return actions.update_account(serializer.instance, by=self.member, expected=self.expected_version(), **values)

    @extend_schema(request=TransferSerializer)
    @verb()
    def transfer(self, request, **kwargs):
        return self.answer(
            actions.transfer_account(self.get_object(), by=self.member, **self.read_body(TransferSerializer))
        )

    @extend_schema(request=CollaboratorSerializer)
    @verb()
    def add_collaborator(self, request, **kwargs):
        account = self.get_object()
        actions.add_collaborator(account, by=self.member, **self.read_body(CollaboratorSerializer))
        return self.answer(account)

    @extend_schema(request=CollaboratorSerializer)
    @verb()
    def remove_collaborator(self, request, **kwargs):
        account = self.get_object()
        actions.remove_collaborator(account, by=self.member, **self.read_body(CollaboratorSerializer))
        return self.answer(account)

    def read_body(self, serializer_class) -> dict:
        body = serializer_class(data=self.request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return body.validated_data


class ContactSerializer(RecordSerializer):
    class Meta:
        model = Contact
        fields = [
            "id", "account", "name", "title", "phone", "email", "wechat", "note", "has_left", "version", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = ["version", "created_at", "updated_at"]


class ContactViewSet(RecordViewSet):
    """People at customers; `?account=` gives those of one."""

    model = Contact
    read = "account.read"
    serializer_class = ContactSerializer
    filterset_class = ContactFilter

    def get_queryset(self):
        return super().get_queryset().select_related("account")

    def perform_create(self, serializer):
        values = dict(serializer.validated_data)
        return actions.add_contact(values.pop("account"), by=self.member, **values)

    def perform_update(self, serializer):
        expected = self.expected_version()
        return actions.update_contact(
            serializer.instance, by=self.member, expected=expected, **serializer.validated_data
        )


def register(router) -> None:
    router.register("accounts", AccountViewSet, basename="accounts")
    router.register("contacts", ContactViewSet, basename="contacts")
