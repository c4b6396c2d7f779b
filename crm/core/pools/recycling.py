"""Reminds owners and takes records back, a chunk of rows at a time in SQL (INV-L6, INV-L7).

Each function changes one chunk in the caller's transaction and returns the batch of its Events, or
None when nothing is left. Rows that somebody else holds are passed over until the next call, so any
number of runs, late or at once, change each row once.
"""

import uuid
from datetime import datetime

from django.db.models import Case, F, Value, When

from crm.core import records
from crm.core.calendars import local_date
from crm.core.people.models import Member

from . import due
from .clock import Rule
from .models import Pool, Poolable

CHUNK = 500


def remind(model: type[Poolable], pool: Pool, now: datetime, *, by: Member) -> uuid.UUID | None:
    """Note on one chunk that its owners are reminded on the local date of `now`."""
    rows = due.reminding(model, pool, now).order_by("pk")[:CHUNK]
    return _change(rows, by=by, verb="reminded", reminded_on=local_date(now, pool.zone))


def take_back(model: type[Poolable], pool: Pool, rule: Rule, now: datetime, *, by: Member) -> uuid.UUID | None:
    """Return one chunk to the pool by `rule`; what came back too often waits for review."""
    rows = due.returning(model, pool, now, only=rule).order_by("pk")[:CHUNK]
    often = When(return_count__gte=pool.review_from - 1, then=Value(True))
    return _change(
        rows, by=by, verb="recycled", reason=rule.key, status=model.POOLED, owner=None, owner_reason="", pool=pool,
        previous_owner=F("owner"), released_at=now, return_count=F("return_count") + 1,
        in_review=Case(often, default=Value(False)), reminded_on=None,
    )  # fmt: skip


def _change(rows, **how) -> uuid.UUID | None:
    batch = uuid.uuid4()
    return batch if records.bulk_change(rows, batch=batch, **how) else None
