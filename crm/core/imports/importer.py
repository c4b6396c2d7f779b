"""How an object is imported: what becomes of each row is decided first, then written chunk by chunk.

`plan` writes nothing and is all of the dry run; the run calls `plan` and then `apply`
on the same rows, so both count the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from crm.core import records
from crm.core.calendars import day_start
from crm.core.errors import Refused
from crm.core.names import fold
from crm.core.people.reach import owners_covered

from .columns import Column
from .finders import Finder, suggest
from .rows import NEW, UPDATED, Row, Tally

SKIP, UPDATE, CREATE = "skip", "update", "create"
SOURCE = "import"


class Importer:
    """One pass over a file. Subclasses name `key`, `label`, `model`, `columns` and override the hooks they need."""

    key: str
    label: str | Promise
    icon = "file-import"
    order = 100
    permission = "import.sales"
    model: type[models.Model]
    columns: tuple[Column, ...]
    policies: tuple[str, ...] = (SKIP, UPDATE, CREATE)
    scans = False
    do_not_call_in_templates = True  # pages show the class: its label, icon, columns
    # Kinds of keys of which the database, or a rule, allows one: they hold under every policy.
    unique_kinds: frozenset[str] = frozenset()

    def __init__(self, by, options: dict | None = None, *, memo: dict | None = None):
        self.by, self.tenant, self.zone = by, by.tenant, by.tenant.zone
        self.options = options or {}
        self.policy = self.options.get("policy") or SKIP
        self.may_create = set(self.options.get("create") or ())
        self.covered = owners_covered(by, "import.run")
        self.finders: dict[str, Finder] = {}
        self.vocabularies: dict[str, dict[str, str]] = {}
        self.seen: dict[tuple, int] = {}
        self.tally = Tally()
        # (row number, reason) of rows that are in, but not whole; written by the finish.
        self.late: list[tuple[int, str]] = []
        self._pending: dict[int, models.Model] = {}
        # What later chunks, and the finish, have to know of earlier ones; stored with each chunk.
        self.memo = memo if memo is not None else {}

    # --- what a subclass says ---------------------------------------------------------------------

    @classmethod
    def option_fields(cls, by) -> dict[str, forms.Field]:
        """Form fields of the choices that only this object has."""
        return {}

    def load(self) -> None:
        """Fill `finders` and `vocabularies` before the first row."""

    def keys(self, row: Row) -> list[tuple]:
        """What tells this row's record from others, strongest first: (kind, …) tuples."""
        return []

    def existing(self, rows: list[Row]) -> dict[tuple, Any]:
        """Key → record for those of the rows' keys that are there already; one query a chunk."""
        return {}

    def complete(self, row: Row) -> None:
        """Rules of the object over a row whose relations are found: `row.fail` or more values."""

    def fields(self, row: Row) -> dict[str, Any]:
        """Model field → value, filled ones only."""
        return {name: value for name, value in row.values.items() if value not in ("", None) and name != "created"}

    def make(self, row: Row):
        """The unsaved record of a new row; a column `created` is its true date."""
        return self.model(tenant=self.tenant, created_at=self.moment(row.values.get("created")), **self.fields(row))

    def may_change(self, record) -> bool:
        """Whether the importing member may update this record."""
        return self.covered is None or bool(self.covered & record.holder_ids)

    def moment(self, day: date | None) -> datetime:
        """The business time of a date in a file: the beginning of that day in the company's zone; now without one."""
        return day_start(day, self.zone) if day else timezone.now()

    def change(self, row: Row) -> None:
        records.update(row.existing, by=self.by, **row.changes)

    def insert(self, rows: list[Row]) -> None:
        records.create_many([row.record for row in rows], by=self.by, verb="imported")

    def create_related(self, rows: list[Row]) -> None:
        """Write the related records that `rows` are the first to need."""

    def scan(self, rows: Iterable[Row]) -> None:
        """Look through the whole file before the first chunk; only for importers with `scans`."""

    def finish(self) -> bool:
        """One step of the work left in `memo` after the last row, such as parents that came later. False when done."""
        return False

    def check_owner(self, row: Row, column: Column, owner) -> None:
        """A manager imports for the own teams only."""
        if owner and self.covered is not None and owner.pk not in self.covered:
            row.bad.add(column.key)
            row.fail(_("%(column)s “%(value)s” is not in your teams."), column=column.label, value=owner)

    # --- one chunk ----------------------------------------------------------------------------------

    def plan(self, rows: list[Row]) -> None:
        """Decide each row's outcome. Reads the database, writes nothing."""
        self.resolve(rows)
        for row in rows:
            if row.live:
                self.complete(row)
        live = [row for row in rows if row.live]
        for row in live:
            row.keys = self.keys(row)
        found = self.existing(live)
        for row in live:
            self._decide(row, found)
            if row.live:
                self.count_related(row)

    def apply(self, rows: list[Row]) -> None:
        """Write what `plan` decided, in the caller's transaction; a row the database refuses becomes an error."""
        self.create_related([row for row in rows if row.outcome in (NEW, UPDATED)])
        if new := [row for row in rows if row.outcome == NEW]:
            self._insert(new)
        for row in rows:
            if row.outcome == UPDATED:
                with self._refusals_of(row), transaction.atomic():
                    self.change(row)

    def count(self, rows: list[Row]) -> None:
        for row in rows:
            self.tally.add(row)

    def count_related(self, row: Row) -> None:
        """Related records that come into being with this row, each counted once."""
        for column in self.columns:
            value = row.values.get(column.key)
            if isinstance(value, models.Model) and value.pk is None and id(value) not in self._pending:
                self._pending[id(value)] = value
                self.tally.creates[column.key] += 1

    def pass_by(self, rows: list[Row]) -> None:
        """Remember rows that an earlier run has finished, so that later ones are seen as repeating them."""
        self.resolve(rows)
        for row in rows:
            if row.live:
                self.complete(row)
            if row.live:
                self._repeats(row, self.keys(row))
        self.tally = Tally()

    def resolve(self, rows: list[Row]) -> None:
        """Replace the words of choices and relations by what they mean; unknown words are the row's error."""
        for column in self.columns:
            named = [row for row in rows if column.key in row.values]
            if not column.is_lookup or not named:
                continue
            if column.kind == "relation":
                self.finders[column.key].load({row.values[column.key] for row in named})
            for row in named:
                self._look_up(row, column)

    # --- inside -------------------------------------------------------------------------------------

    def _look_up(self, row: Row, column: Column) -> None:
        text = row.values[column.key]
        try:
            found = self.find(column, text)
        except ValidationError as error:
            row.bad.add(column.key)
            row.fail(
                _("%(column)s “%(value)s”: %(problem)s"), column=column.label, value=text, problem=error.messages[0]
            )
            return
        if found is None:
            row.bad.add(column.key)
            self.tally.add_unknown(column.key, text, row.number, lambda: self.suggest(column, text))
            row.fail(_("%(column)s “%(value)s” is not known."), column=column.label, value=text)
        else:
            row.values[column.key] = found

    def find(self, column: Column, text: str):
        """What the text of a lookup column means; None when it is unknown."""
        if column.kind == "choices":
            found = [self.find_word(column, word) for word in split_words(text)]
            return None if None in found else found
        if column.kind == "choice":
            return self.find_word(column, text)
        record = self.finders[column.key].get(text)
        if record is None and column.key in self.may_create:
            record = self.new_related(column, text)
            self.finders[column.key].add(record)
        return record

    def find_word(self, column: Column, text: str) -> str | None:
        if column.key not in self.vocabularies:
            self.vocabularies[column.key] = column.vocabulary()
        return self.vocabularies[column.key].get(fold(text) or text)

    def new_related(self, column: Column, text: str):
        """The unsaved record that a missing name stands for; `create_related` writes it."""
        raise NotImplementedError

    def suggest(self, column: Column, text: str) -> str:
        if column.kind == "relation":
            return self.finders[column.key].suggest(text)
        return suggest(text, {word: word for word in self.vocabularies[column.key]})

    def known_words(self, column: Column) -> list[str]:
        """What a lookup column may say, for people: names of records, or labels in their language."""
        if column.kind == "relation":
            return self.finders[column.key].names()
        return [str(label) for _value, label in column.choices.choices] if column.choices else []

    def _repeats(self, row: Row, keys: list[tuple]) -> int | None:
        """The number of the earlier row of the file with one of these keys; remembers this one."""
        keys = [key for key in keys if self._counts(key)]
        first = next((self.seen[key] for key in keys if key in self.seen), None)
        for key in keys:
            self.seen.setdefault(key, row.number)
        return first

    def _counts(self, key) -> bool:
        return self.policy != CREATE or key[0] in self.unique_kinds

    def _decide(self, row: Row, found: dict) -> None:
        if first := self._repeats(row, row.keys):
            row.skip(_("Repeats row %(row)s of the file."), row=first)
            return
        row.existing = next((found[key] for key in row.keys if key in found and self._counts(key)), None)
        if row.existing is None:
            self._decide_new(row)
        elif self.policy == UPDATE:
            self._decide_update(row)
        else:
            row.skip(_("“%(value)s” is there already."), value=row.existing)

    def _decide_new(self, row: Row) -> None:
        row.outcome = NEW
        with self._refusals_of(row):
            row.record = self.make(row)
            records.check(row.record)

    def _decide_update(self, row: Row) -> None:
        row.changes = self.differences(row)
        if not self.may_change(row.existing):
            row.fail(_("“%(value)s” belongs to somebody outside your teams."), value=row.existing)
        elif not row.changes:
            row.skip(_("“%(value)s” is there already with the same values."), value=row.existing)
        else:
            row.outcome = UPDATED
            with self._refusals_of(row):
                self._check_changes(row)

    def differences(self, row: Row) -> dict[str, Any]:
        """Fields whose value in the file is another than the record's; empty cells change nothing."""
        return {n: v for n, v in self.fields(row).items() if getattr(row.existing, n) != v}

    def _check_changes(self, row: Row) -> None:
        for name, value in row.changes.items():
            field = row.existing._meta.get_field(name)
            if not field.is_relation:
                field.clean(value, row.existing)

    def _insert(self, rows: list[Row]) -> None:
        """All at once; when the database refuses the set, one by one, so that only the refused rows fail."""
        try:
            with transaction.atomic():
                self.insert(rows)
        except (IntegrityError, ValidationError):
            for row in rows:
                with self._refusals_of(row), transaction.atomic():
                    self.insert([row])

    @contextmanager
    def _refusals_of(self, row: Row) -> Iterator[None]:
        """What the rules or the database refuse inside is the row's error."""
        try:
            yield
        except (Refused, ValidationError, IntegrityError) as refused:
            row.fail("%(problem)s", problem=sentence(refused, self.model))


def sentence(refused: Exception, model) -> str:
    """A refusal in one line, with the names of the fields it is about."""
    if isinstance(refused, ValidationError) and hasattr(refused, "error_dict"):
        return " ".join(f"{_label(model, name)}{' '.join(texts)}" for name, texts in refused.message_dict.items())
    if isinstance(refused, ValidationError):
        return " ".join(refused.messages)
    return str(refused) if isinstance(refused, Refused) else _("The database refused this row.")


def _label(model, name: str) -> str:
    names = {field.name: field.verbose_name for field in model._meta.concrete_fields}
    return f"{names[name]}: " if name in names else ""


def split_words(text: str) -> list[str]:
    for mark in ("、", "，", ";", "；", "|", "/"):
        text = text.replace(mark, ",")
    return [word.strip() for word in text.split(",") if word.strip()]
