from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.web.api import RecordSerializer, RecordViewSet, verb

from . import actions
from .filters import NoticeFilter
from .models import Notification
from .texts import text_of


class NoticeSerializer(RecordSerializer):
    """`title` and `body` are in the caller's language; `url` is the page it is about, a path."""

    title = serializers.CharField(source="text.title", read_only=True)
    body = serializers.CharField(source="text.body", read_only=True)
    url = serializers.CharField(source="text.url", read_only=True)

    class Meta:
        model = Notification
        fields = ["id", "kind", "title", "body", "url", "subject_type", "subject_id", "created_at", "read_at"]
        read_only_fields = fields

    def to_representation(self, notice):
        notice.tenant = self.member.tenant
        notice.text = text_of(notice)
        return super().to_representation(notice)


class NoticeViewSet(RecordViewSet):
    """The caller's own notices."""

    model = Notification
    read = "member.read"
    serializer_class = NoticeSerializer
    filterset_class = NoticeFilter
    http_method_names = ["get", "post", "head", "options"]

    def create(self, request, *args, **kwargs):
        self.http_method_not_allowed(request)

    @verb(url_path="read")
    def mark_read(self, request, *args, **kwargs):
        notice = self.get_object()
        actions.mark_read(self.member, [notice.pk])
        return self.answer(notice)

    @action(detail=False, methods=["post"], url_path="read-all")
    def read_all(self, request, *args, **kwargs):
        return Response({"read": actions.mark_all_read(self.member)})


def register(router) -> None:
    router.register("notifications", NoticeViewSet, basename="notifications")
