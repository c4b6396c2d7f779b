"""The story of a record: what people did about it and what changed, newest first."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.events import history
from crm.core.events.models import Event

from . import subjects
from .models import Activity, Attachment

SIZE = 20
# Events that a line of the activity itself tells better, and technical ones.
UNTOLD = ("activity_logged", "followed_up")
UNSHOWN = {"valid_uscc", "amount_minor", "version"}

ICONS: dict[str, str] = {
    Activity.Type.CALL: "phone",
    Activity.Type.VISIT: "map-pin",
    Activity.Type.MEETING: "users",
    Activity.Type.DEMO: "device-desktop",
    Activity.Type.MAIL_SENT: "send",
    Activity.Type.MAIL_RECEIVED: "mail",
    Activity.Type.WECHAT: "message",
    Activity.Type.NOTE: "note",
}

# Verb, or whole kind where two records use a verb differently → words for it. Apps add theirs in ready().
LABELS: dict[str, str | Promise] = {
    "created": _("Created"),
    "updated": _("Changed"),
    "transferred": _("Handed over"),
    "moved": _("Moved on"),
    "collaborator_added": _("Collaborator added"),
    "collaborator_removed": _("Collaborator removed"),
    "file_added": _("File added"),
    "carried": _("Moved along"),
    "imported": _("Imported"),
}
# Columns that many records have and no model names.
COLUMN_WORDS: dict[str, str | Promise] = {
    "status": _("status"),
    "handover": _("handover"),
    "delivery_manager": _("delivery manager"),
    "balance": _("balance"),
    "owner": _("owner"),
}


@dataclass
class Line:
    """One entry. `changes` are (label, before, after) as people read them."""

    at: datetime
    key: tuple
    title: str
    by: str
    icon: str
    activity: Activity | None = None
    changes: list[tuple] = field(default_factory=list)
    reason: str = ""
    note: str = ""
    files: list[Attachment] = field(default_factory=list)

    def silent(self) -> "Line":
        return replace(self, activity=None, note="", reason="", files=[])

    @property
    def cursor(self) -> str:
        return self.at.isoformat()


def of(subject, *, member, before: datetime | None = None, size: int = SIZE) -> tuple[list[Line], str]:
    """The lines of a record older than `before`, and the cursor of the next ones ("" when these are the last).

    Lines of one instant stay together, so that the cursor may be a time. Where contact data is hidden
    from the member, so is what was said.
    """
    hidden = subjects.is_hidden(subject, member)
    lines = [*_activities(subject, before, size), *_events(subject, before, size, hidden)]
    lines.sort(key=lambda line: (line.at, line.key), reverse=True)
    if len(lines) > size:
        lines = [line for line in lines if line.at >= lines[size - 1].at]
    cursor = lines[-1].cursor if len(lines) >= size else ""
    return [line.silent() if hidden else line for line in lines], cursor


def _activities(subject, before: datetime | None, size: int) -> list[Line]:
    rows = activities_of(subject)
    if before:
        rows = rows.filter(occurred_at__lt=before)
    found = list(rows[: size + 1])
    files = _files(found)
    return [_told(activity, files[activity.pk]) for activity in found]


def activities_of(subject):
    """The activities about a record, latest first; whoever sees the record may read them."""
    about = subjects.of(subject)
    links = models.Q(**{f"links__{name}": value for name, value in about.children})
    return Activity.objects.of(subject.tenant_id).filter(links).select_related("actor").order_by("-occurred_at", "-id")


def files_of(subject):
    """The files kept with a record, latest first."""
    links = models.Q(**{f"links__{name}": value for name, value in subjects.of(subject).children})
    return Attachment.objects.of(subject.tenant_id).filter(links).select_related("created_by").order_by("-id")


def _files(activities: list[Activity]) -> dict[int, list[Attachment]]:
    found = defaultdict(list)
    if not activities:
        return found
    ids = [activity.pk for activity in activities]
    rows = Attachment.objects.of(activities[0].tenant_id).filter(
        links__subject_type=subjects.label(Activity), links__subject_id__in=ids
    )
    for attachment in rows.annotate(activity_id=models.F("links__subject_id")):
        found[attachment.activity_id].append(attachment)
    return found


def _told(activity: Activity, files: list[Attachment]) -> Line:
    return Line(
        activity.occurred_at, (1, activity.pk), activity.get_type_display(), str(activity.actor),
        ICONS.get(activity.type, "activity"), activity=activity, note=activity.note, files=files,
    )  # fmt: skip


def _events(subject, before: datetime | None, size: int, hidden: bool) -> list[Line]:
    rows = history.of(subject).exclude(kind__in=[f"{subject._meta.model_name}.{verb}" for verb in UNTOLD])
    if before:
        rows = rows.filter(at__lt=before)
    events = list(rows.order_by("-at", "-id")[: size + 1])
    named = _Names(type(subject), events, without=subject.CONTACT_FIELDS if hidden else ())
    return [_shown(event, named) for event in events]


def _shown(event: Event, named: "_Names") -> Line:
    verb = event.kind.rpartition(".")[2]
    title = LABELS.get(event.kind) or LABELS.get(verb) or verb.replace("_", " ").capitalize()
    born = verb in ("created", "imported")
    return Line(
        event.at, (0, event.pk), str(title), str(event.actor or ""), "plus" if born else "history",
        changes=[] if born else named.changes(event), reason=str(LABELS.get(event.reason, event.reason)),
        note=str(event.data.get("name", "")),
    )  # fmt: skip


class _Names:
    """Says ids, choices and columns of a model's Events in words; one query for each kind of record named."""

    def __init__(self, model, events: list[Event], without=()):
        self.model, self.labels = model, {}
        self.without = UNSHOWN.union(without, getattr(model, "UNTOLD_COLUMNS", ()))
        wanted = defaultdict(set)
        for event in events:
            for name, pair in event.changes.items():
                column = self._column(name)
                if isinstance(column, models.ForeignKey):
                    wanted[column.related_model] |= {value for value in pair if isinstance(value, int)}
        for related, ids in wanted.items():
            rows = related._base_manager.filter(tenant_id=events[0].tenant_id, pk__in=ids)
            self.labels |= {(related, row.pk): str(row) for row in rows}

    def changes(self, event: Event) -> list[tuple]:
        columns = ((self._column(name), pair) for name, pair in event.changes.items() if name not in self.without)
        return [
            (words, *(self._said(column, value) for value in pair))
            for column, pair in columns
            if column is not None and (words := _words(column))
        ]

    def _column(self, name: str):
        try:
            return self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return None

    def _said(self, column, value):
        if value in (None, ""):
            return ""
        if isinstance(column, models.ForeignKey):
            return self.labels.get((column.related_model, value), f"#{value}")
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        if isinstance(column, models.DateTimeField):
            return _local(value)
        if isinstance(column, models.DecimalField):
            return f"{Decimal(value):,}"
        return dict(column.flatchoices).get(value, value)


def _words(column) -> str | Promise:
    """What a column is called; "" for bookkeeping columns, which have no name for people."""
    named = isinstance(column.verbose_name, Promise)
    return column.verbose_name if named else COLUMN_WORDS.get(column.name, "")


def _local(text: str) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(text)):%Y-%m-%d %H:%M}"


def verbs(words: Mapping[str, str | Promise]) -> None:
    """Add an app's words for its verbs or kinds (AppConfig.ready())."""
    LABELS.update(words)
