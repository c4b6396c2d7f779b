"""Who calls the API, and how its lists are paged (named by REST_FRAMEWORK in the settings)."""

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission


class MemberAuthentication(BaseAuthentication):
    """The member that CompanyMiddleware found; a session must bring its CSRF token, a bearer token need not."""

    def authenticate(self, request):
        member = getattr(request._request, "member", None)
        if member is None:
            return None
        if not request._request.by_token:
            SessionAuthentication().enforce_csrf(request)
        return request._request.user, member

    def authenticate_header(self, request):
        return "Token"


class MemberScheme(OpenApiAuthenticationExtension):
    """How the API's description says it: a session of the pages, or a token."""

    target_class = MemberAuthentication
    name = ["session", "token"]

    def get_security_definition(self, auto_schema):
        session = {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
        token = {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token …"}
        return [session, token]


class IsMember(BasePermission):
    def has_permission(self, request, view):
        return getattr(request._request, "member", None) is not None


class CursorPages(CursorPagination):
    """Keyset pages: the thousandth page costs what the first does."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"

    def get_page_size(self, request):
        raw = request.query_params.get(self.page_size_query_param)
        if raw is None:
            return self.page_size
        if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw[:6]) <= self.max_page_size:
            raise exceptions.ValidationError({"page_size": [f"Ask for 1 to {self.max_page_size} rows."]})
        return int(raw)
