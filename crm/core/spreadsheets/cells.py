"""One cell as text, and text as a cell that no spreadsheet program runs as a formula (reliability.md A3)."""

import math
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_ESCAPED_CONTROL = re.compile("_x00(?:0[0-8B-F]|1[0-9A-F])_", re.IGNORECASE)  # as Excel writes them
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS = " \t\r\n\u00a0\u3000\u200b"

EXACT = 10**15  # from here on Excel has already replaced digits by zeros
LONG_NUMBER, FORMULA_ERROR = "LONG_NUMBER", "FORMULA_ERROR"
_ERRORS = frozenset(["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"])


def escape_formula(text: str) -> str:
    """The text with a leading ' when a spreadsheet program would run it; `unescape_formula` restores it exactly."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unescape_formula(text: str) -> str:
    """The text without the ' that `escape_formula` (or a user) put before a formula."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def clean_text(text: str) -> str:
    """What the database can store: no control characters, half surrogate pairs shown as �, blanks trimmed."""
    return unescape_formula(_SURROGATE.sub("\ufffd", _UNSTORABLE.sub("", text)).strip(_BLANKS))


def cell_text(value: Any) -> tuple[str, str]:
    """A cell of a workbook as text, and the code of a caution or "".

    Dates become ISO text in the sheet's own clock (2026-11-22, 2026-11-22 08:30:00), numbers
    the 15 digits that Excel shows, without exponent and without ".0".
    """
    if value is None:
        return "", ""
    if isinstance(value, str):
        return ("", FORMULA_ERROR) if value in _ERRORS else (clean_text(_ESCAPED_CONTROL.sub("", value)), "")
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), ""
    if isinstance(value, (int, float)):
        return _number_text(value), LONG_NUMBER if abs(value) >= EXACT else ""
    return _date_text(value), ""


def _number_text(value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{Decimal(f'{value:.15g}'):f}" if math.isfinite(value) else ""


def _date_text(value: Any) -> str:
    if isinstance(value, datetime):
        value = value.replace(microsecond=0)
        return value.date().isoformat() if value.time() == time.min else value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)
