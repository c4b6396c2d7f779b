"""Quotes over REST, their lines nested: PATCH with `lines` replaces all of them."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from contracts import offers
from contracts.actions import quotes as actions
from contracts.filters.quotes import QuoteFilter
from contracts.models import Contract, Quote, QuoteLine
from crm.core.entities.models import LegalEntity
from crm.core.people.reach import may
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb

LINE = ["id", "order", "product", "description", "quantity", "unit_price", "discount", "tax_code", "is_gift", "amount"]


class QuoteLineSerializer(RecordSerializer):
    """Prices are tax-inclusive; `amount` = quantity × unit_price × (1 − discount %), rounded half up."""

    class Meta:
        model = QuoteLine
        fields = LINE
        read_only_fields = ["id", "order", "amount"]


class QuoteSerializer(RecordSerializer):
    """One version of an offer. `link` is the customer's address while the quote is out, for whoever may send it."""

    lines = QuoteLineSerializer(many=True, required=False)
    legal_entity = ScopedRelatedField(model=LegalEntity, required=False)
    title = serializers.CharField(max_length=200, required=False)
    valid_until = serializers.DateField(required=False)
    needs_approval = serializers.SerializerMethodField()
    link = serializers.SerializerMethodField()

    class Meta:
        model = Quote
        fields = [
            "id", "number", "revision", "title", "opportunity", "account", "contact", "legal_entity", "price_list",
            "valid_until", "currency", "amount", "list_amount", "below_floor", "needs_approval", "discount_reason",
            "payment_terms", "delivery_terms", "acceptance_terms", "warranty_terms", "penalty_terms", "nonstandard",
            "status", "owner", "sent_at", "accepted_at", "accepted_name", "declined_at", "declined_grounds", "link",
            "lines", "version", "created_at",
        ]  # fmt: skip
        read_only_fields = ["account", "version", "created_at"]

    def get_needs_approval(self, quote: Quote) -> bool:
        return actions.needs_approval(quote)

    def get_link(self, quote: Quote) -> str:
        if quote.status != Quote.Status.SENT or not may(self.member, "quote.update", quote):
            return ""
        return self.context["request"].build_absolute_uri(offers.path_of(quote, self.member.tenant.slug))

    def validate(self, attrs):
        if (
            self.instance is not None
            and attrs.get("opportunity", self.instance.opportunity) != self.instance.opportunity
        ):
            raise serializers.ValidationError({"opportunity": ["A quote stays with its deal. Make another quote."]})
        return attrs


class QuoteVerbSerializer(serializers.Serializer):
    version = serializers.IntegerField(required=False, min_value=1)


class QuoteSubmitSerializer(QuoteVerbSerializer):
    grounds = serializers.CharField(max_length=300, required=False, allow_blank=True)


class QuoteAcceptSerializer(QuoteVerbSerializer):
    name = serializers.CharField(max_length=100)


class QuoteDeclineSerializer(QuoteVerbSerializer):
    grounds = serializers.CharField(max_length=300)


class QuoteContractSerializer(serializers.Serializer):
    """The contract that was made of a quote."""

    contract = serializers.IntegerField()


class QuoteViewSet(RecordViewSet):
    """Quotes the member may see. `submit` makes a quote ready at once within the floors, else asks for approval."""

    model = Quote
    read = "quote.read"
    serializer_class = QuoteSerializer
    filterset_class = QuoteFilter

    def get_queryset(self):
        return super().get_queryset().prefetch_related("lines")

    def perform_create(self, serializer):
        return actions.create_quote(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        values = {name: value for name, value in serializer.validated_data.items() if name != "opportunity"}
        return actions.update_quote(serializer.instance, by=self.member, expected=self.expected_version(), **values)

    def act(self, action, asked: type[QuoteVerbSerializer] = QuoteVerbSerializer):
        """Run one verb with what its serializer read."""
        quote, given = self.get_object(), asked(data=self.request.data)
        given.is_valid(raise_exception=True)
        values = {name: value for name, value in given.validated_data.items() if name != "version"}
        return self.answer(action(quote, by=self.member, expected=self.expected_version(), **values))

    @extend_schema(request=QuoteSubmitSerializer)
    @verb()
    def submit(self, request, **kwargs):
        return self.act(actions.submit_quote, QuoteSubmitSerializer)

    @extend_schema(request=QuoteVerbSerializer)
    @verb()
    def reopen(self, request, **kwargs):
        return self.act(actions.reopen_quote)

    @extend_schema(request=QuoteVerbSerializer)
    @verb()
    def send(self, request, **kwargs):
        return self.act(actions.send_quote)

    @extend_schema(request=QuoteAcceptSerializer)
    @verb()
    def accept(self, request, **kwargs):
        return self.act(actions.accept_quote, QuoteAcceptSerializer)

    @extend_schema(request=QuoteDeclineSerializer)
    @verb()
    def decline(self, request, **kwargs):
        return self.act(actions.decline_quote, QuoteDeclineSerializer)

    @extend_schema(request=QuoteVerbSerializer)
    @verb(url_path="new-version")
    def new_version(self, request, **kwargs):
        return self.act(actions.new_version)

    @extend_schema(request=None, responses=QuoteContractSerializer)
    @verb(url_path="to-contract")
    def to_contract(self, request, **kwargs):
        """The contract made of an accepted quote; the second call answers with the same one."""
        quote = self.get_object()
        had = Contract.objects.of(self.member.tenant_id).filter(quote=quote).exists()
        made = actions.to_contract(quote, by=self.member)
        return Response({"contract": made.pk}, status=status.HTTP_200_OK if had else status.HTTP_201_CREATED)


def register(router) -> None:
    router.register("quotes", QuoteViewSet, basename="quotes")
