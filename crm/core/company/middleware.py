"""From a request to a company, a member and the open wall."""

import re
import time

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, JsonResponse
from django.utils import timezone, translation

from crm.core.events.history import origin
from crm.core.people.models import Member
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.slugs import RESERVED_SLUGS
from crm.core.tenancy.state import enter

from .actions import member_of_token

SLUG = re.compile(r"[a-z0-9-]{1,40}\Z")


class LanguageMiddleware:
    """The user's language, else the cookie, else what the browser asks for."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        chosen = getattr(request.user, "language", "") or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        known = dict(settings.LANGUAGES)
        language = chosen if chosen in known else translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        return response


class SessionActivityMiddleware:
    """Notes where a person is signed in, for the list of sessions; every five minutes is often enough."""

    EVERY = 300

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        now = int(time.time())
        if request.user.is_authenticated and now - request.session.get("seen", 0) >= self.EVERY:
            request.session["seen"] = now
            UserSession.objects.create_from_request(request)
        return self.get_response(request)


class CompanyMiddleware:
    """Resolves the company in the URL once, for pages and API, session and token alike.

    One transaction spans lookup, view and rendering, so that no query runs
    outside the wall; ATOMIC_REQUESTS inside it is the savepoint that a failed
    request rolls back. A company one does not belong to does not exist (404).
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.tenant = request.member = None
        slug = request.path_info.split("/")[1]
        if not slug or slug in RESERVED_SLUGS:
            return self.get_response(request)
        request.is_api = request.path_info.startswith(f"/{slug}/api/")
        token = self._token(request)
        if token is None and not request.user.is_authenticated:
            return self._ask_to_sign_in(request)
        return self._in_company(request, slug, token)

    def _in_company(self, request, slug, token):
        tenant = Tenant.objects.filter(slug=slug, status=Tenant.Status.ACTIVE).first() if SLUG.match(slug) else None
        if tenant is None:
            return self._unknown(request, token)
        source = origin("api" if request.is_api else "page", getattr(request, "id", ""))
        with enter(tenant), timezone.override(tenant.zone), source, transaction.atomic():
            request.member = self._member(request, tenant, token)
            if request.member is None:
                return self._unknown(request, token)
            request.member.tenant = request.tenant = tenant
            request.by_token = token is not None
            self._remember(request, slug)
            with translation.override(self._language(request, tenant)):
                return self.get_response(request)

    @staticmethod
    def _language(request, tenant) -> str:
        """A program that asks for no language gets its owner's, else the company's."""
        if not request.by_token or request.headers.get("Accept-Language"):
            return translation.get_language()
        known = dict(settings.LANGUAGES)
        wanted = (getattr(request.member.user, "language", ""), tenant.locale)
        return next((code for code in wanted if code in known), settings.LANGUAGE_CODE)

    @staticmethod
    def _remember(request, slug) -> None:
        """The start address leads to the company worked in last."""
        if not request.by_token and request.session.get("company") != slug:
            request.session["company"] = slug

    @staticmethod
    def _token(request) -> str | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        return secret.strip() if request.is_api and kind.lower() in ("token", "bearer") else None

    @staticmethod
    def _member(request, tenant, token) -> Member | None:
        if token is not None:
            return member_of_token(tenant, token)
        return Member.objects.of(tenant).select_related("user").filter(user=request.user, is_active=True).first()

    @staticmethod
    def _ask_to_sign_in(request):
        if request.is_api:
            return _api_refusal("NOT_AUTHENTICATED", "Send “Authorization: Token …” or sign in.", 401)
        return redirect_to_login(request.get_full_path())

    @staticmethod
    def _unknown(request, token):
        if token is not None:
            return _api_refusal("NOT_AUTHENTICATED", "This token is not valid for this company.", 401)
        if request.is_api:
            return _api_refusal("NOT_FOUND", "There is nothing here.", 404)
        raise Http404


def _api_refusal(code: str, detail: str, status: int) -> JsonResponse:
    headers = {"WWW-Authenticate": "Token"} if status == 401 else {}
    return JsonResponse({"code": code, "detail": detail}, status=status, headers=headers)
