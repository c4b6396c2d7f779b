"""Search and the duplicate check over REST."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.people.reach import require

from . import duplicates, search
from .views import typed


class FoundSerializer(serializers.Serializer):
    pk = serializers.IntegerField()
    label = serializers.CharField()
    url = serializers.CharField()


class GroupSerializer(serializers.Serializer):
    type = serializers.CharField()
    label = serializers.CharField()
    more = serializers.BooleanField()
    found = FoundSerializer(many=True)


class CandidateSerializer(serializers.Serializer):
    """What is known of a firm; at least one value."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=100, required=False, allow_blank=True)
    email = serializers.CharField(max_length=200, required=False, allow_blank=True)
    website = serializers.CharField(max_length=200, required=False, allow_blank=True)
    uscc = serializers.CharField(max_length=40, required=False, allow_blank=True)

    def validate(self, attrs):
        if not any(attrs.values()):
            raise serializers.ValidationError("Send a name, phone, email, website or uscc.")
        return attrs


class HitSerializer(serializers.Serializer):
    """A record that may be the same firm. A stranger to it gets tier, owner and status only."""

    tier = serializers.CharField(source="tier.name", help_text="BLOCK, REVIEW, RELATED or HINT")
    reasons = serializers.ListField(child=serializers.CharField())
    type = serializers.CharField(source="subject_type")
    id = serializers.IntegerField(source="pk", allow_null=True)
    label = serializers.CharField()
    url = serializers.CharField()
    owner = serializers.CharField(source="owner_name")
    status = serializers.CharField()


class SearchViewSet(viewsets.ViewSet):
    """Finds records of every kind by two characters, pinyin initials, digits or a credit code."""

    @extend_schema(
        parameters=[OpenApiParameter("q", str, required=True, description="What to look for")],
        responses=GroupSerializer(many=True),
    )
    def list(self, request, **kwargs):
        member = request._request.member
        groups = search.everywhere(member, request.query_params.get("q", "")[:200])
        return Response(GroupSerializer([asdict(group) for group in groups], many=True).data)


class DuplicateViewSet(viewsets.ViewSet):
    """Says whether a firm is known already; never with contact data (INV-L13)."""

    @extend_schema(request=CandidateSerializer, responses=HitSerializer(many=True))
    @action(detail=False, methods=["post"])
    def check(self, request, **kwargs):
        member = request._request.member
        require(member, "duplicate.check")
        candidate = CandidateSerializer(data=request.data)
        candidate.is_valid(raise_exception=True)
        hits = duplicates.find(typed(candidate.validated_data), by=member)
        return Response(HitSerializer(hits, many=True).data)


def register(router) -> None:
    router.register("search", SearchViewSet, basename="search")
    router.register("duplicates", DuplicateViewSet, basename="duplicates")
