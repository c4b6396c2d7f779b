"""The REST face of deals, pipelines and the funnel."""

from decimal import Decimal

import django_filters
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.response import Response

from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb

from . import actions, verbs
from .filters import OpportunityFilter
from .metrics import funnel
from .models import LostReason, Opportunity, Pipeline, Stage
from .representation import as_json


class OpportunitySerializer(RecordSerializer):
    """A deal. `amount` and `close_date` are null while they are not known; money is text."""

    pipeline = ScopedRelatedField(model=Pipeline, required=False)
    stage = ScopedRelatedField(model=Stage, required=False)
    owner = ScopedRelatedField(model=Member, required=False)
    stage_key = serializers.CharField(source="stage.key", read_only=True)
    weighted = serializers.DecimalField(max_digits=18, decimal_places=2, read_only=True, allow_null=True)

    class Meta:
        model = Opportunity
        fields = [
            "id", "name", "account", "pipeline", "stage", "stage_key", "status", "amount", "weighted", "currency",
            "close_date", "probability", "probability_override", "override_reason", "owner", "product", "source",
            "next_step", "lost_reason", "lost_detail", "opened_at", "stage_entered_at", "closed_at",
            "close_date_pushes", "last_followup_at", "version",
        ]  # fmt: skip

    def validate(self, attrs):
        """What a verb changes is not edited."""
        changed_by = {"stage": "move", "owner": "transfer", "pipeline": "move"}
        if self.instance is not None and (wrong := set(changed_by) & set(attrs)):
            raise serializers.ValidationError(
                {name: _("Use POST …/%(verb)s/ to change this.") % {"verb": changed_by[name]} for name in wrong}
            )
        return attrs


class VerbSerializer(serializers.Serializer):
    version = serializers.IntegerField(required=False, min_value=1)


class DealReasonSerializer(VerbSerializer):
    reason = serializers.CharField(max_length=300)


class StageMoveSerializer(VerbSerializer):
    stage = serializers.CharField(max_length=40, help_text="The key of a stage of the deal's pipeline.")
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class WinSerializer(VerbSerializer):
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, min_value=Decimal(0), required=False)
    close_date = serializers.DateField(required=False)


class LoseSerializer(VerbSerializer):
    reason = serializers.ChoiceField(choices=LostReason)
    detail = serializers.CharField(max_length=300, required=False, allow_blank=True)


class OverrideSerializer(DealReasonSerializer):
    probability = serializers.DecimalField(max_digits=9, decimal_places=6, help_text="Above 0 and below 1.")


class DealTransferSerializer(DealReasonSerializer):
    to = ScopedRelatedField(model=Member)


class OpportunityViewSet(RecordViewSet):
    """Deals the member may see. Filters are those of the list page, and of the numbers of the funnel."""

    model = Opportunity
    read = "opportunity.read"
    serializer_class = OpportunitySerializer
    filterset_class = OpportunityFilter

    def get_queryset(self):
        return super().get_queryset().select_related("stage")

    def perform_create(self, serializer):
        return actions.open_opportunity(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return actions.update_opportunity(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )

    def act(self, action, asked: type[VerbSerializer]):
        """Run one verb with what its serializer read."""
        deal, given = self.get_object(), asked(data=self.request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = {name: value for name, value in given.validated_data.items() if name != "version"}
        return self.answer(action(deal, by=self.member, expected=self.expected_version(), **values))

    @extend_schema(request=StageMoveSerializer)
    @verb()
    def move(self, request, **kwargs):
        return self.act(verbs.move, StageMoveSerializer)

    @extend_schema(request=WinSerializer)
    @verb()
    def win(self, request, **kwargs):
        return self.act(actions.win, WinSerializer)

    @extend_schema(request=LoseSerializer)
    @verb()
    def lose(self, request, **kwargs):
        return self.act(actions.lose, LoseSerializer)

    @extend_schema(request=DealReasonSerializer)
    @verb()
    def suspend(self, request, **kwargs):
        return self.act(actions.suspend, DealReasonSerializer)

    @extend_schema(request=VerbSerializer)
    @verb()
    def resume(self, request, **kwargs):
        return self.act(actions.resume, VerbSerializer)

    @extend_schema(request=DealReasonSerializer)
    @verb()
    def reopen(self, request, **kwargs):
        return self.act(actions.reopen, DealReasonSerializer)

    @extend_schema(request=OverrideSerializer)
    @verb(url_path="override-probability")
    def override_probability(self, request, **kwargs):
        return self.act(actions.override_probability, OverrideSerializer)

    @extend_schema(request=VerbSerializer)
    @verb(url_path="clear-override")
    def clear_override(self, request, **kwargs):
        return self.act(actions.clear_override, VerbSerializer)

    @extend_schema(request=DealTransferSerializer)
    @verb()
    def transfer(self, request, **kwargs):
        return self.act(actions.transfer, DealTransferSerializer)


class StageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Stage
        fields = ["id", "key", "name", "order", "probability", "category", "buyer_stage", "reference_days", "is_won"]
        read_only_fields = ["order", "is_won"]


class PipelineSerializer(RecordSerializer):
    """One version of a pipeline with its stages in order; the last one is the won stage."""

    stages = StageSerializer(many=True)

    class Meta:
        model = Pipeline
        fields = ["id", "key", "name", "mode", "number", "is_current", "is_default", "stages", "version"]
        read_only_fields = ["is_default", "version"]


class PublishSerializer(VerbSerializer):
    name = serializers.CharField(max_length=100, required=False)
    mode = serializers.ChoiceField(choices=Pipeline.Mode, required=False)
    stages = StageSerializer(many=True)


class PipelineFilter(django_filters.FilterSet):
    key = django_filters.CharFilter()
    is_current = django_filters.BooleanFilter()
    is_default = django_filters.BooleanFilter()

    class Meta:
        model = Pipeline
        fields: list[str] = []


class PipelineViewSet(RecordViewSet):
    """Pipelines in all their versions. An edit publishes the next version; open deals stay on theirs."""

    model = Pipeline
    read = "opportunity.read"
    serializer_class = PipelineSerializer
    filterset_class = PipelineFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        return super().get_queryset().prefetch_related("stages")

    def perform_create(self, serializer):
        return actions.create_pipeline(by=self.member, **serializer.validated_data)

    @extend_schema(request=PublishSerializer)
    @verb()
    def publish(self, request, **kwargs):
        require(self.member, "pipeline.manage")
        pipeline = self.get_object()
        given = PublishSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        values = {name: value for name, value in given.validated_data.items() if name != "version"}
        following = actions.publish(pipeline, by=self.member, expected=self.expected_version(), **values)
        return self.answer(following, 201)

    @extend_schema(request=None)
    @verb(url_path="make-default")
    def make_default(self, request, **kwargs):
        return self.answer(actions.make_default(self.get_object(), by=self.member))


class FunnelViewSet(viewsets.ViewSet):
    """The weighted funnel of what the member may see."""

    @extend_schema(
        parameters=[
            OpenApiParameter("pipeline", str, description="Key of a pipeline; the default one's funnel without it."),
            OpenApiParameter(
                "period", str,
                description="2026-11, 2026-Q4, 2026, all, or 2026-11-01..2026-12-15; the current quarter without it.",
            ),
            *(OpenApiParameter(name, int) for name in ("team", "owner", "product")),
        ],
        responses=OpenApiTypes.OBJECT,
    )  # fmt: skip
    def list(self, request, **kwargs):
        member = request._request.member
        require(member, "funnel.read")
        return Response(as_json(funnel(member, request.query_params), member.tenant))


def register(router) -> None:
    router.register("opportunities", OpportunityViewSet, basename="opportunities")
    router.register("pipelines", PipelineViewSet, basename="pipelines")
    router.register("funnel", FunnelViewSet, basename="funnel")
