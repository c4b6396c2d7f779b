"""What time it is for the acts of this moment: now, or a moment of the past that is being told.

Only dated history tells the past (the demo company; architecture.md 5b): business dates and Events then bear that
moment, while `recorded_at` stays the time of entry.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_told: ContextVar[datetime | None] = ContextVar("told", default=None)


@contextmanager
def dated(moment: datetime):
    """Everything done inside happened at `moment`, an aware datetime."""
    token = _told.set(moment)
    try:
        yield
    finally:
        _told.reset(token)


def now() -> datetime:
    return _told.get() or timezone.now()


def is_told() -> bool:
    """Whether the past is being told: nobody is to be notified of it."""
    return _told.get() is not None
