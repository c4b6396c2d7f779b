"""Pages for requests that Django itself turns away."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose security token is stale or missing; says how to go on without losing input."""
    context = {
        "title": _("This page has expired"),
        "message": _(
            "Nothing was saved. Go back, copy what you typed if it is long, reload the page and send it again. "
            "If it keeps happening, allow cookies for this site."
        ),
    }
    response = render(request, "refused.html", context, status=403)
    response["HX-Retarget"] = "#messages"
    response["HX-Reswap"] = "beforeend"
    return response
