"""XLSX through openpyxl's streaming reader, behind checks that keep hostile files out."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import openpyxl
from defusedxml import DefusedXmlException
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from crm.core.spreadsheets.archive import MEGABYTE, check_archive, check_parts
from crm.core.spreadsheets.unreadable import Unreadable, broken, no_spreadsheet

MAX_FILE = 10 * MEGABYTE
MAX_ROWS = 50_000
MAX_COLUMNS = 200
MAX_EMPTY = 10_000  # rows in one stretch
_LAST_ROW = 1_048_576  # of Excel
# Date formats that Excel numbers itself in East Asian languages; openpyxl knows only the Western ones.
_EAST_ASIAN_DATES = frozenset([*range(27, 37), *range(50, 59)])

warnings.filterwarnings("ignore", module="openpyxl")
# What a file says of its own size is not to be trusted, and where it says nothing openpyxl would parse it twice.
ReadOnlyWorksheet._get_size = lambda sheet: sheet.reset_dimensions()


def open_workbook(file: BinaryIO) -> Any:
    """The openpyxl workbook of a file that passed the checks. Macros are never looked at."""
    if file.seek(0, 2) > MAX_FILE:
        raise Unreadable(
            "TOO_LARGE", _("Workbooks may have 10 MB at most. Split the file, or save it as CSV, which has no limit.")
        )
    archive = check_archive(file)
    if not any(name.lower() == "xl/workbook.xml" for name in archive.namelist()):
        raise no_spreadsheet()
    check_parts(archive)
    file.seek(0)
    with _readable():
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        workbook._date_formats |= {
            index for index, style in enumerate(workbook._cell_styles) if style.numFmtId in _EAST_ASIAN_DATES
        }
    return workbook


def worksheets(workbook: Any) -> list[Any]:
    """The sheets a person sees, or all when all are hidden."""
    return [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"] or workbook.worksheets


def first_filled(sheets: list[Any]) -> Any:
    """The first worksheet with a filled cell; None when there is none."""
    return next((sheet for sheet in sheets if next(rows(sheet), None)), None)


def rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """The rows with a filled cell, each with its number in Excel. Raises Unreadable beyond the limits."""
    filled = empty = 0
    with _readable():
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > _LAST_ROW:
                raise broken()
            if not any(value not in (None, "") for value in values):
                empty += 1
                continue
            if empty > MAX_EMPTY:
                raise _sparse(number)
            filled, empty = filled + 1, 0
            if filled > MAX_ROWS + 1:
                raise _too_many_rows()
            yield number, list(values)


@contextmanager
def _readable() -> Iterator[None]:
    """Whatever a parser throws at hostile bytes becomes a sentence."""
    try:
        yield
    except Unreadable:
        raise
    except Exception as error:
        if isinstance(error, DefusedXmlException) or isinstance(error.__cause__, DefusedXmlException):
            raise _dangerous() from error
        raise broken() from error


def _dangerous() -> Unreadable:
    return Unreadable(
        "DANGEROUS",
        _("The file contains definitions that could do harm. Copy the data into a new workbook and try again."),
    )


def _sparse(number: int) -> Unreadable:
    return Unreadable(
        "TOO_SPARSE",
        format_lazy(
            _("Row {row} comes after more than 10,000 empty rows. Delete the empty rows and try again."), row=number
        ),
    )


def _too_many_rows() -> Unreadable:
    return Unreadable(
        "TOO_MANY_ROWS",
        _("The sheet has more than 50,000 rows. Split it, or save it as CSV, which has no limit."),
    )
