"""Activities, tasks and files over REST."""

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser

from crm.core.people.reach import require
from crm.core.web.api import RecordSerializer, RecordViewSet, verb

from . import actions, subjects, timeline
from .filters import ActivityFilter, TaskFilter
from .models import Activity, Attachment, Task
from .views import file_response

ABOUT = [
    OpenApiParameter("subject_type", OpenApiTypes.STR, description="Such as leads.lead; together with subject_id."),
    OpenApiParameter("subject_id", OpenApiTypes.INT),
]


class SubjectSerializer(serializers.Serializer):
    """Names a record that the member may see; anything else does not exist."""

    type = serializers.CharField(max_length=60, help_text="Such as accounts.account, leads.lead")
    id = serializers.IntegerField(min_value=1, max_value=2**62)

    def validate(self, attrs):
        found = subjects.find(attrs["type"], attrs["id"], member=self.context["request"]._request.member)
        if found is None:
            raise serializers.ValidationError("There is no such record.")
        return found

    def to_representation(self, link):
        return {"type": link.subject_type, "id": link.subject_id}


class AboutOneRecord:
    """`?subject_type=&subject_id=`: the rows of one record, for whoever may read the record."""

    rows_of = staticmethod(lambda subject: None)

    def get_queryset(self):
        rows = super().get_queryset()
        query = getattr(self.request, "query_params", {})
        if self.action != "list" or "subject_type" not in query:
            return rows
        subject = self._subject(query)
        return rows.none() if subject is None else self.rows_of(subject)

    def _subject(self, query):
        pk = query.get("subject_id", "")
        if not pk.isascii() or not pk.isdigit() or len(pk) > 18:
            raise serializers.ValidationError({"subject_id": ["Send the id of the record."]})
        subject = subjects.find(query["subject_type"], int(pk), member=self.member)
        return None if subject is None or subjects.is_hidden(subject, self.member) else subject


class ActivitySerializer(RecordSerializer):
    subjects = SubjectSerializer(many=True, source="links", allow_empty=False)

    class Meta:
        model = Activity
        fields = [
            "id", "type", "actor", "subjects", "occurred_at", "recorded_at", "duration_min", "note", "outcome",
            "next_step", "next_at", "place", "latitude", "longitude", "accuracy_m", "device_time",
            "counts_as_followup",
        ]  # fmt: skip
        read_only_fields = ["actor", "recorded_at", "counts_as_followup"]
        extra_kwargs = {
            "latitude": {"min_value": -90, "max_value": 90},
            "longitude": {"min_value": -180, "max_value": 180},
            "accuracy_m": {"max_value": 2**31 - 1},
            "duration_min": {"max_value": 32767},
        }


@extend_schema_view(list=extend_schema(parameters=ABOUT))
class ActivityViewSet(AboutOneRecord, RecordViewSet):
    """What happened with customers. Rows are added and never changed: a correction is another activity."""

    model = Activity
    read = "activity.read"
    serializer_class = ActivitySerializer
    filterset_class = ActivityFilter
    http_method_names = ["get", "post", "head", "options"]
    rows_of = staticmethod(timeline.activities_of)

    def get_queryset(self):
        rows = super().get_queryset()
        if self.action == "retrieve":
            rows = Activity.objects.of(self.member.tenant_id).filter(Activity.readable_q(self.member))
        return rows.select_related("actor").prefetch_related("links")

    def perform_create(self, serializer):
        values = dict(serializer.validated_data)
        return actions.log(values.pop("links"), by=self.member, **values)


class TaskSerializer(RecordSerializer):
    subject = SubjectSerializer(required=False, allow_null=True, write_only=True)

    class Meta:
        model = Task
        fields = [
            "id", "title", "due_at", "owner", "status", "done_at", "source", "subject", "subject_type", "subject_id",
            "version", "created_at",
        ]  # fmt: skip
        read_only_fields = ["status", "done_at", "source", "subject_type", "subject_id", "version", "created_at"]
        extra_kwargs = {"owner": {"required": False}}


@extend_schema_view(list=extend_schema(parameters=ABOUT))
class TaskViewSet(AboutOneRecord, RecordViewSet):
    """What somebody will do by a time."""

    model = Task
    read = "task.create"
    serializer_class = TaskSerializer
    filterset_class = TaskFilter

    @staticmethod
    def rows_of(subject):
        return Task.objects.of(subject.tenant_id).filter(subjects.of(subject))

    def perform_create(self, serializer):
        values = dict(serializer.validated_data)
        return actions.add_task(values.pop("subject", None), by=self.member, **values)

    def perform_update(self, serializer):
        values = {name: value for name, value in serializer.validated_data.items() if name != "subject"}
        return actions.update_task(serializer.instance, by=self.member, expected=self.expected_version(), **values)

    @extend_schema(request=None)
    @verb()
    def complete(self, request, **kwargs):
        return self.answer(actions.complete_task(self.get_object(), by=self.member))

    @extend_schema(request=None)
    @verb()
    def reopen(self, request, **kwargs):
        return self.answer(actions.reopen_task(self.get_object(), by=self.member))

    @extend_schema(request=None)
    @verb()
    def drop(self, request, **kwargs):
        return self.answer(actions.drop_task(self.get_object(), by=self.member))


class AttachmentSerializer(RecordSerializer):
    file = serializers.FileField(write_only=True)
    subject_type = serializers.CharField(max_length=60, write_only=True)
    subject_id = serializers.IntegerField(min_value=1, max_value=2**62, write_only=True)
    subjects = SubjectSerializer(many=True, source="links", read_only=True)

    class Meta:
        model = Attachment
        fields = [
            "id", "name", "content_type", "size", "sha256", "created_at", "created_by", "subjects",
            "file", "subject_type", "subject_id",
        ]  # fmt: skip
        read_only_fields = ["name", "created_at", "created_by"]

    def validate(self, attrs):
        pair = {"type": attrs.pop("subject_type"), "id": attrs.pop("subject_id")}
        about = SubjectSerializer(data=pair, context=self.context)
        about.is_valid(raise_exception=True)
        return {**attrs, "subject": about.validated_data}


@extend_schema_view(list=extend_schema(parameters=ABOUT))
class AttachmentViewSet(AboutOneRecord, RecordViewSet):
    """Files kept with records. Send multipart: file, subject_type, subject_id."""

    model = Attachment
    read = "member.read"
    serializer_class = AttachmentSerializer
    parser_classes = [MultiPartParser, JSONParser]
    http_method_names = ["get", "post", "head", "options"]
    rows_of = staticmethod(timeline.files_of)

    def get_queryset(self):
        return super().get_queryset().prefetch_related("links")

    def perform_create(self, serializer):
        values = serializer.validated_data
        require(self.member, "file.add")
        return actions.attach([values["subject"]], values["file"], by=self.member)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def download(self, request, **kwargs):
        return file_response(self.get_object())


def register(router) -> None:
    router.register("activities", ActivityViewSet, basename="activities")
    router.register("tasks", TaskViewSet, basename="tasks")
    router.register("attachments", AttachmentViewSet, basename="attachments")
