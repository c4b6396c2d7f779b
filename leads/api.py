"""Leads over REST: the same rules, filters and masks as the pages."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.models import Account
from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.pools import clock, exemptions
from crm.core.pools.models import Pool
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb

from . import actions
from .filters import LeadFilter
from .models import Lead
from .selection import chosen_leads, claimable

TYPED = [
    "name", "contact_name", "title", "phone", "email", "wechat", "website", "uscc", "region", "industry", "size_band",
    "source", "campaign", "needs",
]  # fmt: skip
READ = [
    "status", "pool", "home_pool", "owner", "owner_name", "owner_reason", "owned_at", "last_followup_at",
    "first_response_at", "protected_until", "locked", "return_count", "in_review", "previous_owner", "released_at",
    "disqualified_reason", "account", "contact", "opportunity", "converted_at", "created_at", "updated_at", "version",
]  # fmt: skip


class ClockSerializer(serializers.Serializer):
    """When and why a lead goes back, and what starts its days anew. `returns_at` null: it does not."""

    returns_at = serializers.DateTimeField(allow_null=True)
    remaining_days = serializers.IntegerField(allow_null=True)
    days = serializers.IntegerField(allow_null=True)
    base = serializers.DateTimeField(allow_null=True)
    rule = serializers.CharField(source="rule.key", default=None)
    resets = serializers.CharField(source="rule.resets", default=None)
    exempt = serializers.CharField(source="exemption.code", default=None)


class LeadSerializer(RecordSerializer):
    """In a pool, phone, e-mail and WeChat are masked and `contact_hidden` is true (INV-L12)."""

    owner_name = serializers.CharField(source="owner.name", default=None, read_only=True)
    clock = serializers.SerializerMethodField()
    contact_hidden = serializers.SerializerMethodField()

    class Meta:
        model = Lead
        fields = ["id", *TYPED, *READ, "clock", "contact_hidden"]
        read_only_fields = READ

    def get_contact_hidden(self, lead) -> bool:
        return lead.hides_contact_from(self.member)

    @extend_schema(responses=ClockSerializer)
    def get_clock(self, lead) -> dict:
        return ClockSerializer(clock.read(lead)).data

    def to_representation(self, lead):
        shown = lead.contact_for(self.member)
        return {**super().to_representation(lead), "phone": shown.phone, "email": shown.email, "wechat": shown.wechat}


class NewLeadSerializer(LeadSerializer):
    into_pool = ScopedRelatedField(model=Pool, required=False, allow_null=True, write_only=True)
    decided = serializers.BooleanField(
        default=False, write_only=True, help_text="Create it although a similar firm is known."
    )

    class Meta(LeadSerializer.Meta):
        fields = [*LeadSerializer.Meta.fields, "into_pool", "decided"]


class ReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class HandSerializer(ReasonSerializer):
    to = ScopedRelatedField(model=Member)
    override = serializers.BooleanField(default=False)


class MoveSerializer(serializers.Serializer):
    pool = ScopedRelatedField(model=Pool)


class ProtectSerializer(serializers.Serializer):
    until = serializers.DateField(required=False, allow_null=True, default=None)
    locked = serializers.BooleanField(default=False)


class ClaimSerializer(serializers.Serializer):
    ids = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**62), max_length=200)


class AccountValues(serializers.Serializer):
    name = serializers.CharField(max_length=200, required=False)
    uscc = serializers.CharField(max_length=40, required=False, allow_blank=True)
    region = serializers.CharField(max_length=100, required=False, allow_blank=True)
    industry = serializers.CharField(max_length=100, required=False, allow_blank=True)


class ContactValues(serializers.Serializer):
    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    title = serializers.CharField(max_length=100, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=100, required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)
    wechat = serializers.CharField(max_length=100, required=False, allow_blank=True)


class OpportunityValues(serializers.Serializer):
    name = serializers.CharField(max_length=200, required=False)
    amount = serializers.DecimalField(
        max_digits=18, decimal_places=2, min_value=0, required=False, allow_null=True, default=None
    )
    close_date = serializers.DateField(required=False, allow_null=True, default=None)


class ConvertSerializer(serializers.Serializer):
    """`account` links an existing customer; without it a new one is made. No `opportunity`: no deal."""

    account = ScopedRelatedField(model=Account, required=False, allow_null=True, default=None)
    account_values = AccountValues(required=False)
    contact_values = ContactValues(required=False)
    opportunity_values = OpportunityValues(required=False, allow_null=True)


class LeadViewSet(RecordViewSet):
    """Enquiries. POST creates, or adds a touch to the lead that is surely the same and answers 200 with it."""

    model = Lead
    read = "lead.read"
    serializer_class = LeadSerializer
    filterset_class = LeadFilter

    def get_queryset(self):
        rows = super().get_queryset()
        if self.action == "claim" and not getattr(self, "swagger_fake_view", False):
            rows = claimable(self.member)
        related = ("owner", "pool", "home_pool__tenant", "previous_owner")
        return exemptions.with_protection(rows.select_related(*related))

    def get_serializer_class(self):
        return NewLeadSerializer if self.action == "create" else LeadSerializer

    def create(self, request, *args, **kwargs):
        require(self.member, "lead.create")
        values = self.given(NewLeadSerializer)
        arrival = actions.receive(by=self.member, pool=values.pop("into_pool", None), **values)
        if arrival.is_new:
            return self.answer(arrival.lead, status.HTTP_201_CREATED)
        if lead := self.get_queryset().filter(pk=arrival.lead.pk).first():
            return self.answer(lead)
        return Response({"id": None, "detail": "The enquiry was added to a lead of somebody else."})

    def perform_update(self, serializer):
        return actions.update_lead(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )

    def given(self, serializer_class) -> dict:
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def act(self, run, serializer_class=serializers.Serializer) -> Response:
        """Run one action on the lead with what the body gives, and answer with the lead."""
        lead = self.get_object()
        run(lead, by=self.member, **self.given(serializer_class))
        return self.answer(lead)

    @extend_schema(request=None)
    @verb()
    def claim(self, request, **kwargs):
        lead = self.get_object()
        self.action = "retrieve"
        return self.answer(actions.claim(lead, by=self.member))

    @extend_schema(request=ClaimSerializer, responses=LeadSerializer(many=True))
    @action(detail=False, methods=["post"], url_path="claim-batch", pagination_class=None, filterset_class=None)
    def claim_batch(self, request, **kwargs):
        leads = chosen_leads(self.given(ClaimSerializer)["ids"], self.member)
        taken = actions.claim_many(leads, by=self.member)
        rows = self.get_queryset().filter(pk__in=[lead.pk for lead in taken])
        return Response(self.get_serializer(rows, many=True).data)

    @extend_schema(request=ReasonSerializer)
    @verb(url_path="return")
    def return_(self, request, **kwargs):
        return self.act(actions.return_to_pool, ReasonSerializer)

    @extend_schema(request=ReasonSerializer)
    @verb()
    def reclaim(self, request, **kwargs):
        return self.act(actions.reclaim, ReasonSerializer)

    @extend_schema(request=HandSerializer)
    @verb()
    def assign(self, request, **kwargs):
        return self.act(actions.assign, HandSerializer)

    @extend_schema(request=HandSerializer)
    @verb()
    def transfer(self, request, **kwargs):
        return self.act(actions.transfer, HandSerializer)

    @extend_schema(request=MoveSerializer)
    @verb()
    def move(self, request, **kwargs):
        return self.act(actions.move_to_pool, MoveSerializer)

    @extend_schema(request=None)
    @verb()
    def approve(self, request, **kwargs):
        return self.act(actions.approve_return)

    @extend_schema(request=ProtectSerializer)
    @verb()
    def protect(self, request, **kwargs):
        return self.act(actions.protect, ProtectSerializer)

    @extend_schema(request=None)
    @verb()
    def qualify(self, request, **kwargs):
        return self.act(actions.qualify)

    @extend_schema(request=ReasonSerializer)
    @verb()
    def nurture(self, request, **kwargs):
        return self.act(actions.nurture, ReasonSerializer)

    @extend_schema(request=None)
    @verb()
    def resume(self, request, **kwargs):
        return self.act(actions.resume)

    @extend_schema(request=ReasonSerializer)
    @verb()
    def disqualify(self, request, **kwargs):
        return self.act(actions.disqualify, ReasonSerializer)

    @extend_schema(request=None)
    @verb()
    def revive(self, request, **kwargs):
        return self.act(actions.revive)

    @extend_schema(request=ConvertSerializer)
    @verb()
    def convert(self, request, **kwargs):
        return self.act(actions.convert, ConvertSerializer)


def register(router) -> None:
    router.register("leads", LeadViewSet, basename="leads")
