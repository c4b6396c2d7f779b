"""Tells members what they should know, once per `dedupe_key`, and keeps what they have read."""

from collections.abc import Iterable

from django.utils import timezone

from crm.core.events.history import plain
from crm.core.people.models import Member

from .models import Notification


def notice(recipient: Member, kind: str, *, subject=None, dedupe_key: str, **params) -> Notification:
    """An unsaved notice for `notify_many`. `params` must say all that the text needs (JSON values)."""
    return Notification(
        tenant_id=recipient.tenant_id,
        recipient=recipient,
        kind=kind,
        subject_type=subject._meta.label_lower if subject else "",
        subject_id=subject.pk if subject else None,
        params={name: plain(value) for name, value in params.items()},
        dedupe_key=dedupe_key,
    )


def notify(recipient: Member, kind: str, *, subject=None, dedupe_key: str, **params) -> None:
    """Tell one member one thing; the same `dedupe_key` again, even at the same moment, tells nothing.

    The text of `kind` is registered with `texts.kind`. A mail follows within a minute or so.
    """
    notify_many([notice(recipient, kind, subject=subject, dedupe_key=dedupe_key, **params)])


def notify_many(notices: Iterable[Notification]) -> None:
    """The same for a set of `notice(…)` rows, in statements of 1,000; jobs and inactive members hear nothing."""
    heard = [row for row in notices if row.recipient.is_active and not row.recipient.is_system]
    Notification._base_manager.bulk_create(heard, batch_size=1000, ignore_conflicts=True)


def mark_read(member: Member, ids: Iterable[int]) -> int:
    """Mark some of the member's own notices as read; returns how many were unread."""
    return unread(member).filter(pk__in=list(ids)).update(read_at=timezone.now())


def mark_all_read(member: Member) -> int:
    return unread(member).update(read_at=timezone.now())


def unread_count(member: Member) -> int:
    return unread(member).count()


def unread(member: Member):
    """What the bell counts, on the partial index."""
    return Notification.objects.visible_to(member).filter(read_at=None)
