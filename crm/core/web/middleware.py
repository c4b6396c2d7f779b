"""Request ids, and refusals as answers."""

import re
import uuid

from django.core.exceptions import ValidationError
from django.shortcuts import render

from crm.core.errors import Busy, Refused

SANE_ID = re.compile(r"^[\w-]{8,40}$")


class RequestIdMiddleware:
    """Gives every request an id that the answer, the log and the Events carry."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-Id", "")
        request.id = given if SANE_ID.match(given) else uuid.uuid4().hex
        response = self.get_response(request)
        response["X-Request-Id"] = request.id
        if getattr(request, "tenant", None):
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response


class RefusalMiddleware:
    """Turns a Refused raised by an action into its page: a message in a fragment, a sentence on a page.

    The view's transaction is rolled back before this runs. The API answers for
    itself (`crm.core.web.api.explain`).
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        if Busy.explains(error):
            error = Busy()
        if isinstance(error, Refused):
            return refusal(request, error.message, error.status)
        if isinstance(error, ValidationError):
            return refusal(request, " ".join(error.messages), 422)
        return None


def refusal(request, message, status: int):
    """The sentence in the message area of an HTMX page, or on a page of its own with the way back."""
    response = render(
        request,
        "refused.html",
        {"message": message, "back": request.headers.get("Referer", "")},
        status=status,
    )
    if request.htmx:
        response["HX-Retarget"] = "#messages"
        response["HX-Reswap"] = "innerHTML"
    return response
