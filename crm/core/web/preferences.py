"""The language switch of every page."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as remember


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Back to `next` in the language chosen; a signed-in user keeps it on every device."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        get_user_model().objects.filter(pk=request.user.pk).update(language=chosen)
    return remember(request)
