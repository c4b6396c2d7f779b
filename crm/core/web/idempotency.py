"""Once per key: a retried POST has one effect and gets the first answer again (domain.md INV-G5)."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.errors import Refused
from crm.core.events.schedule import periodic

from .models import IdempotencyKey

LONGEST = 100
KEPT = timedelta(days=30)


class KeyReused(Refused):
    """The same key came with another request (422)."""

    status = 422

    def __init__(self):
        super().__init__(_("This key was used for another request. Send a new Idempotency-Key."), code="KEY_REUSED")


class StillRunning(Refused):
    """The first request with this key has not finished (409)."""

    def __init__(self):
        super().__init__(_("The first request with this key is still running. Try again."), code="STILL_RUNNING")


class KeyTooLong(Refused):
    status = 400

    def __init__(self):
        super().__init__(_("An Idempotency-Key has at most 100 characters."), code="KEY_TOO_LONG")


def fingerprint(*parts) -> str:
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()


def once(member, key: str, print_: str, act: Callable[[], tuple[int, object]]) -> tuple[int, object, bool]:
    """(status, body, replayed) of `act`, run at most once per key in the caller's transaction.

    A concurrent second request waits for the first up to the lock timeout. When
    `act` raises, the key is forgotten with everything else it wrote.
    """
    if len(key) > LONGEST:
        raise KeyTooLong
    row = IdempotencyKey(tenant_id=member.tenant_id, member=member, key=key, fingerprint=print_)
    if not _claim(row):
        return _replay(member, row)
    row.status, row.body = act()
    rows = IdempotencyKey.objects.of(member.tenant_id).filter(member=member, key=row.key)
    rows.update(status=row.status, body=row.body)
    return row.status, row.body, False


def _claim(row: IdempotencyKey) -> bool:
    """Insert the key; False when it is taken. Waits while another transaction is inserting it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {IdempotencyKey._meta.db_table}"
                " (tenant_id, member_id, key, fingerprint, status, created_at)"
                " VALUES (%s, %s, %s, %s, 0, now()) ON CONFLICT DO NOTHING",
                [row.tenant_id, row.member_id, row.key, row.fingerprint],
            )
            return cursor.rowcount == 1
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") == "55P03":
            raise StillRunning from error
        raise


def _replay(member, row: IdempotencyKey):
    first = IdempotencyKey.objects.of(member.tenant_id).get(member=member, key=row.key)
    if first.fingerprint != row.fingerprint:
        raise KeyReused
    return first.status, first.body, True


@periodic("web.forget_keys", minutes=60)
@transaction.atomic
def forget_keys(tenant) -> int:
    """Drop keys after 30 days: a retry comes within minutes."""
    return IdempotencyKey.objects.of(tenant).filter(created_at__lt=timezone.now() - KEPT).delete()[0]
