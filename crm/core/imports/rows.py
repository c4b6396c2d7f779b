"""One row of a file on its way, and the tally of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from crm.core.spreadsheets import Sheet

from .columns import Column, read_cell, unit_of

NEW, UPDATED, DUPLICATE, ERROR = "new", "updated", "duplicate", "error"
OUTCOMES = (NEW, UPDATED, DUPLICATE, ERROR)
CHUNK = 500
SHOWN = 20  # row numbers named for each reason
MANY = 60  # different reasons, or unknown values of a column, that are told apart
LONG = 80  # characters of a cell that are quoted


@dataclass
class Row:
    """A row of the file: its number as a spreadsheet program shows it, its cells, and what becomes of it."""

    number: int
    cells: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    reasons: dict[str, str] = field(default_factory=dict)  # what it is counted under → the sentence
    keys: list[tuple] = field(default_factory=list)
    existing: Any = None
    record: Any = None
    changes: dict[str, Any] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)  # keys of the columns at fault

    @property
    def live(self) -> bool:
        """Still to be decided, or to be written."""
        return self.outcome in ("", NEW, UPDATED)

    def fail(self, message: str | Promise, **params) -> None:
        self._settle(ERROR, message, params)

    def skip(self, message: str | Promise, **params) -> None:
        self._settle(DUPLICATE, message, params)

    def _settle(self, outcome: str, message: str | Promise, params: dict) -> None:
        """All errors of a row are told; they are counted together where only `value` and `row` differ."""
        if self.outcome == DUPLICATE or (self.outcome == ERROR and outcome != ERROR):
            return
        params = {name: str(value)[:LONG] for name, value in params.items()}
        self.outcome = outcome
        group = str(message) % {**params, **{name: "…" for name in ("value", "row") if name in params}}
        self.reasons.setdefault(group, str(message) % params)

    @property
    def reason(self) -> str:
        return " ".join(self.reasons.values())


class Tally:
    """Counts by outcome, reasons with row numbers, unknown values, related records to be created."""

    def __init__(self, stored: Mapping | None = None):
        stored = stored or {}
        self.counts = Counter(dict.fromkeys(OUTCOMES, 0)) + Counter(stored.get("counts", {}))
        self.creates = Counter(stored.get("creates", {}))
        self.notes = Counter(stored.get("notes", {}))
        self.reasons: dict[tuple[str, str], dict] = {
            (entry["outcome"], entry["text"]): dict(entry) for entry in stored.get("reasons", [])
        }
        self.unknown: dict[str, dict[str, dict]] = {k: dict(v) for k, v in stored.get("unknown", {}).items()}

    def add(self, row: Row) -> None:
        self.counts[row.outcome] += 1
        for group, sentence in row.reasons.items():
            self._reason(row, group, sentence)

    def _reason(self, row: Row, group: str, sentence: str) -> None:
        key = (row.outcome, group)
        if key not in self.reasons and len(self.reasons) >= MANY:
            key = (row.outcome, _("Other reasons"))
        entry = self.reasons.setdefault(
            key, {"outcome": key[0], "text": key[1], "example": sentence, "count": 0, "rows": []}
        )
        entry["count"] += 1
        if len(entry["rows"]) < SHOWN:
            entry["rows"].append(row.number)

    def add_unknown(self, column: str, text: str, row: int, suggest: Callable[[], str]) -> None:
        texts = self.unknown.setdefault(column, {})
        if text in texts:
            texts[text]["count"] += 1
        elif len(texts) < MANY:
            texts[text] = {"count": 1, "row": row, "suggestion": suggest()}

    def note(self, text: str) -> None:
        """Count something the user has to know of rows that go in."""
        self.notes[text] += 1

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def as_json(self) -> dict:
        reasons = sorted(self.reasons.values(), key=lambda entry: -entry["count"])
        return {
            "counts": {outcome: self.counts[outcome] for outcome in OUTCOMES},
            "creates": {key: count for key, count in self.creates.items() if count},
            "notes": dict(self.notes),
            "reasons": reasons,
            "unknown": self.unknown,
        }


class Reader:
    """Turns the rows of a sheet into Rows by a mapping; a cell that cannot be read is the row's error."""

    def __init__(self, columns: tuple[Column, ...], headers: list[str], mapping: Mapping, values: Mapping, options):
        places = {header: index for index, header in enumerate(headers)}
        self.width = len(headers)
        self.order = options.get("date_order", "")
        self.values = values
        self.places = [(c, places[mapping[c.key]]) for c in columns if mapping.get(c.key) in places]
        units = options.get("units", {})
        self.units = {c.key: int(units.get(c.key) or unit_of(headers[i])) for c, i in self.places if c.kind == "money"}
        self.required = [column for column in columns if column.required]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        return (self.read(number, cells) for number, cells in sheet.numbered())

    def read(self, number: int, cells: list[str]) -> Row:
        row = Row(number, cells)
        for column, place in self.places:
            self._cell(row, column, cells[place])
        if missing := [str(column.label) for column in self.required if column.key not in row.values]:
            row.fail(_("“%(column)s” is empty. Fill it in."), column=get_text_list(missing, _("and")))
        return row

    def _cell(self, row: Row, column: Column, text: str) -> None:
        text = self.values.get(column.key, {}).get(text, text)
        if not text:
            return
        try:
            row.values[column.key] = read_cell(column, text, unit=self.units.get(column.key, 1), order=self.order)
        except ValidationError as error:
            problem = " ".join(error.messages)
            row.bad.add(column.key)
            row.fail(_("%(column)s “%(value)s”: %(problem)s"), column=column.label, value=text, problem=problem)


def chunks(rows: Iterator[Row], size: int = CHUNK) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, size)):
        yield chunk
