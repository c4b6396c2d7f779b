"""A table that a user brought, whatever program wrote it: headers and rows of text."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from openpyxl.utils import get_column_letter

from crm.core.spreadsheets import delimited, workbook
from crm.core.spreadsheets.cells import FORMULA_ERROR, LONG_NUMBER, cell_text
from crm.core.spreadsheets.unreadable import Unreadable, encrypted, no_spreadsheet

Rows = Iterator[tuple[int, list[str]]]
SURPLUS, DAMAGED, MULTILINE = "SURPLUS", "DAMAGED", "MULTILINE"
_HEAD = 20  # rows in which headers are looked for
_MANY_LINES = 20  # line breaks in a cell that suggest a missing quotation mark
_CJK = "\u3000-\u303f\u3400-\u9fff\uff00-\uffef"
_BREAK = re.compile(r"\s*[\r\n]+\s*")
_BREAK_IN_CHINESE = re.compile(rf"(?<=[{_CJK}])\s*[\r\n]+\s*|\s*[\r\n]+\s*(?=[{_CJK}])")


@dataclass(frozen=True)
class Caution:
    """Something the user should look at before importing; nothing is refused."""

    code: str
    column: str  # header, or ""
    row: int  # the first row concerned
    message: str | Promise


@dataclass
class Sheet:
    """A table. Every row has at least as many cells as there are headers; surplus cells are kept."""

    kind: str  # "csv" or "xlsx"
    encoding: str  # of a CSV file, else ""
    name: str  # of the worksheet, else ""
    others: list[str]  # further worksheets, which are not read
    _source: Callable[[dict], Rows]
    headers: list[str] = field(default_factory=list)
    _first: int = 0  # number of the last header row
    _seen: dict[tuple[str, int], int] = field(default_factory=dict)

    def rows(self) -> Iterator[list[str]]:
        """The rows below the headers that are not blank, each time from the first. May raise Unreadable."""
        return (cells for _number, cells in self.numbered())

    def numbered(self) -> Rows:
        """The same with the number of each row in the file, as a spreadsheet program shows it."""
        width = len(self.headers)
        for number, cells in self._source(self._seen):
            if number > self._first:
                if len(cells) > width:
                    self._seen.setdefault((SURPLUS, width), number)
                yield number, cells + [""] * (width - len(cells))

    @property
    def cautions(self) -> list[Caution]:
        """What was noticed in the rows read so far: complete after a full pass."""
        return [
            Caution(code, header, row, format_lazy(_CAUTIONS[code], column=header, row=row))
            for (code, column), row in self._seen.items()
            for header in [self.headers[column] if 0 <= column < len(self.headers) else ""]
        ]


_CAUTIONS = {
    LONG_NUMBER: _(
        "Column “{column}” (row {row}) has numbers of more than 15 digits, of which Excel keeps only 15. "
        "Format this column as text in Excel and enter the numbers again."
    ),
    FORMULA_ERROR: _("Column “{column}” (row {row}) has formulas in error, which are read as empty."),
    SURPLUS: _("Row {row} has more cells than there are headers. Check it for a delimiter too many."),
    DAMAGED: _("Some characters of the file are damaged and read as “�”. Save it as UTF-8 and try again."),
    MULTILINE: _("Column “{column}” (row {row}) has a cell of many lines. Probably a quotation mark is missing there."),
}


def read_rows(file: Any, worksheet: str = "", is_header: Callable[[list[str]], bool] | None = None) -> Sheet:
    """The table of a CSV or XLSX file (a path, or a seekable binary file, which must stay open).

    Of a workbook it is the named worksheet, else the first filled one. The first rows are read
    to find the headers: the first row that `is_header`, else the first with two cells.
    Raises Unreadable with a code and a sentence.
    """
    stream = open(file, "rb") if isinstance(file, (str, Path)) else _bare(file)  # noqa: SIM115
    stream.seek(0)
    head = stream.read(4096)
    if not head:
        raise _empty()
    is_zip = head.startswith((b"PK\x03\x04", b"PK\x05\x06"))
    sheet = _from_workbook(stream, worksheet) if is_zip else _from_text(stream, head)
    _find_headers(sheet, is_header)
    return sheet


def _bare(file: Any) -> Any:
    """The file itself, out of Django's wrappers (an upload, a stored file)."""
    while inner := getattr(file, "file", None):
        file = inner
    return file


def _from_workbook(stream: BinaryIO, wanted: str) -> Sheet:
    sheets = workbook.worksheets(workbook.open_workbook(stream))
    found = workbook.first_filled([sheet for sheet in sheets if wanted in ("", sheet.title)])
    if found is None:
        raise _empty()
    others = [sheet.title for sheet in sheets if sheet is not found]
    return Sheet("xlsx", "", found.title, others, partial(_workbook_rows, found))


def _from_text(stream: BinaryIO, head: bytes) -> Sheet:
    _refuse_other_formats(stream, head)
    encoding, damaged = delimited.detect_encoding(stream)
    sheet = Sheet("csv", encoding.removesuffix("-sig"), "", [], partial(_delimited_rows, stream, encoding))
    if damaged:
        sheet._seen[(DAMAGED, -1)] = 1
    return sheet


def _refuse_other_formats(stream: BinaryIO, head: bytes) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise encrypted() if _holds(stream, "EncryptedPackage".encode("utf-16-le")) else _legacy()
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"MZ")):
        raise no_spreadsheet()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<meta", b"<?xml")) or b"<html" in start[:1024]:
        raise Unreadable(
            "HTML",
            _("This is a web page or XML in spite of its name. Open it in Excel, save it as .xlsx and try again."),
        )


def _holds(stream: BinaryIO, mark: bytes) -> bool:
    stream.seek(0)
    overlap = b""
    while chunk := stream.read(1 << 20):
        if mark in overlap + chunk:
            return True
        overlap = chunk[-len(mark) :]
    return False


def _workbook_rows(sheet: Any, seen: dict) -> Rows:
    for number, values in workbook.rows(sheet):
        cells = []
        for column, value in enumerate(values):
            text, caution = cell_text(value)
            if caution:
                seen.setdefault((caution, column), number)
            cells.append(text)
        if cells := _within(cells):
            yield number, cells


def _delimited_rows(stream: BinaryIO, encoding: str, seen: dict) -> Rows:
    for number, cells in delimited.records(stream, encoding):
        for column, cell in enumerate(cells):
            if cell.count("\n") > _MANY_LINES:
                seen.setdefault((MULTILINE, column), number)
        yield number, _within(cells)


def _within(cells: list[str]) -> list[str]:
    """The cells up to the last filled one, of which there may be 200."""
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > workbook.MAX_COLUMNS:
        raise Unreadable(
            "TOO_MANY_COLUMNS",
            _("The table has more than 200 columns. Delete the columns that you do not need and try again."),
        )
    return cells


def _find_headers(sheet: Sheet, is_header: Callable[[list[str]], bool] | None) -> None:
    """The first row with two cells (a title above it has one), joined with a second row that fills its gaps."""
    head = list(islice(sheet._source(sheet._seen), _HEAD))
    if not head:
        raise _empty()
    wide = [index for index, (_number, cells) in enumerate(head) if sum(map(bool, cells)) > 1] or [0]
    at = next((index for index in wide if is_header and is_header(head[index][1])), wide[0])
    sheet._first, upper = head[at]
    if at + 1 < len(head) and _is_second_header(upper, lower := head[at + 1][1]):
        sheet._first, upper = head[at + 1][0], _joined(upper, lower)
    sheet.headers = _distinct(upper)


def _is_second_header(upper: list[str], lower: list[str]) -> bool:
    """Whether `lower` names the columns below merged cells of `upper` (联系方式 over 电话 and 邮箱)."""
    width = max(len(upper), len(lower))
    pairs = list(zip(_padded(upper, width), _padded(lower, width), strict=True))
    fills_gaps = all(above or below for above, below in pairs) and any(not above for above, _below in pairs)
    keeps_clear = any(above and not below for above, below in pairs)
    return fills_gaps and keeps_clear and not any(re.search(r"[0-9@]", cell) for cell in lower)


def _joined(upper: list[str], lower: list[str]) -> list[str]:
    width = max(len(upper), len(lower))
    return [below or above for above, below in zip(_padded(upper, width), _padded(lower, width), strict=True)]


def _padded(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _distinct(cells: list[str]) -> list[str]:
    """Headers on one line, none blank (its column letter instead), none twice (名称, 名称 (2))."""
    headers: list[str] = []
    for column, cell in enumerate(cells, 1):
        name = _BREAK.sub(" ", _BREAK_IN_CHINESE.sub("", cell)) or get_column_letter(column)
        count = 2
        unique = name
        while unique in headers:
            unique, count = f"{name} ({count})", count + 1
        headers.append(unique)
    return headers


def _empty() -> Unreadable:
    return Unreadable("EMPTY", _("The file is empty. Choose a file with a header row and at least one row below it."))


def _legacy() -> Unreadable:
    return Unreadable(
        "LEGACY_XLS", _("This is an old Excel file (.xls). Open it in Excel, save it as .xlsx and try again.")
    )
