"""What a file may hold: columns, the words they go by in both languages, and how a cell becomes a value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.money import read_amount, round_half_up
from crm.core.names import fold

TRUE = frozenset(["1", "true", "yes", "y", "是", "有", "对", "√", "已"])
FALSE = frozenset(["0", "false", "no", "n", "否", "无", "×", "未"])


@dataclass(frozen=True)
class Column:
    """A column of an object. `synonyms`, parted by commas, are headers it is known by besides its labels.

    `kind`: text, long, email, int, money, date, flag, choice, choices or relation. A relation is
    found by name; with `creates` the user may have missing ones created.
    """

    key: str
    label: str | Promise
    kind: str = "text"
    synonyms: str = ""
    required: bool = False
    choices: Any = None
    words: Mapping[str, str] = field(default_factory=dict)
    creates: bool = False
    max_length: int = 200
    help: str | Promise = ""

    @property
    def is_lookup(self) -> bool:
        """Whether its values come from a list, so that unknown ones can be mapped to known ones."""
        return self.kind in ("choice", "choices", "relation")

    def names(self) -> set[str]:
        """Every header that means this column, folded."""
        return {header_key(name) for name in (self.key, *in_every_language(self.label), *self.synonyms.split(","))}

    def vocabulary(self) -> dict[str, str]:
        """Folded word → stored value of a choice: values, labels in every language, further words."""
        words = {fold(word): value for word, value in self.words.items()}
        for value, label in self.choices.choices if self.choices else ():
            words |= {fold(word): value for word in (value, *in_every_language(label))}
        return words


def in_every_language(text: str | Promise) -> list[str]:
    """A translatable text in each language of the product."""
    spoken = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            spoken.append(str(text))
    return spoken


def header_key(header: str) -> str:
    """A header as it is compared: without remarks in brackets, stars and case."""
    return fold(re.sub(r"[(（\[【].*?[)）\]】]", " ", header).replace("*", " ")) or fold(header)


UNITS = {"千": 1_000, "千元": 1_000, "k": 1_000, "thousands": 1_000, "万": 10_000, "万元": 10_000, "百万": 1_000_000,
         "百万元": 1_000_000, "million": 1_000_000, "millions": 1_000_000, "m": 1_000_000, "亿": 100_000_000,
         "亿元": 100_000_000}  # fmt: skip
UNIT_CHOICES = (1, 1_000, 10_000, 1_000_000, 100_000_000)


def unit_of(header: str) -> int:
    """The multiplier that a header states: 10000 for 金额(万元), 1 when it states none."""
    found = re.search(r"[(（\[【]\s*([^)）\]】]+?)\s*[)）\]】]", header)
    return UNITS.get(found[1].lower(), 1) if found else 1


def read_cell(column: Column, text: str, *, unit: int = 1, order: str = "") -> Any:
    """The value of a filled cell. Raises ValidationError with a sentence; lookups stay text."""
    return _READERS.get(column.kind, _text)(column, text, unit, order)


def _text(column: Column, text: str, unit: int, order: str) -> str:
    if len(text) > column.max_length:
        raise ValidationError(_("longer than %(limit)d characters") % {"limit": column.max_length})
    return text


def _long(column: Column, text: str, unit: int, order: str) -> str:
    return text


def _email(column: Column, text: str, unit: int, order: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise ValidationError(_("not an e-mail address")) from error
    return text.lower()


def _money(column: Column, text: str, unit: int, order: str) -> Decimal:
    # Scientific notation is how spreadsheet programs print large numbers; a unit shifts places, so read it exactly.
    plain = text.replace(",", "") if unit != 1 else text
    if unit != 1 and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", plain):
        return round_half_up(Decimal(plain) * unit)
    return round_half_up(read_amount(text) * unit)


def _int(column: Column, text: str, unit: int, order: str) -> int:
    found = re.fullmatch(r"(-?[0-9]{1,9})(\.0+)?", text.replace(",", "").replace(" ", ""))
    if not found:
        raise ValidationError(_("not a whole number"))
    return int(found[1])


def _flag(column: Column, text: str, unit: int, order: str) -> bool:
    word = fold(text) or text
    if word not in TRUE | FALSE:
        raise ValidationError(_("neither yes nor no"))
    return word in TRUE


_DATE = re.compile(r"(\d{1,4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,4})\s*日?(?:[ T]\s*\d{1,2}:\d{2}(?::\d{2})?.*)?")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")


def read_date(text: str, order: str = "") -> date:
    """A date as people write it: 2026-11-22, 2026/11/22, 2026年11月22日, 20261122, 22.11.2026.

    `order` (dmy or mdy) decides what 03/04/2026 means; without it such a date is refused.
    """
    found = _COMPACT.fullmatch(text) or _DATE.fullmatch(text.strip())
    if not found:
        raise ValidationError(_("not a date such as 2026-11-22"))
    a, b, c = (int(part) for part in found.groups())
    try:
        return date(a, b, c) if len(found[1]) == 4 else _western(a, b, c, order)
    except ValueError as error:
        raise ValidationError(_("not a date such as 2026-11-22")) from error


def _western(a: int, b: int, year: int, order: str) -> date:
    if year < 1000:
        raise ValueError(year)
    if not order and a <= 12 and b <= 12 and a != b:
        raise ValidationError(_("may mean two dates; choose whether day or month comes first"))
    day, month = (a, b) if order == "dmy" or (not order and a > 12) else (b, a)
    return date(year, month, day)


def _date(column: Column, text: str, unit: int, order: str) -> date:
    return read_date(text, order)


_READERS: dict[str, Callable[[Column, str, int, str], Any]] = {
    "long": _long,
    "email": _email,
    "money": _money,
    "int": _int,
    "flag": _flag,
    "date": _date,
}


@cache
def error_headers() -> frozenset[str]:
    """Headers of the error file's own column, which is left out when it is uploaded again."""
    return frozenset(header_key(name) for name in (*in_every_language(ERROR_HEADER), "错误原因"))


ERROR_HEADER = _("Reason of the error")
