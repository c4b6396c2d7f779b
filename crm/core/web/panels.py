"""Parts of a record's page that other apps bring: an app says in AppConfig.ready() what it shows on whose page.

The page names no app downstream of it; each panel is fetched by its own address, which decides who sees what.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Model
from django.utils.functional import Promise

from crm.core.people.models import Member
from crm.core.people.reach import may


@dataclass(frozen=True)
class Panel:
    """`url_name` is addressed with (tenant, pk) of the record; members without `action` do not meet it."""

    key: str
    title: str | Promise
    url_name: str
    action: str
    order: int = 100


_panels: dict[str, dict[str, Panel]] = defaultdict(dict)


def register(subject_type: str, panel: Panel) -> None:
    _panels[subject_type][panel.key] = panel


def of(record: Model, member: Member) -> list[Panel]:
    """The panels of a record's page for a member, in order."""
    shown = (panel for panel in _panels[record._meta.label_lower].values() if may(member, panel.action))
    return sorted(shown, key=lambda panel: (panel.order, panel.key))
