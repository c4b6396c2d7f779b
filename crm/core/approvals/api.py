"""REST: requests, tasks with their verbs, flows by version, deputies. Documents are submitted by their own verbs."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from crm.core.calendars import Period
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, action, verb

from . import actions, deputies, flows, subjects, verbs
from .filters import DelegationFilter, FlowFilter, InstanceFilter, TaskFilter
from .metrics import waits
from .models import ApprovalTask, Delegation, Flow, Instance
from .subjects import Facts


class ApprovalTaskSerializer(RecordSerializer):
    """`principal` is the one for whom the assignee decides; times are UTC."""

    class Meta:
        model = ApprovalTask
        fields = [
            "id", "instance", "node", "node_name", "order", "round", "mode", "kind", "assignee", "principal",
            "original_assignee", "decided_by", "status", "comment", "opened_at", "decided_at", "version",
        ]  # fmt: skip
        read_only_fields = fields


class ApprovalSerializer(RecordSerializer):
    """`summary` is the card as it was submitted; `amount` decides the level, in the company's currency."""

    tasks = ApprovalTaskSerializer(many=True, read_only=True)
    summary = serializers.DictField(read_only=True)

    class Meta:
        model = Instance
        fields = [
            "id", "flow", "subject_type", "subject_id", "subject_label", "submitter", "owner", "amount", "summary",
            "grounds", "status", "created_at", "decided_at", "tasks", "version",
        ]  # fmt: skip
        read_only_fields = fields


class ApprovalCommentSerializer(serializers.Serializer):
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class ApprovalReasonSerializer(serializers.Serializer):
    comment = serializers.CharField(max_length=2000)


class ApprovalReturnSerializer(ApprovalReasonSerializer):
    """`to_node` is the key of an earlier step; without it the submitter gets the document back."""

    to_node = serializers.CharField(required=False, allow_null=True, default=None, max_length=40)


class ApprovalPersonSerializer(serializers.Serializer):
    to = ScopedRelatedField(model=Member)


class ApprovalAddSerializer(serializers.Serializer):
    member = ScopedRelatedField(model=Member)
    where = serializers.ChoiceField(choices=list(actions.WHERE))


class FlowWaitSerializer(serializers.Serializer):
    """Seconds from the opening of a step to its last decision."""

    node = serializers.CharField()
    count = serializers.IntegerField()
    median_seconds = serializers.FloatField()
    p90_seconds = serializers.FloatField()


class FlowSerializer(RecordSerializer):
    """A version of a flow; nodes are described in the guide. To change it, PATCH: the next version comes back."""

    nodes = serializers.ListField(child=serializers.DictField())
    cc = serializers.ListField(child=serializers.IntegerField(), required=False)

    class Meta:
        model = Flow
        fields = ["id", "subject_type", "number", "name", "nodes", "cc", "is_current", "created_at", "version"]
        read_only_fields = ["subject_type", "number", "is_current", "created_at", "version"]


class FlowStartSerializer(serializers.Serializer):
    subject_type = serializers.CharField(max_length=60)


class FlowTrySerializer(serializers.Serializer):
    """The facts of a document; `discount` is a ratio."""

    amount = serializers.DecimalField(max_digits=18, decimal_places=2, required=False, allow_null=True, default=None)
    discount = serializers.DecimalField(max_digits=9, decimal_places=6, required=False, allow_null=True, default=None)
    money = serializers.BooleanField(default=False)
    below_floor = serializers.BooleanField(default=False)
    nonstandard = serializers.BooleanField(default=False)
    team_id = serializers.IntegerField(required=False, allow_null=True, default=None)
    submitter = ScopedRelatedField(model=Member, required=False, allow_null=True, default=None)


class FlowRouteSerializer(serializers.Serializer):
    """One step on the way; nobody means that administrators choose."""

    node = serializers.CharField()
    name = serializers.CharField()
    members = serializers.ListField(child=serializers.IntegerField())


class DelegationSerializer(RecordSerializer):
    """Local dates of the company, both included; `principal` is oneself unless an administrator says."""

    principal = ScopedRelatedField(model=Member, required=False)

    class Meta:
        model = Delegation
        fields = ["id", "principal", "deputy", "start", "end", "revoked_at", "created_at", "version"]
        read_only_fields = ["revoked_at", "created_at", "version"]


class ApprovalViewSet(RecordViewSet):
    """What all of these share: input by a serializer, and refusals that keep a void."""

    http_method_names = ["get", "post", "head", "options"]
    read = "approval.act"

    def create(self, request, *args, **kwargs):
        self.http_method_not_allowed(request)

    def given(self, serializer_class) -> dict:
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def do(self, verb_: verbs.Verb, serializer_class=None) -> Response:
        record = self.get_object()
        values = self.given(serializer_class) if serializer_class else {}
        outcome = verbs.run(verb_, record, by=self.member, **values)
        if isinstance(outcome, Refused):
            return Response({"code": outcome.code, "detail": str(outcome)}, status=outcome.status)
        return self.answer(outcome)


class InstanceViewSet(ApprovalViewSet):
    """Requests that the caller sent, decides, was told of, or (administrators) may have to repair."""

    model = Instance
    serializer_class = ApprovalSerializer
    filterset_class = InstanceFilter

    def get_queryset(self):
        return super().get_queryset().prefetch_related("tasks")

    @extend_schema(request=None)
    @verb()
    def withdraw(self, request, **kwargs):
        return self.do(verbs.INSTANCE["withdraw"])

    @extend_schema(request=None)
    @verb()
    def urge(self, request, **kwargs):
        """Remind those who must decide; each at most once an hour."""
        return self.do(verbs.INSTANCE["urge"])

    @extend_schema(request=ApprovalPersonSerializer)
    @verb(url_path="copy")
    def send_copy(self, request, **kwargs):
        return self.do(verbs.INSTANCE["copy"], ApprovalPersonSerializer)


class TaskViewSet(ApprovalViewSet):
    """Decisions. A changed document is answered by CONTENT_CHANGED and voids its request."""

    model = ApprovalTask
    serializer_class = ApprovalTaskSerializer
    filterset_class = TaskFilter

    @extend_schema(request=ApprovalCommentSerializer)
    @verb()
    def approve(self, request, **kwargs):
        return self.do(verbs.TASK["approve"], ApprovalCommentSerializer)

    @extend_schema(request=ApprovalReasonSerializer)
    @verb()
    def reject(self, request, **kwargs):
        return self.do(verbs.TASK["reject"], ApprovalReasonSerializer)

    @extend_schema(request=ApprovalReturnSerializer)
    @verb(url_path="return")
    def give_back(self, request, **kwargs):
        return self.do(verbs.TASK["return"], ApprovalReturnSerializer)

    @extend_schema(request=ApprovalPersonSerializer)
    @verb()
    def transfer(self, request, **kwargs):
        return self.do(verbs.TASK["transfer"], ApprovalPersonSerializer)

    @extend_schema(request=ApprovalPersonSerializer)
    @verb()
    def assign(self, request, **kwargs):
        """Administrators choose who decides a task that is stuck."""
        return self.do(verbs.TASK["assign"], ApprovalPersonSerializer)

    @extend_schema(request=ApprovalAddSerializer)
    @verb(url_path="add-approver")
    def add_approver(self, request, **kwargs):
        """Answers with the new task."""
        return self.do(verbs.TASK["add"], ApprovalAddSerializer)


class FlowViewSet(RecordViewSet):
    """Flows of every version. POST founds a kind's usual flow, PATCH puts the next version in force."""

    model = Flow
    read = "flow.manage"
    serializer_class = FlowSerializer
    filterset_class = FlowFilter

    @extend_schema(request=FlowStartSerializer, responses={201: FlowSerializer})
    def create(self, request, *args, **kwargs):
        require(self.member, "flow.manage")
        serializer = FlowStartSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        kind = serializer.validated_data["subject_type"]
        if not subjects.is_registered(kind):
            raise serializers.ValidationError({"subject_type": ["This kind of document is not approved."]})
        return self.answer(flows.current(self.member.tenant, kind), status.HTTP_201_CREATED)

    def perform_update(self, serializer):
        flow, given = serializer.instance, serializer.validated_data
        return flows.publish(
            flow, by=self.member, name=given.get("name", flow.name), nodes=given.get("nodes", flow.nodes),
            cc=given.get("cc", flow.cc),
        )  # fmt: skip

    @extend_schema(
        parameters=[OpenApiParameter("period", description="2026-11, 2026-Q4, 2026 or all")],
        responses=FlowWaitSerializer(many=True),
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def waits(self, request, **kwargs):
        """How long each step waited, over the decisions of the period."""
        flow = self.get_object()
        found = waits(self.member.tenant, flow.subject_type, Period.parse(request.query_params.get("period") or "all"))
        rows = [
            {"node": node, "count": wait.count, "median_seconds": wait.median.total_seconds(),
             "p90_seconds": wait.p90.total_seconds()}
            for node, wait in found.items()
        ]  # fmt: skip
        return Response(FlowWaitSerializer(rows, many=True).data)

    @extend_schema(request=FlowTrySerializer, responses=FlowRouteSerializer(many=True))
    @verb(url_path="try", pagination_class=None, filterset_class=None)
    def try_out(self, request, **kwargs):
        """Where a document with these facts would go."""
        flow = self.get_object()
        serializer = FlowTrySerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        facts = dict(serializer.validated_data)
        submitter = facts.pop("submitter") or self.member
        found = flows.preview(self.member.tenant, flow.nodes, Facts(**facts), submitter)
        rows = [
            {"node": node["key"], "name": node["name"], "members": [one.pk for one in people]} for node, people in found
        ]
        return Response(FlowRouteSerializer(rows, many=True).data)


class DelegationViewSet(RecordViewSet):
    """Deputies for periods: one's own, and those one stands in for."""

    model = Delegation
    read = "approval.act"
    serializer_class = DelegationSerializer
    filterset_class = DelegationFilter
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer):
        return deputies.delegate(by=self.member, **serializer.validated_data)

    @extend_schema(request=None)
    @verb()
    def revoke(self, request, **kwargs):
        return self.answer(deputies.revoke(self.get_object(), by=self.member))


def register(router) -> None:
    router.register("approvals", InstanceViewSet, basename="approvals")
    router.register("approval-tasks", TaskViewSet, basename="approval-tasks")
    router.register("approval-flows", FlowViewSet, basename="approval-flows")
    router.register("delegations", DelegationViewSet, basename="delegations")
