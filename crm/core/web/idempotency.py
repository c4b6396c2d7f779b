"""Once per key: a retried POST has one effect and gets the first answer again (domain.md INV-G5)."""

import hashlib
from collections.abc import Callable

from django.db import OperationalError, connection
from django.utils.translation import gettext_lazy as _

from crm.core.errors import Refused

from .models import IdempotencyKey


class KeyReused(Refused):
    """The same key came with another request (422)."""

    status = 422

    def __init__(self):
        super().__init__(_("This key was used for another request. Send a new Idempotency-Key."), code="KEY_REUSED")


class StillRunning(Refused):
    """The first request with this key has not finished (409)."""

    def __init__(self):
        super().__init__(_("The first request with this key is still running. Try again."), code="STILL_RUNNING")


def fingerprint(*parts) -> str:
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()


def once(member, key: str, print_: str, act: Callable[[], tuple[int, object]]) -> tuple[int, object, bool]:
    """(status, body, replayed) of `act`, run at most once per key in the caller's transaction.

    A concurrent second request waits for the first up to the lock timeout. When
    `act` raises, the key is forgotten with everything else it wrote.
    """
    row = IdempotencyKey(tenant_id=member.tenant_id, member=member, key=key[:100], fingerprint=print_)
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
