"""The registry behind every menu: apps say in AppConfig.ready() which pages they offer to whom.

Menus hide what a role does not use; they never decide what it may do (experience.md 2.5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.urls import reverse
from django.utils.functional import Promise

Place = Literal["sidebar", "bottom", "create", "top", "account", "search"]


@dataclass(frozen=True)
class Entry:
    """One line of a menu.

    `place`: sidebar (desktop), bottom (phone bar, four at most), create (behind the + button),
    top (icons beside the search box), account (the member's own menu), search (the target of
    the search box, one entry). `roles` empty means everyone. `count` returns a number shown
    as a badge, 0 for none; it runs on every page, so it must be one cheap query.
    """

    key: str
    label: str | Promise
    url_name: str
    icon: str
    roles: frozenset[str] = frozenset()
    place: Place = "sidebar"
    order: int = 100
    group: str | Promise = ""
    count: Callable[[Any], int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Link:
    """An entry as one member meets it: addressed, counted, and marked when it is the current page."""

    key: str
    label: str
    icon: str
    group: str
    url: str
    count: int
    current: bool


_entries: dict[tuple[str, str], Entry] = {}


def register(entry: Entry) -> None:
    """Add an entry; the same key in the same place replaces the earlier one."""
    _entries[entry.place, entry.key] = entry


def entries(place: Place, roles: frozenset[str]) -> list[Entry]:
    """The entries of one place that people with these roles see, in order."""
    chosen = (e for e in _entries.values() if e.place == place and (not e.roles or e.roles & roles))
    return sorted(chosen, key=lambda e: (e.order, e.key))


def links(place: Place, member: Any, path: str) -> list[Link]:
    """What a member sees in one place of a page at `path`; nothing without a member."""
    if member is None:
        return []
    chosen = entries(place, frozenset(member.roles))
    urls = [reverse(entry.url_name, kwargs={"tenant": member.tenant.slug}) for entry in chosen]
    current = max((url for url in urls if path.startswith(url)), key=len, default="")
    return [_link(entry, url, url == current, member) for entry, url in zip(chosen, urls, strict=True)]


def _link(entry: Entry, url: str, current: bool, member: Any) -> Link:
    count = entry.count(member) if entry.count else 0
    return Link(entry.key, str(entry.label), entry.icon, str(entry.group), url, count, current)
