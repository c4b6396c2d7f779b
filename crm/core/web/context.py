"""What every page's template finds in its context."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from crm.core.web import navigation

THEMES = ("light", "dark")
DENSITIES = ("comfortable", "compact")
PLACES: tuple[navigation.Place, ...] = ("sidebar", "bottom", "create", "top", "account", "search")


def page(request: HttpRequest) -> dict[str, Any]:
    """base_template (page or fragment), member, company, navigation, theme, density, language."""
    member = getattr(request, "member", None)
    return {
        "base_template": "fragment.html" if wants_fragment(request) else "page.html",
        "member": member,
        "company": getattr(request, "tenant", None),
        "navigation": SimpleLazyObject(lambda: menus(member, request.path)),
        "theme": chosen(request, "theme", THEMES, "auto"),
        "density": chosen(request, "density", DENSITIES, "comfortable"),
        "html_lang": "zh-Hans" if (get_language() or "").startswith("zh") else "en",
    }


def wants_fragment(request: HttpRequest) -> bool:
    """True when htmx asks for a part of the page it already shows."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def menus(member: Any, path: str) -> dict[str, list[navigation.Link]]:
    if member is not None:
        navigation.counted(
            [each for place in PLACES for each in navigation.entries(place, frozenset(member.roles))], member
        )
    return {place: navigation.links(place, member, path) for place in PLACES}


def chosen(request: HttpRequest, cookie: str, allowed: tuple[str, ...], default: str) -> str:
    value = request.COOKIES.get(cookie, "")
    return value if value in allowed else default
