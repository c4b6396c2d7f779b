"""What a check found, or a run did, in words for the page."""

from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from . import registry
from .models import Import
from .rows import DUPLICATE, ERROR, NEW, UPDATED


@dataclass(frozen=True)
class Count:
    label: str
    value: int
    kind: str


@dataclass(frozen=True)
class Reason:
    """`text` with what it stands for blanked out, an example in full, and the first rows."""

    text: str
    example: str
    count: int
    rows: list[int]
    kind: str

    @property
    def more(self) -> int:
        return self.count - len(self.rows)


class Report:
    """The check's report until the run has begun, then the run's."""

    def __init__(self, batch: Import):
        self.batch = batch
        self.is_result = bool(batch.started_at)
        self.data = (batch.result if self.is_result else batch.check_report) or {}

    @cached_property
    def counts(self) -> list[Count]:
        found = self.data.get("counts", {})
        labels = [
            (NEW, _("new"), "success"),
            (UPDATED, _("updated"), "info"),
            (DUPLICATE, _("there already or repeated"), ""),
            (ERROR, _("in error"), "danger"),
        ]
        return [Count(label, found.get(key, 0), kind if found.get(key) else "") for key, label, kind in labels]

    @property
    def writes(self) -> int:
        """Rows that would go in."""
        return sum(count.value for count in self.counts[:2])

    @property
    def errors(self) -> int:
        return self.counts[3].value

    @cached_property
    def reasons(self) -> list[Reason]:
        kinds = {ERROR: "danger", DUPLICATE: ""}
        return [
            Reason(entry["text"], entry["example"], entry["count"], entry["rows"], kinds[entry["outcome"]])
            for entry in self.data.get("reasons", [])
        ]

    @cached_property
    def creates(self) -> list[tuple[str, int]]:
        """Related records that come into being, by the label of their column."""
        importer = registry.get(self.batch.object)
        labels = {column.key: column.label for column in importer.columns}
        return [(str(labels.get(key, key)), count) for key, count in self.data.get("creates", {}).items()]

    @property
    def notes(self) -> list[tuple[str, int]]:
        return list(self.data.get("notes", {}).items())

    @property
    def cautions(self) -> list[str]:
        return self.data.get("cautions", [])
