"""The first rows of a file as they would be read: typed, looked up and judged, nothing written."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice

from django.utils.translation import gettext as _

from .importer import Importer
from .models import Import
from .rows import Reader, Row
from .running import importer_of, stored_sheet

SHOWN = 20
SAMPLES = 3


@dataclass(frozen=True)
class Cell:
    text: str
    is_bad: bool


@dataclass(frozen=True)
class Line:
    number: int
    outcome: str
    reason: str
    cells: list[Cell]


def preview(batch: Import) -> tuple[list[str], list[Line]]:
    """Labels of the mapped columns, and the first 20 rows. `batch` may carry choices that are not saved."""
    importer = importer_of(batch)
    with stored_sheet(batch) as sheet:
        reader = Reader(importer.columns, sheet.headers, batch.mapping, batch.values, batch.options)
        rows = list(islice(reader.rows(sheet), SHOWN))
    importer.scan(rows)
    importer.load()
    importer.plan(rows)
    return [str(column.label) for column, _place in reader.places], [_line(row, reader, importer) for row in rows]


def _line(row: Row, reader: Reader, importer: Importer) -> Line:
    cells = [
        Cell(shown(row.values[column.key], column) if column.key in row.values else row.cells[place],
             column.key in row.bad)
        for column, place in reader.places
    ]  # fmt: skip
    return Line(row.number, row.outcome, row.reason, cells)


def shown(value, column) -> str:
    """A value as the preview writes it."""
    if isinstance(value, list):
        return ", ".join(shown(part, column) for part in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, date):
        return value.isoformat()
    if column.choices and value in column.choices.values:
        return str(column.choices(value).label)
    return str(getattr(value, "name", value))


def samples(batch: Import) -> list[list[str]]:
    """For each header, its first different filled cells."""
    found: list[list[str]] = [[] for _header in batch.headers]
    with stored_sheet(batch) as sheet:
        for cells in islice(sheet.rows(), 50):
            for texts, cell in zip(found, cells, strict=False):
                if cell and cell not in texts and len(texts) < SAMPLES:
                    texts.append(cell[:40])
    return found
