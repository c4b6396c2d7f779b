"""Members, teams, tokens and oneself over REST."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.core.errors import Refused
from crm.core.people.models import ApiToken, Member, Team
from crm.core.people.reach import may, require
from crm.core.people.roles import Reach, Role
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField, verb
from crm.core.web.numbers import is_whole

from . import actions
from .filters import MemberFilter
from .views.members import with_teams


class SeatedTeams(serializers.ManyRelatedField):
    """The ids of a member's teams, from the prefetched seats."""

    def get_attribute(self, member):
        return [seat.team for seat in member.memberships.all()]


def teams_field(**kwargs) -> SeatedTeams:
    return SeatedTeams(child_relation=ScopedRelatedField(model=Team), **kwargs)


class ColleagueSerializer(RecordSerializer):
    """What every member may know of another."""

    teams = teams_field(read_only=True)

    class Meta:
        model = Member
        fields = ["id", "name", "title", "is_active", "teams"]
        read_only_fields = fields


class MemberSerializer(RecordSerializer):
    """What administrators read and write. `teams` replaces the member's seats."""

    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices), required=False)
    reach = serializers.ChoiceField(choices=Reach.choices, required=False)
    teams = teams_field(required=False)
    state = serializers.CharField(read_only=True)

    class Meta:
        model = Member
        fields = [
            "id", "name", "email", "phone", "title", "roles", "reach", "teams", "is_active", "state", "created_at",
            "deactivated_at", "version",
        ]  # fmt: skip
        read_only_fields = ["is_active", "created_at", "deactivated_at", "version"]


class MemberViewSet(RecordViewSet):
    """Everybody lists colleagues (id, name, title, teams); administrators see and change the rest."""

    model = Member
    read = "member.read"
    filterset_class = MemberFilter

    def get_queryset(self):
        return with_teams(super().get_queryset())

    def get_serializer_class(self):
        if getattr(self, "swagger_fake_view", False) or may(self.member, "member.manage"):
            return MemberSerializer
        if self.request.method != "GET":
            require(self.member, "member.manage")
        return ColleagueSerializer

    def perform_create(self, serializer):
        return actions.add_member(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return actions.update_member(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )

    @verb()
    def invite(self, request, *args, **kwargs):
        """Mail a link to join by; older links end."""
        member = self.get_object()
        actions.invite(member, by=self.member)
        return self.answer(member)

    @verb()
    def deactivate(self, request, *args, **kwargs):
        """End the member's sessions and tokens at once; 409 STILL_HOLDS while live records are theirs."""
        return self.answer(actions.deactivate(self.get_object(), by=self.member))

    @verb()
    def reactivate(self, request, *args, **kwargs):
        return self.answer(actions.reactivate(self.get_object(), by=self.member))


class TeamSerializer(RecordSerializer):
    class Meta:
        model = Team
        fields = ["id", "name", "kind", "parent", "head", "depth", "version"]
        read_only_fields = ["depth", "version"]
        extra_kwargs = {"kind": {"required": False}}


class TeamViewSet(RecordViewSet):
    """The tree of teams. `kind` is set once; a team below another takes its kind."""

    model = Team
    read = "member.read"
    serializer_class = TeamSerializer

    def perform_create(self, serializer):
        return actions.create_team(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        values = {name: value for name, value in serializer.validated_data.items() if name != "kind"}
        return actions.update_team(serializer.instance, by=self.member, expected=self.expected_version(), **values)


class TokenSerializer(RecordSerializer):
    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at"]
        read_only_fields = ["prefix", "created_at", "last_used_at", "revoked_at"]


class TokenViewSet(RecordViewSet):
    """The caller's own tokens. The secret is in the answer to the creation, and nowhere else."""

    model = ApiToken
    read = "token.manage"
    serializer_class = TokenSerializer
    http_method_names = ["get", "post", "head", "options"]
    replayable = False

    def create(self, request, *args, **kwargs):
        """By a signed-in person only: a token that leaked must not make its successor."""
        if request._request.by_token:
            raise Refused("Sign in to create a token: a token cannot create another.", code="SESSION_NEEDED")
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        token, secret = actions.create_token(self.member, by=self.member, **serializer.validated_data)
        return Response({**self.get_serializer(token).data, "secret": secret}, status=status.HTTP_201_CREATED)

    @verb()
    def revoke(self, request, *args, **kwargs):
        return self.answer(actions.revoke_token(self.get_object(), by=self.member))


class CompanySerializer(serializers.Serializer):
    slug = serializers.CharField()
    name = serializers.CharField()
    tz = serializers.CharField()
    locale = serializers.CharField()
    base_currency = serializers.CharField()


class MeSerializer(RecordSerializer):
    """The caller. `language` is the person's, in every company."""

    language = serializers.ChoiceField(choices=settings.LANGUAGES, source="user.language", required=False)
    company = CompanySerializer(source="tenant", read_only=True)

    class Meta:
        model = Member
        fields = ["id", "name", "phone", "email", "title", "roles", "reach", "language", "company", "version"]
        read_only_fields = ["email", "title", "roles", "reach", "version"]


class MeView(APIView):
    """Who is calling, in which company, with which roles."""

    @extend_schema(responses=MeSerializer)
    def get(self, request, *args, **kwargs):
        return Response(self._serializer(request).data)

    @extend_schema(request=MeSerializer, responses=MeSerializer)
    def patch(self, request, *args, **kwargs):
        serializer = self._serializer(request, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        member = request._request.member
        if language := values.pop("user", {}).get("language"):
            actions.set_language(member.user, language)
        actions.update_profile(member, by=member, expected=_version(request), **values)
        return Response(self._serializer(request).data)

    @staticmethod
    def _serializer(request, **kwargs):
        return MeSerializer(request._request.member, context={"request": request}, **kwargs)


def _version(request) -> int | None:
    given = request.data.get("version") if isinstance(request.data, dict) else None
    if given is not None and not is_whole(given):
        raise exceptions.ValidationError({"version": ["Send the version number you read."]})
    return None if given is None else int(given)


def register(router) -> None:
    router.register("members", MemberViewSet, basename="members")
    router.register("teams", TeamViewSet, basename="teams")
    router.register("tokens", TokenViewSet, basename="tokens")
