"""Tables that users take away: error files and exports, safe to open in Excel (reliability.md A3)."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from crm.core.spreadsheets.cells import EXACT, cell_text, escape_formula, unescape_formula

_SHEET_ROWS = 1_048_576
_LONGEST_CELL = 32_767  # characters that an Excel cell holds
_NO_TEXT = (int, float, Decimal, datetime, date, time)
Table = Iterable[Sequence[Any]]


def write_rows_csv(file: BinaryIO, headers: Sequence[Any], rows: Table) -> None:
    """Writes UTF-8 with the mark that makes Excel read it as such; text that Excel would run gets a leading '.

    Cells are text, numbers, Decimals, dates or None. The file stays open.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    try:
        writer = csv.writer(text)
        writer.writerow([_csv_text(cell) for cell in headers])
        writer.writerows([_csv_text(cell) for cell in row] for row in rows)
        text.flush()
    finally:
        text.detach()


def write_xlsx(file: BinaryIO, headers: Sequence[Any], rows: Table, *, name: str = "") -> None:
    """Writes a workbook in constant memory. Text is always a string cell, whatever it begins with.

    Numbers, Decimals and naive dates become cells of their kind, so that Excel can add and
    sort them. More rows than a sheet holds go to further sheets with the same headers.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, {**options, "strings_to_numbers": False, "nan_inf_to_errors": True}) as book:
        kinds = {
            "header": book.add_format({"bold": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "datetime": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "amount": book.add_format({"num_format": "#,##0.00"}),
        }
        sheet: Any = None
        at = _SHEET_ROWS
        for row in _at_least_one(rows):
            if at == _SHEET_ROWS:
                sheet, at = book.add_worksheet(name[:31] if sheet is None and name else None), 1
                for column, header in enumerate(headers):
                    sheet.write_string(0, column, _xlsx_text(str(header)), kinds["header"])
            for column, cell in enumerate(row):
                _write_cell(sheet, at, column, cell, kinds)
            at += 1


def _at_least_one(rows: Table) -> Iterable[Sequence[Any]]:
    """A table without rows still has its headers."""
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        yield ()


def _csv_text(value: Any) -> str:
    return _plain_text(value) if isinstance(value, _NO_TEXT) else escape_formula(_plain_text(value))


def _write_cell(sheet: Any, row: int, column: int, value: Any, kinds: dict[str, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (int, float, Decimal)) and -EXACT < value < EXACT:
        sheet.write_number(row, column, value, kinds["amount"] if isinstance(value, Decimal) else None)
    elif isinstance(value, datetime) and value.tzinfo is None:
        sheet.write_datetime(row, column, value, kinds["datetime"])
    elif isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(row, column, datetime.combine(value, time.min), kinds["date"])
    else:
        sheet.write_string(row, column, _xlsx_text(_plain_text(value)))


def _plain_text(value: Any) -> str:
    """A cell as text; instants with a zone keep their offset."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, _NO_TEXT) or value is None:
        return cell_text(value)[0]
    return str(value).replace("\0", "")


def _xlsx_text(text: str) -> str:
    """A string cell runs nothing; a ' before a formula is doubled because reading drops one."""
    stored = text.encode("utf-8", "replace").decode()
    return (escape_formula(stored) if unescape_formula(stored) != stored else stored)[:_LONGEST_CELL]
