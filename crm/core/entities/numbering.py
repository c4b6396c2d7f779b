"""Document numbers without gaps, also under concurrency."""

from datetime import date

from django.db import connection

from .models import LegalEntity, NumberSeries


def next_number(entity: LegalEntity, kind: str, on: date) -> str:
    """The next number of `kind` (HT, BJ, …) of an entity in the year of `on`, such as HT-HR-2026-0007."""
    return next_numbers(entity, kind, on, 1)[0]


def next_numbers(entity: LegalEntity, kind: str, on: date, count: int) -> list[str]:
    """So many numbers of one series, in order.

    The series row stays locked until the transaction ends: a rolled back document gives its number back.
    """
    period = str(on.year)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {NumberSeries._meta.db_table} AS s (tenant_id, entity_id, kind, period, last)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tenant_id, entity_id, kind, period)"
            " DO UPDATE SET last = s.last + excluded.last RETURNING last",
            [entity.tenant_id, entity.pk, kind, period, count],
        )
        last = cursor.fetchone()[0]
    return [f"{kind}-{entity.code}-{period}-{number:04d}" for number in range(last - count + 1, last + 1)]
