"""Reminders over REST: ladders, what was given, promises, and what stops the clock."""

import django_filters
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb
from receivables import dunning_selection as selection
from receivables.actions import disputes, dunning, promises
from receivables.dunning_filters import NoticeFilter, PromiseFilter
from receivables.dunning_rules import Level, Recipient, Step
from receivables.models import DunningNotice, DunningPolicy, PromiseToPay, Receivable
from receivables.promises import State, with_state


class StepSerializer(serializers.Serializer):
    """`days` relative to the due date; `level` 0 (before it is due) to 6 (legal step)."""

    level = serializers.IntegerField(min_value=min(Level.values), max_value=max(Level.values))
    days = serializers.IntegerField(min_value=-365, max_value=3650)
    to = serializers.ListField(child=serializers.ChoiceField(choices=Recipient.choices), default=list)

    def to_internal_value(self, data):
        given = super().to_internal_value(data)
        return Step(given["level"], given["days"], tuple(given["to"]))


class PolicySerializer(RecordSerializer):
    steps = StepSerializer(many=True)

    class Meta:
        model = DunningPolicy
        fields = [
            "id", "name", "credit_class", "steps", "min_gap_days", "rep_lead_hours", "daily_rate", "is_active",
            "version",
        ]  # fmt: skip
        read_only_fields = ["version"]


class PolicyFilter(django_filters.FilterSet):
    credit_class = django_filters.CharFilter()
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = DunningPolicy
        fields: list[str] = []


class PolicyViewSet(RecordViewSet):
    """The ladder of each credit class; an edit gives all steps or none."""

    model = DunningPolicy
    read = "dunning.manage"
    serializer_class = PolicySerializer
    filterset_class = PolicyFilter

    def perform_create(self, serializer):
        return dunning.save_policy(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        policy, values = serializer.instance, dict(serializer.validated_data)
        values.setdefault("steps", policy.ladder)
        return dunning.save_policy(policy, by=self.member, expected=self.expected_version(), **values)


class ReminderNoticeSerializer(RecordSerializer):
    """One notice; `status` is that of the customer's mail, empty without one. Money is text."""

    status = serializers.CharField(source="letter.status", default="", read_only=True)

    class Meta:
        model = DunningNotice
        fields = ["id", "receivable", "cycle", "level", "day", "balance", "fee", "recipients", "status", "recorded_at"]
        read_only_fields = fields


class NoticeViewSet(RecordViewSet):
    """Reminders that were given, of the receivables that the caller sees."""

    model = DunningNotice
    read = "receivable.read"
    serializer_class = ReminderNoticeSerializer
    filterset_class = NoticeFilter
    http_method_names = ["get", "head", "options"]

    def get_queryset(self):
        return super().get_queryset().select_related("letter")


class PromiseSerializer(RecordSerializer):
    """`amount` left out: the whole balance. `state` and `paid` follow from the money."""

    receivable = ScopedRelatedField(model=Receivable)
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, required=False)
    state = serializers.ChoiceField(choices=State.choices, read_only=True)
    paid = serializers.DecimalField(max_digits=18, decimal_places=2, read_only=True)

    class Meta:
        model = PromiseToPay
        fields = ["id", "receivable", "promised_for", "amount", "note", "state", "paid", "by", "withdrawn_at"]
        read_only_fields = ["by", "withdrawn_at"]


class PromiseViewSet(RecordViewSet):
    """What customers promised to pay."""

    model = PromiseToPay
    read = "receivable.read"
    serializer_class = PromiseSerializer
    filterset_class = PromiseFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        return with_state(rows, self.member.tenant, self.member.tenant.today())

    def perform_create(self, serializer):
        values = dict(serializer.validated_data)
        return promises.promise(values.pop("receivable"), by=self.member, **values)

    @extend_schema(request=None)
    @verb()
    def withdraw(self, request, **kwargs):
        return self.answer(promises.withdraw(self.get_object(), by=self.member))


class ReminderSerializer(RecordSerializer):
    """Where a receivable stands on its ladder: level −1 to 6, and what stops it."""

    level = serializers.IntegerField(source="dunning_level", read_only=True)
    cycle = serializers.IntegerField(source="dunning_cycle", read_only=True)
    last_notice = serializers.DateField(source="dunned_on", read_only=True)
    is_promised = serializers.BooleanField(read_only=True)

    class Meta:
        model = Receivable
        fields = [
            "id", "number", "account", "due_date", "balance", "currency", "level", "cycle", "last_notice", "disputed",
            "dispute_reason", "on_hold", "is_promised", "version",
        ]  # fmt: skip
        read_only_fields = fields


class StopGroundsSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=300)


class ReminderFilter(django_filters.FilterSet):
    disputed = django_filters.BooleanFilter(label=_("disputed"))
    on_hold = django_filters.BooleanFilter()
    level = django_filters.NumberFilter(field_name="dunning_level")

    class Meta:
        model = Receivable
        fields: list[str] = []


class ReminderViewSet(RecordViewSet):
    """Open receivables by their reminders; disputes and complaints stop the clock. The id is the receivable's."""

    model = Receivable
    read = "receivable.read"
    serializer_class = ReminderSerializer
    filterset_class = ReminderFilter
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        return rows.annotate(is_promised=selection.promised(self.member.tenant, self.member.tenant.today()))

    def create(self, request, *args, **kwargs):
        self.http_method_not_allowed(request)

    def _do(self, act):
        receivable = self.get_object()
        serializer = StopGroundsSerializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return self.answer(act(receivable, by=self.member, **serializer.validated_data))

    @extend_schema(request=StopGroundsSerializer)
    @verb()
    def dispute(self, request, **kwargs):
        return self._do(disputes.raise_dispute)

    @extend_schema(request=StopGroundsSerializer)
    @verb()
    def clear(self, request, **kwargs):
        return self._do(disputes.clear_dispute)

    @extend_schema(request=StopGroundsSerializer)
    @verb()
    def hold(self, request, **kwargs):
        return self._do(disputes.hold)

    @extend_schema(request=StopGroundsSerializer)
    @verb()
    def release(self, request, **kwargs):
        return self._do(disputes.release)


def register(router) -> None:
    router.register("dunning-policies", PolicyViewSet, basename="dunning-policies")
    router.register("dunning-notices", NoticeViewSet, basename="dunning-notices")
    router.register("promises", PromiseViewSet, basename="promises")
    router.register("reminders", ReminderViewSet, basename="reminders")
