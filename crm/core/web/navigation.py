"""The registry behind every menu: apps say in AppConfig.ready() which pages they offer to whom.

Menus hide what a role does not use; they never decide what it may do (experience.md 2.5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Place = Literal["sidebar", "bottom", "create", "top", "account", "search"]


class Group(models.TextChoices):
    """The blocks of the menu, in their order; a role's own block comes first (experience.md 2.5)."""

    NONE = "", ""
    SALES = "sales", _("Sales")
    CONTRACTS = "contracts", _("Contracts and orders")
    MONEY = "money", _("Money")
    CLOSING = "closing", _("Refunds and closing")
    SETTINGS = "settings", _("Settings")


# Who has several roles works in the block of the first one named here.
OWN_GROUP = {
    "rep": Group.SALES, "manager": Group.SALES, "finance": Group.MONEY, "legal": Group.CONTRACTS,
}  # fmt: skip
# Folded away until one is on a page of theirs.
RARE = frozenset({Group.CLOSING, Group.SETTINGS})
TURNS = {group: turn for turn, group in enumerate(Group)}


@dataclass(frozen=True)
class Entry:
    """One line of a menu.

    `place`: sidebar (desktop), bottom (phone bar, four at most), create (behind the + button),
    top (icons beside the search box), account (the member's own menu), search (the target of
    the search box, one entry). `roles` empty means everyone. `count` returns the rows to count for
    a badge (all of a page's are counted in one statement) or the number itself; it runs on every
    page, so it must be cheap.
    """

    key: str
    label: str | Promise
    url_name: str
    icon: str
    roles: frozenset[str] = frozenset()
    place: Place = "sidebar"
    order: int = 100
    group: Group = Group.NONE
    count: Callable[[Any], int | QuerySet] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Link:
    """An entry as one member meets it: addressed, counted, and marked when it is the current page.

    `fold`: whether its group can be folded, and how it stands now.
    """

    key: str
    label: str
    icon: str
    group: str
    url: str
    count: int
    current: bool
    fold: Literal["", "open", "closed"] = ""


_entries: dict[tuple[str, str], Entry] = {}


def register(entry: Entry) -> None:
    """Add an entry; the same key in the same place replaces the earlier one."""
    _entries[entry.place, entry.key] = entry


def entries(place: Place, roles: frozenset[str]) -> list[Entry]:
    """The entries of one place that people with these roles see: group by group, each in its order."""
    chosen = (e for e in _entries.values() if e.place == place and (not e.roles or e.roles & roles))
    if place != "sidebar":
        return sorted(chosen, key=lambda e: (e.order, e.key))
    own = next((group for role, group in OWN_GROUP.items() if role in roles), Group.NONE)
    return sorted(chosen, key=lambda e: (TURNS[e.group] if e.group != own else 0.5, e.order, e.key))


def links(place: Place, member: Any, path: str) -> list[Link]:
    """What a member sees in one place of a page at `path`; nothing without a member."""
    if member is None:
        return []
    chosen = entries(place, frozenset(member.roles))
    urls = [reverse(entry.url_name, kwargs={"tenant": member.tenant.slug}) for entry in chosen]
    current = max((url for url in urls if path.startswith(url)), key=len, default="")
    counts = counted(chosen, member)
    near = {entry.group for entry, url in zip(chosen, urls, strict=True) if url == current}
    return [
        Link(entry.key, str(entry.label), entry.icon, str(entry.group.label), url,
             counts[entry.count] if entry.count else 0, url == current, _fold(entry.group, near))
        for entry, url in zip(chosen, urls, strict=True)
    ]  # fmt: skip


def _fold(group: Group, near: set[Group]) -> Literal["", "open", "closed"]:
    if group not in RARE:
        return ""
    return "open" if group in near else "closed"


def counted(chosen: list[Entry], member: Any) -> dict[Callable, int]:
    """The badges of these entries by their `count`; each is counted once for one `member` object (a request)."""
    known = member.__dict__.setdefault("menu_counts", {})
    asked = {entry.count: entry.count(member) for entry in chosen if entry.count and entry.count not in known}
    rows = {count: found for count, found in asked.items() if isinstance(found, QuerySet)}
    known.update({**asked, **dict(zip(rows, _count_together(list(rows.values())), strict=True))})
    return known


def _count_together(querysets: list[QuerySet]) -> list[int]:
    if not querysets:
        return []
    parts = [_rows_sql(rows) for rows in querysets]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT " + ", ".join(f"(SELECT count(*) FROM ({sql}) part)" for sql, _params in parts),
            [value for _sql, params in parts for value in params],
        )
        return list(cursor.fetchone())


def _rows_sql(rows: QuerySet) -> tuple[str, tuple]:
    try:
        return rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "SELECT 1 WHERE FALSE", ()
