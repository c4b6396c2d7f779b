"""Base of the REST face: refusals, idempotency, versions, scoped relations."""

import hashlib

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, models, transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions, mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from crm.core.errors import Busy, Refused
from crm.core.people.reach import require
from crm.core.tenancy.models import TenantForeignKey

from .idempotency import fingerprint, once
from .numbers import is_whole

__all__ = ["RecordSerializer", "RecordViewSet", "ScopedRelatedField", "action", "verb"]


def explain(error, context):
    """Errors as {code, detail}; invalid input as field errors (architecture.md 4)."""
    if Busy.explains(error):
        error = Busy()
    if isinstance(error, Refused):
        _undo()
        return Response({"code": error.code, "detail": str(error.message), **error.data}, status=error.status)
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(serializers.as_serializer_error(error))
    if isinstance(error, IntegrityError):
        raise error
    response = exception_handler(error, context)
    if response is not None and not isinstance(error, exceptions.ValidationError):
        code = "NOT_FOUND" if isinstance(error, Http404) else str(getattr(error, "default_code", "error")).upper()
        response.data = {"code": code, "detail": str(getattr(error, "detail", "")) or response.status_text}
    return response


def _undo() -> None:
    connection = transaction.get_connection()
    if connection.in_atomic_block:
        transaction.set_rollback(True)


class ScopedRelatedField(serializers.PrimaryKeyRelatedField):
    """Offers only rows that the member may see; everything else does not exist."""

    def __init__(self, **kwargs):
        self.model = kwargs.pop("model", None)
        if "queryset" in kwargs:
            self.model = kwargs.pop("queryset").model
        if not kwargs.get("read_only"):
            kwargs["queryset"] = self.model._base_manager.none()
        super().__init__(**kwargs)

    def get_queryset(self):
        return self.model.objects.visible_to(self.context["request"]._request.member)


class RecordSerializer(serializers.ModelSerializer):
    """ModelSerializer whose relations are scoped and whose edits carry `version`."""

    serializer_related_field = ScopedRelatedField

    @property
    def member(self):
        return self.context["request"]._request.member

    def get_validators(self):
        """Uniqueness is the database's, so that two requests at once cannot both pass (records)."""
        return []

    def build_relational_field(self, field_name, relation_info):
        cls, kwargs = super().build_relational_field(field_name, relation_info)
        if not isinstance(relation_info.model_field, TenantForeignKey) and cls is ScopedRelatedField:
            raise ImproperlyConfigured(f"{field_name} is not a tenant relation.")
        return cls, kwargs

    def build_standard_field(self, field_name, model_field):
        if model_field.generated and isinstance(shown := model_field.output_field, models.DecimalField):
            digits = {"max_digits": shown.max_digits, "decimal_places": shown.decimal_places}
            return serializers.DecimalField, {**digits, "read_only": True}  # money is text, also when computed
        cls, kwargs = super().build_standard_field(field_name, model_field)
        kwargs["validators"] = [v for v in kwargs.get("validators", []) if "Unique" not in type(v).__name__]
        if not kwargs["validators"]:
            kwargs.pop("validators")
        return cls, kwargs

    def run_validation(self, data=serializers.empty):
        _refuse_nul(data)
        return super().run_validation(data)


def _refuse_nul(data) -> None:
    values = data.values() if isinstance(data, dict) else ()
    if any(isinstance(value, str) and "\x00" in value for value in values):
        raise exceptions.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: ["Text may not contain NUL characters."]})


class RecordViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet,
):
    """A thin face: `model` rows visible to the member, writes through the app's actions.

    Set `model`, `read` (a permission name), `serializer_class`, `filterset_class`,
    and `perform_create`/`perform_update` that call an action. Every POST honours
    `Idempotency-Key`; PATCH takes `version` in the body or `If-Match`.
    """

    model: type[models.Model]
    read: str
    # False where answers hold secrets, which must not be stored for a replay.
    replayable = True
    lookup_value_regex = r"\d{1,18}"
    http_method_names = ["get", "post", "patch", "head", "options"]

    @property
    def member(self):
        return self.request._request.member

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.model._base_manager.none()
        require(self.member, self.read)
        return self.model.objects.visible_to(self.member)

    def expected_version(self) -> int | None:
        """The version the client saw: `version` in the body, or `If-Match: "7"`."""
        given = self.request.data.get("version") if isinstance(self.request.data, dict) else None
        given = given if given is not None else self.request.headers.get("If-Match", "").strip('W/"') or None
        if given is None:
            return None
        if not is_whole(given):
            raise exceptions.ValidationError({"version": ["Send the version number you read."]})
        return int(given)

    def retrieve(self, request, *args, **kwargs):
        record = self.get_object()
        response = Response(self.get_serializer(record).data)
        if hasattr(record, "version"):
            response["ETag"] = f'"{record.version}"'
        return response

    def create(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        record = self.perform_create(serializer)
        return self.answer(record, status.HTTP_201_CREATED)

    def partial_update(self, request, *args, **kwargs):
        record = self.get_object()
        serializer = self.get_serializer(record, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return self.answer(self.perform_update(serializer))

    def answer(self, record, code=status.HTTP_200_OK) -> Response:
        """The record as its readers see it now."""
        return Response(
            self.get_serializer(self.get_queryset().filter(pk=record.pk).first() or record).data, status=code
        )

    def dispatch(self, request, *args, **kwargs):
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "POST" or not key or getattr(request, "member", None) is None:
            return super().dispatch(request, *args, **kwargs)
        if not self.replayable:
            return _json(400, {"code": "KEY_NOT_SUPPORTED", "detail": _("Send this without an Idempotency-Key.")})
        return self._dispatch_once(request, key, *args, **kwargs)

    def _dispatch_once(self, request, key, *args, **kwargs):
        print_ = fingerprint(request.method, request.get_full_path(), *_said(request))
        answers = []

        def act():
            answers.append(super(RecordViewSet, self).dispatch(request, *args, **kwargs).render())
            if answers[0].status_code >= 400:
                raise _NotStored
            return answers[0].status_code, answers[0].content.decode()

        try:
            with transaction.atomic():
                code, body, replayed = once(request.member, key, print_, act)
        except _NotStored:
            return answers[0]
        except Refused as refused:
            return _json(refused.status, {"code": refused.code, "detail": str(refused)})
        return _replay(code, body) if replayed else answers[0]


def _said(request):
    """What a request says: its body, or the fields and files of a form, whose boundary differs at each retry."""
    if request.content_type != "multipart/form-data":
        return [request.body.decode("utf-8", "replace")]
    files = sorted((name, file.name, _digest(file)) for name, each in request.FILES.lists() for file in each)
    return [sorted(request.POST.lists()), files]


def _digest(file) -> str:
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return found


class _NotStored(Exception):
    """The answer was a refusal: forget the key, as nothing happened."""


def _json(status_code: int, body) -> JsonResponse:
    return JsonResponse(body, status=status_code)


def _replay(status_code: int, body: str) -> HttpResponse:
    """The first answer, byte for byte."""
    return HttpResponse(body, status=status_code, content_type="application/json", headers={"Replayed": "true"})


def verb(**kwargs):
    """`POST …/<id>/<verb>/`: a viewset method that calls one action and answers with the record."""
    return action(detail=True, methods=["post"], **kwargs)
