"""The only code that saves a business row (architecture.md 4).

Every function locks the row again, checks the model's `MOVES`, validates what
changed, refuses relations of another tenant, bumps `version`, and writes one
Event in the same transaction. Actions call these after role and rule.
"""

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import clock
from crm.core.errors import Conflict, Refused
from crm.core.events import history
from crm.core.people.models import Member
from crm.core.people.presence import require_present
from crm.core.tenancy.models import TenantForeignKey, TenantModel

UNTRACKED = {"id", "tenant", "version", "created_at", "created_by", "updated_at"}

# Called with (record, changed field names) after every insert and update, in the same transaction.
watchers: list[Callable[["Record", set[str]], None]] = []
# Called with the new records of `create_many` instead.
bulk_watchers: list[Callable[[list["Record"]], None]] = []


class Record(TenantModel):
    """A business row with history. `MOVES` maps a state to the states it may move to."""

    MOVES: dict[str, set[str]] = {}
    STATE_FIELD = "status"

    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = TenantForeignKey(
        Member, null=True, related_name="+", editable=False, db_index=False, verbose_name=_("created by")
    )
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    @property
    def holder_ids(self) -> set[int]:
        """Members whose own record this is; `people.reach.may` compares against it."""
        return {self.owner_id} if getattr(self, "owner_id", None) else set()

    def recorded(self, event, changes: dict) -> None:
        """Hook for append-only rows that follow a change, in the same transaction."""

    @classmethod
    def recorded_in_bulk(cls, batch, tenant_id: int) -> None:
        """The same for a set: the Events of `batch` tell what changed."""


def lock(record):
    """The row as the database has it now, locked until the transaction ends."""
    return lock_all(type(record), [record.pk], record.tenant_id)[0]


def lock_all(model, ids: Iterable[int], tenant) -> list:
    """Rows of one model locked in primary-key order, so that two callers never wait for each other."""
    rows = model.objects.of(tenant).filter(pk__in=list(ids)).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True))


def create(model, *, by: Member, verb: str = "created", at: datetime | None = None, reason: str = "",
           data: dict | None = None, **values):  # fmt: skip
    """Insert a row and its Event. `at` is a true date of the past (imports and demo data only).

    Where a write comes from (page, job, import) is said once around it, by `history.origin`.
    """
    record = model(tenant_id=by.tenant_id, **values)
    if isinstance(record, Record):
        record.created_by = by
        record.created_at = record.updated_at = at or clock.now()
    check(record)
    if at is None:
        _require_present_owner(record)
    _write(record, force_insert=True)
    _after(record, by, verb, birth_values(record), at=at, reason=reason, data=data)
    return record


def create_many(rows: Iterable["Record"], *, by: Member, verb: str = "created", batch: uuid.UUID | None = None,
                story: Callable[[Any], Iterable[tuple[str, datetime, dict]]] | None = None) -> list:  # fmt: skip
    """Insert unsaved records of one model, and their Events, in sets (imports and demo data).

    `created_at` of each is its business time. `story` tells a record's true past as (verb, at,
    changes), oldest first; without it one Event shows all its columns. Raises what `create`
    raises, and IntegrityError for the whole set.
    """
    rows, batch = list(rows), batch or uuid.uuid4()
    if not rows:
        return rows
    model = type(rows[0])
    for record in rows:
        record.created_by, record.updated_at = by, record.created_at
        check(record)
    model._base_manager.bulk_create(rows, batch_size=1000)
    told = ((record, step) for record in rows for step in (story(record) if story else [_birth(record, verb)]))
    history.note_many(
        [history.draft(record, kind=_kind(model, step[0]), by=by, at=step[1], changes=step[2], batch=batch)
         for record, step in told],
        told=_kind(model, verb),
    )  # fmt: skip
    model.recorded_in_bulk(batch, by.tenant_id)
    for watch in bulk_watchers:
        watch(rows)
    return rows


def check(record) -> None:
    """Raise what creating this unsaved record would, as far as its own columns and relations tell."""
    _validate(record, {field.name for field in record._meta.concrete_fields} - UNTRACKED)


def birth_values(record) -> dict[str, list]:
    """The changes of a first Event: every filled column as [None, value]."""
    return {name: [None, value] for name, value in _values(record).items() if value not in (None, "", [], {})}


def _birth(record, verb: str) -> tuple[str, datetime, dict]:
    return verb, record.created_at, birth_values(record)


def update(record, *, by: Member, verb: str = "updated", expected: int | None = None, reason: str = "",
           at: datetime | None = None, data: dict | None = None, **values):  # fmt: skip
    """Change columns of a row; nothing is written when nothing differs.

    `expected` is the version the user saw: another one is a Conflict. The given
    object is brought up to date and returned.
    """
    return _change(record, by, verb, values, None, expected, reason=reason, at=at, data=data)


def update_many(changes: Iterable[tuple["Record", dict[str, Any]]], *, by: Member, verb: str = "updated",
                batch: uuid.UUID | None = None) -> int:  # fmt: skip
    """Change rows of one model, each by values of its own, in one UPDATE and one INSERT of Events; returns how many.

    The caller holds their locks (`lock_all`) and names plain columns. The given objects are brought up to date.
    """
    batch, differing = batch or uuid.uuid4(), []
    for record, values in changes:
        if changed := _differing(record, values):
            _validate(record, set(changed))
            _stamp(record)
            differing.append((record, changed))
    if not differing:
        return 0
    rows, model = [record for record, _changed in differing], type(differing[0][0])
    names = {name for _record, changed in differing for name in changed}
    _write_many(rows, [*sorted(names), "version", "updated_at"])
    kind = _kind(model, verb)
    history.note_many([history.draft(row, kind=kind, by=by, changes=changed, batch=batch)
                       for row, changed in differing], told=kind)  # fmt: skip
    model.recorded_in_bulk(batch, by.tenant_id)
    return len(rows)


def _write_many(rows: list, names: list[str]) -> None:
    """One UPDATE from arrays: Django's bulk_update spends more time on its CASE expressions than the database does.

    Columns that the database computes come back with it.
    """
    model = type(rows[0])
    fields = [model._meta.get_field(name) for name in names]
    computed = [field for field in model._meta.concrete_fields if field.generated]
    arrays = [[field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows] for field in fields]
    sql = (
        f"UPDATE {model._meta.db_table} AS t SET {', '.join(f'{f.column} = v.{f.column}' for f in fields)}"
        f" FROM unnest(%s::bigint[], {', '.join(f'%s::{f.db_type(connection)}[]' for f in fields)})"
        f" AS v (id, {', '.join(f.column for f in fields)}) WHERE t.tenant_id = %s AND t.id = v.id"
        f" RETURNING {', '.join(f't.{name}' for name in ['id', *(f.column for f in computed)])}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [[row.pk for row in rows], *arrays, rows[0].tenant_id])
        told = {values[0]: values[1:] for values in cursor.fetchall()}
    for row in rows:
        for field, value in zip(computed, told[row.pk], strict=True):
            setattr(row, field.attname, value)


def move(record, to: str, *, by: Member, verb: str, expected: int | None = None, reason: str = "",
         at: datetime | None = None, data: dict | None = None, **values):  # fmt: skip
    """Bring a row into another state by its MOVES table, or refuse with INVALID_TRANSITION."""
    return _change(record, by, verb, values, to, expected, reason=reason, at=at, data=data)


def append(rows: Iterable[TenantModel]) -> list:
    """Insert append-only rows (activities, change rows, ledger rows): they are their own history."""
    rows = list(rows)
    return type(rows[0])._base_manager.bulk_create(rows, batch_size=1000) if rows else []


def bulk_change(queryset, *, by: Member, verb: str, reason: str = "", batch, **expressions) -> int:
    """Change a set of rows and write their Events by SQL alone; returns how many.

    Values may be constants or expressions over the old row. Rows locked by
    somebody else are skipped: call again until it returns 0.
    """
    model = queryset.model
    ids = list(queryset.select_for_update(of=("self",), skip_locked=True, no_key=True).values_list("pk", flat=True))
    if not ids:
        return 0
    if isinstance(owner := expressions.get("owner"), Member):
        require_present(by.tenant_id, [owner.pk])
    rows = model.objects.of(by.tenant_id).filter(pk__in=ids)
    history.note_set(rows, expressions, kind=_kind(model, verb), by=by, reason=reason, batch=batch)
    count = rows.update(**expressions, version=F("version") + 1, updated_at=timezone.now())
    model.recorded_in_bulk(batch, by.tenant_id)
    return count


def note(record, *, by: Member, verb: str, reason: str = "", data: dict | None = None, at: datetime | None = None):
    """Write an Event about something that changed no column of `record` itself."""
    return history.note(record, kind=_kind(type(record), verb), by=by, reason=reason, data=data, at=at)


def link(model, *, about, by: Member, verb: str, data: dict | None = None, **values) -> bool:
    """Insert a row that ties `about` to something (a collaborator) unless it is there; its Event is of `about`."""
    made = model.objects.of(by.tenant_id).get_or_create(tenant_id=by.tenant_id, **values)[1]
    if made:
        note(about, by=by, verb=verb, data=data)
    return made


def unlink(rows, *, about, by: Member, verb: str, data: dict | None = None) -> bool:
    """Delete such rows; their history stays with `about`."""
    gone = bool(rows.delete()[0])
    if gone:
        note(about, by=by, verb=verb, data=data)
    return gone


def _change(record, by, verb, values, to, expected, **note):
    locked = lock(record)
    if expected is not None and locked.version != expected:
        raise Conflict(locked)
    if to is not None:
        values = {**values, record.STATE_FIELD: _allowed(locked, to)}
    changes = _differing(locked, values)
    if changes:
        _validate(locked, set(changes))
        if "owner" in changes:
            _require_present_owner(locked)
        _write(locked, update_fields=[*changes, *_stamp(locked)])
        _refresh_generated(locked)
        _after(locked, by, verb, changes, **note)
    record.__dict__.update(locked.__dict__)
    return record


def _differing(record, values: dict[str, Any]) -> dict[str, list]:
    """Set the values; [before, after] of each that differs."""
    changes = {}
    for name, after in values.items():
        field = record._meta.get_field(name)
        before = getattr(record, field.attname)
        setattr(record, name, after)
        if (after := field.to_python(getattr(record, field.attname))) != before:
            changes[name] = [before, after]
    return changes


def _refresh_generated(record) -> None:
    """Columns that the database computes, as they are after the change."""
    if names := [field.name for field in record._meta.concrete_fields if field.generated]:
        record.refresh_from_db(fields=names)


def _stamp(record) -> list[str]:
    """Bump the version; the columns to save with it."""
    record.version += 1
    if not isinstance(record, Record):
        return ["version"]
    record.updated_at = timezone.now()
    return ["version", "updated_at"]


def _allowed(record, to: str) -> str:
    state = getattr(record, record.STATE_FIELD)
    if to not in record.MOVES.get(state, ()):
        raise Refused(
            _("“%(record)s” is %(state)s and cannot become %(to)s.")
            % {"record": record, "state": _state_label(record, state), "to": _state_label(record, to)},
            code="INVALID_TRANSITION",
        )
    return to


def _state_label(record, state: str) -> str:
    return dict(record._meta.get_field(record.STATE_FIELD).flatchoices).get(state, state)


def _values(record) -> dict[str, Any]:
    fields = (f for f in record._meta.concrete_fields if f.name not in UNTRACKED and not f.generated)
    return {field.name: getattr(record, field.attname) for field in fields}


def _validate(record, names: set[str]) -> None:
    fields = record._meta.concrete_fields
    for field in fields:
        if field.name in names and isinstance(field, TenantForeignKey) and field.is_cached(record):
            related = field.get_cached_value(record)
            if related is not None and related.tenant_id != record.tenant_id:
                raise ValidationError({field.name: _("Choose an entry of your own company.")})
    record.clean_fields(exclude={f.name for f in fields if f.name not in names or isinstance(f, models.ForeignKey)})
    record.clean()


def _require_present_owner(record) -> None:
    if owner_id := getattr(record, "owner_id", None):
        require_present(record.tenant_id, [owner_id])


def _write(record, **how) -> None:
    try:
        with transaction.atomic():
            record.save(**how)
    except IntegrityError as error:
        raise _explained(record, error) from error


def _explained(record, error: IntegrityError) -> Exception:
    """A broken constraint as a sentence for the form that broke it; anything else is a bug."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    for constraint in record._meta.constraints:
        if constraint.name == name:
            fields = [f for f in getattr(constraint, "fields", ()) if f != "tenant"]
            key = fields[0] if len(fields) == 1 else NON_FIELD_ERRORS
            return ValidationError({key: constraint.get_violation_error_message()})
    if getattr(error.__cause__, "pgcode", "") == "23503":
        return ValidationError(_("An entry you chose does not exist any more. Choose another."))
    return error


def _after(record, by, verb: str, changes: dict, **note) -> None:
    event = history.note(record, kind=_kind(type(record), verb), by=by, changes=changes, **note)
    if isinstance(record, Record):
        record.recorded(event, changes)
    for watch in watchers:
        watch(record, set(changes))


def _kind(model, verb: str) -> str:
    return f"{model._meta.model_name}.{verb}"
