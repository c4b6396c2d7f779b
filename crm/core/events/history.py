"""Writes Events and queues their deliveries, one row or a whole set at a time."""

import uuid
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, models
from django.db.models import F, Func, JSONField, TextField, Value
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone

from crm.core import clock

from . import outbox
from .models import Event

_origin: ContextVar[tuple[str, str]] = ContextVar("origin", default=("", ""))


@contextmanager
def origin(source: str, request_id: str = ""):
    """Everything noted inside came from here: page, api, job, import or demo."""
    token = _origin.set((source, request_id))
    try:
        yield
    finally:
        _origin.reset(token)


def note(record, *, kind: str, by, changes=None, reason="", at=None, data=None, batch=None) -> Event:
    """Write one Event about `record` and queue whoever listens to its kind."""
    event = draft(record, kind=kind, by=by, changes=changes, reason=reason, at=at, data=data, batch=batch)
    event.save(force_insert=True)
    outbox.queue(event)
    return event


def draft(record, *, kind: str, by, changes=None, reason="", at=None, data=None, batch=None) -> Event:
    """The Event about `record`, not written yet."""
    default_source, request_id = _origin.get()
    return Event(
        tenant_id=record.tenant_id,
        kind=kind,
        subject_type=record._meta.label_lower,
        subject_id=record.pk,
        actor=by,
        at=at or clock.now(),
        changes={name: [plain(value) for value in pair] for name, pair in (changes or {}).items()},
        reason=reason or "",
        source=default_source,
        request_id=request_id,
        data=data or {},
        batch=batch,
    )


def note_many(events: list[Event], *, told: str) -> None:
    """Write Events of one batch in sets; those of kind `told` are queued to whoever listens, the rest are past."""
    Event._base_manager.bulk_create(events, batch_size=1000)
    if events:
        outbox.queue_batch(told, events[0].tenant_id, events[0].batch)


def note_set(rows, expressions: dict, *, kind: str, by, reason: str, batch: uuid.UUID) -> None:
    """INSERT … SELECT of the Events of a set that is about to change by `expressions`."""
    model = rows.model
    now = timezone.now()
    default_source, request_id = _origin.get()
    columns = {
        "tenant_id": F("tenant_id"),
        "kind": _text(kind),
        "subject_type": _text(model._meta.label_lower),
        "subject_id": F("pk"),
        "actor_id": Value(by.pk, models.BigIntegerField()),
        "at": Value(now, models.DateTimeField()),
        "recorded_at": Value(now, models.DateTimeField()),
        "changes": JSONObject(**{name: _pair(model, name, after) for name, after in expressions.items()}),
        "reason": _text(reason),
        "data": Cast(Value("{}"), JSONField()),
        "source": _text(default_source),
        "request_id": _text(request_id),
        "batch": Value(batch, models.UUIDField()),
    }
    # Aliases may not shadow the model's own columns.
    select = rows.annotate(**{f"e_{name}": value for name, value in columns.items()}).order_by()
    sql, params = select.values_list(*(f"e_{name}" for name in columns)).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {Event._meta.db_table} ({', '.join(columns)}) {sql}", params)
    outbox.queue_batch(kind, by.tenant_id, batch)


def _text(value: str):
    return Cast(Value(value), TextField())


class _JsonPair(Func):
    function = "jsonb_build_array"
    output_field = JSONField()


def _pair(model, name: str, after):
    """[before, after] of one column as jsonb; what JSON has no type for appears as text."""
    field = model._meta.get_field(name)
    as_is = isinstance(field, models.ForeignKey | models.IntegerField | models.BooleanField)
    column = field.target_field.get_internal_type() if isinstance(field, models.ForeignKey) else None
    output = models.BigIntegerField() if column else (field.__class__() if as_is else TextField())
    if not hasattr(after, "resolve_expression"):
        after = Value(plain(getattr(after, "pk", after)))
    elif isinstance(after, F) and not as_is:
        after = Cast(after, TextField())
    return _JsonPair(Cast(F(field.attname), output), Cast(after, output))


def plain(value):
    """A value as JSON keeps it: ids for records, names for files, text for money and time."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, FieldFile):
        return value.name
    if isinstance(value, Decimal | datetime | date | uuid.UUID):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return value


def of(record, *more) -> models.QuerySet[Event]:
    """The history of `record`, and of further records shown with it, newest first."""
    wanted = models.Q()
    for subject in (record, *more):
        wanted |= models.Q(subject_type=subject._meta.label_lower, subject_id=subject.pk)
    return Event.objects.of(record.tenant_id).filter(wanted).select_related("actor")
