"""Rows by the hundred thousand: INSERT … SELECT with every column a model demands.

Only what matters to a measurement is said; the rest gets the model's own default.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connections
from django.db.models import NOT_PROVIDED, Model


def insert(model: type[Model], source: str, values: Mapping[str, str]) -> int:
    """Add a row of `model` for each row of `source` (an SQL FROM clause); `values` are column → SQL expression.

    Runs as the owner of the tables, who must not be held by a policy here: the bench's database is its own.
    """
    columns = {**defaults(model, values), **values}
    names = ", ".join(f'"{name}"' for name in columns)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(columns.values())} FROM {source}"
        )
        return cursor.rowcount


def defaults(model: type[Model], given: Mapping[str, str]) -> dict[str, str]:
    """The columns that are not given and may not be null, as SQL literals."""
    return {
        field.column: literal(field)
        for field in model._meta.concrete_fields
        if field.column not in given and not field.generated and not field.primary_key and needs_value(field)
    }


def needs_value(field) -> bool:
    return not field.null or field.default is not NOT_PROVIDED


def literal(field) -> str:
    connection = connections["default"]
    value = field.get_db_prep_save(field.get_default(), connection)
    with connection.cursor() as cursor:
        return quoted(cursor, value)


def quoted(cursor, value: Any) -> str:
    return (
        cursor.mogrify("%s", [value]).decode()
        if hasattr(cursor, "mogrify")
        else cursor.cursor.mogrify("%s", [value]).decode()
    )


def analyze(*models: type[Model]) -> None:
    with connections["owner"].cursor() as cursor:
        for model in models:
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def restart_ids(model: type[Model], above: int) -> None:
    """The next row of `model` gets an id above those that were given here."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [model._meta.db_table, above])


def without_limit() -> None:
    """Let the statements of this transaction take as long as they need."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
