"""The import over REST: upload, map, check, run; GET tells the state."""

import django_filters
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.response import Response

from crm.core.web.api import RecordSerializer, RecordViewSet, action, verb

from . import actions, registry
from .models import Import
from .views import error_file


class ImportSerializer(RecordSerializer):
    """`check` is what the dry run found, `result` what the run did; both count new, updated, duplicate, error."""

    progress = serializers.IntegerField(source="percent", read_only=True, help_text="Percent of the rows.")
    dry_run = serializers.JSONField(source="check_report", read_only=True)
    has_errors = serializers.SerializerMethodField()

    class Meta:
        model = Import
        fields = [
            "id", "object", "file_name", "size", "headers", "row_count", "mapping", "values", "options", "status",
            "done_rows", "progress", "dry_run", "result", "message", "has_errors", "created_by", "created_at",
            "started_at", "finished_at", "version",
        ]  # fmt: skip
        read_only_fields = fields

    def get_has_errors(self, batch) -> bool:
        return bool(batch.error_file)


class UploadSerializer(serializers.Serializer):
    object = serializers.CharField()
    file = serializers.FileField()

    def validate_object(self, key: str) -> str:
        if registry.get(key) is None:
            known = ", ".join(importer.key for importer in registry.all_importers())
            raise serializers.ValidationError(f"Send one of: {known}.")
        return key


class MappingSerializer(serializers.Serializer):
    """`mapping`: field → header. `values`: field → {text in the file: text that is meant}."""

    mapping = serializers.DictField(child=serializers.CharField(allow_blank=True))
    values = serializers.DictField(child=serializers.DictField(child=serializers.CharField(allow_blank=True)),
                                   required=False)  # fmt: skip
    options = serializers.DictField(required=False)
    version = serializers.IntegerField(required=False)


class ImportFilter(django_filters.FilterSet):
    object = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=Import.Status.choices)


class ImportViewSet(RecordViewSet):
    model = Import
    read = "import.run"
    serializer_class = ImportSerializer
    filterset_class = ImportFilter
    parser_classes = [JSONParser, MultiPartParser]
    http_method_names = ["get", "post", "head", "options"]

    def dispatch(self, request, *args, **kwargs):
        """A file is not fingerprinted: an upload writes no records, and one brought twice does no harm."""
        if request.content_type == "multipart/form-data":
            return super(RecordViewSet, self).dispatch(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={201: ImportSerializer})
    def create(self, request, *args, **kwargs):
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        file = upload.validated_data["file"]
        batch = actions.upload(by=self.member, object=upload.validated_data["object"], file=file, name=file.name)
        return self.answer(batch, status.HTTP_201_CREATED)

    @extend_schema(request=MappingSerializer, responses=ImportSerializer)
    @verb(url_path="map")
    def choose(self, request, *args, **kwargs):
        batch, given = self.get_object(), MappingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        batch = actions.choose_columns(
            batch, data["mapping"], by=self.member, options=data.get("options"),
            values=data.get("values"), expected=self.expected_version(),
        )  # fmt: skip
        return self.answer(batch)

    @extend_schema(request=None, responses={202: ImportSerializer})
    @verb()
    def check(self, request, *args, **kwargs):
        return self.answer(actions.start_check(self.get_object(), by=self.member), status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: ImportSerializer})
    @verb()
    def run(self, request, *args, **kwargs):
        return self.answer(actions.start_run(self.get_object(), by=self.member), status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=ImportSerializer)
    @verb()
    def cancel(self, request, *args, **kwargs):
        return self.answer(actions.cancel(self.get_object(), by=self.member))

    @extend_schema(responses={(200, "text/csv"): bytes})
    @action(detail=True, methods=["get"])
    def errors(self, request, *args, **kwargs):
        batch = self.get_object()
        if not batch.error_file:
            return Response({"code": "NOT_FOUND", "detail": "No row is in error."}, status=404)
        return error_file(batch)

    @extend_schema(
        responses=inline_serializer("ImportObjects", {"objects": serializers.ListField(child=serializers.DictField())})
    )
    @action(detail=False, methods=["get"])
    def objects(self, request, *args, **kwargs):
        """What may be imported, and the fields of each."""
        return Response({"objects": [described(importer) for importer in registry.offered_to(self.member)]})


def described(importer) -> dict:
    fields = [
        {"key": c.key, "label": str(c.label), "kind": c.kind, "required": c.required, "can_create": c.creates}
        for c in importer.columns
    ]
    return {"key": importer.key, "label": str(importer.label), "policies": list(importer.policies), "fields": fields}


def register(router) -> None:
    router.register("imports", ImportViewSet, basename="import")
