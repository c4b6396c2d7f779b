"""What the rows of a statement say: dates, money in and out, who and why; and whether the balances follow."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from crm.core.imports.columns import read_date
from crm.core.money import read_amount
from crm.core.spreadsheets import Sheet, Unreadable, read_rows

from .profiles import GENERIC, MONEY_IN, MONEY_OUT, PROFILES, is_header, missing, plain, recognise

ZERO = Decimal("0.00")
MOST_ROWS, SHOWN_PROBLEMS = 50_000, 20
_TOTALS = re.compile(
    r"^(?:合计|总计|小计|累计|总笔数|笔数|期初|期末|上期|承前|过次|借方合计|贷方合计|total|sum)", re.IGNORECASE
)
_STAMP = re.compile(r"(\d{4}\D?\d{1,2}\D?\d{1,2}日?)[ T\-.]*(\d{1,2}[:.]?\d{2}(?:[:.]?\d{2})?)?(?:\.\d+)?")
_NOTHING = {"", "-", "--", "—", "/"}


@dataclass(frozen=True)
class Row:
    """One movement. `number` is its row in the file; amounts are not negative; `balance` is None if not told."""

    number: int
    day: date
    time: str
    credit: Decimal
    debit: Decimal
    balance: Decimal | None
    counterparty: str
    counterparty_account: str
    counterparty_bank: str
    summary: str
    memo: str
    txn_no: str


@dataclass
class Reading:
    """A statement as understood. `rows` are oldest first; with `problems` it must not be imported."""

    profile: str
    headers: list[str]
    columns: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    problems: list[str | Promise] = field(default_factory=list)
    cautions: list[str | Promise] = field(default_factory=list)
    gaps: list[dict] = field(default_factory=list)

    @property
    def profile_label(self) -> str | Promise:
        return next((one.label for one in PROFILES if one.key == self.profile), GENERIC.label)

    @property
    def received(self) -> Decimal:
        return sum((row.credit for row in self.rows), ZERO)


def read(file: Any, chosen: Mapping[str, str] | None = None, remembered: Mapping[str, str] | None = None) -> Reading:
    """The statement in a CSV or XLSX file. Columns: the chosen ones, else those remembered that fit, else recognised.

    Raises Unreadable for a file that is no table. What cannot be understood is told in `problems`.
    """
    sheet = read_rows(file, is_header=is_header)
    profile, columns = recognise(sheet.headers)
    for known in (chosen, remembered):
        if known and set(known.values()) <= set(sheet.headers):
            columns = dict(known)
            break
    reading = Reading(profile.key, sheet.headers, columns)
    if lacking := missing(columns):
        names = ", ".join(str(name) for name in lacking)
        reading.problems.append(format_lazy(_("Say which column is: {names}."), names=names))
        return reading
    _read_into(reading, sheet)
    return reading


def _read_into(reading: Reading, sheet: Sheet) -> None:
    place = {name: sheet.headers.index(header) for name, header in reading.columns.items()}
    for number, cells in sheet.numbered():
        told = {name: cells[index].strip() for name, index in place.items()}
        if _is_movement(told, cells):
            try:
                reading.rows.append(_row(number, told))
            except ValidationError as error:
                _note(reading, number, error)
        if len(reading.rows) > MOST_ROWS:
            raise Unreadable("TOO_MANY_ROWS", _("A statement may have 50,000 rows. Import it month by month."))
    if not reading.rows and not reading.problems:
        reading.problems.append(_("The statement has no movements."))
    reading.cautions = [caution.message for caution in sheet.cautions]
    reading.rows = _oldest_first(reading.rows)
    reading.gaps = gaps_of(reading.rows)


def _note(reading: Reading, number: int, error: ValidationError) -> None:
    if len(reading.problems) < SHOWN_PROBLEMS:
        sentence = " ".join(error.messages)
        reading.problems.append(format_lazy(_("Row {row}: {problem}"), row=number, problem=sentence))


def _is_movement(told: Mapping[str, str], cells: list[str]) -> bool:
    """Sums, repeated headers and closing remarks are none."""
    first = next((cell for cell in cells if cell), "")
    amounts = [told.get(name, "") for name in ("credit", "debit", "amount")]
    if _TOTALS.match(first) or all(amount in _NOTHING for amount in amounts):
        return False
    return plain(told["day"]) not in {plain(word) for word in ("交易日期", "交易时间", "交易日", "日期")}


def _row(number: int, told: Mapping[str, str]) -> Row:
    day, time = _moment(told)
    credit, debit = _amounts(told)
    side = "payer" if credit else "payee"
    who = {name: told.get(f"counterparty{name}") or told.get(f"{side}{name}", "") for name in ("", "_account", "_bank")}
    memo = " ".join(dict.fromkeys(filter(None, (told.get("memo"), told.get("note")))))
    return Row(
        number=number, day=day, time=time, credit=credit, debit=debit, balance=_balance(told.get("balance", "")),
        counterparty=who[""][:200], counterparty_account=digits(who["_account"]), counterparty_bank=who["_bank"][:200],
        summary=told.get("summary", "")[:200], memo=memo[:500], txn_no=digits(told.get("txn_no", "")),
    )  # fmt: skip


def _moment(told: Mapping[str, str]) -> tuple[date, str]:
    """The day, and the time as HH:MM:SS when there is one, in the date's own cell or beside it."""
    found = _STAMP.fullmatch(told["day"])
    day_text, clock = (found[1], found[2] or "") if found else (told["day"], "")
    beside = _STAMP.fullmatch(told.get("time", ""))
    return read_date(day_text), _clock(clock or (beside[2] if beside and beside[2] else told.get("time", "")))


def _clock(text: str) -> str:
    figures = re.sub(r"\D", "", text)
    if len(figures) not in (3, 4, 5, 6):
        return ""
    figures = figures.zfill(4 if len(figures) < 5 else 6).ljust(6, "0")
    return f"{figures[:2]}:{figures[2:4]}:{figures[4:]}"


def _amounts(told: Mapping[str, str]) -> tuple[Decimal, Decimal]:
    """(in, out), neither negative: a negative entry is a movement the other way."""
    if "amount" in told:
        amount, word = _amount(told["amount"]), told.get("direction", "").strip().lower()
        if word and word not in MONEY_IN | MONEY_OUT:
            raise ValidationError(_("“%(word)s” does not say whether money came in or went out.") % {"word": word})
        net = -amount if word in MONEY_OUT else amount
    else:
        net = _amount(told.get("credit", "")) - _amount(told.get("debit", ""))
    return (net, ZERO) if net >= 0 else (ZERO, -net)


def _amount(text: str) -> Decimal:
    return ZERO if text in _NOTHING else read_amount(text)


def _balance(text: str) -> Decimal | None:
    return None if text in _NOTHING else read_amount(text)


def digits(text: str) -> str:
    """An account or serial number without blanks and a spreadsheet's marks; one that lost its digits is none."""
    bare = re.sub(r"[\s'\"=]+", "", text)[:60]
    return "" if re.search(r"\d[eE]\+\d", bare) else bare


def _oldest_first(rows: list[Row]) -> list[Row]:
    """Banks list forwards or backwards: the direction in which the balances follow, else the dates."""
    back = rows[::-1]
    forwards, backwards = len(gaps_of(rows)), len(gaps_of(back))
    if forwards != backwards:
        return rows if forwards < backwards else back
    return back if rows and rows[0].day > rows[-1].day else rows


def gaps_of(rows: list[Row]) -> list[dict]:
    """Rows whose balance is not the one before plus in minus out: {"row", "expected", "found"}."""
    return list(_gaps(rows))


def _gaps(rows: list[Row]) -> Iterator[dict]:
    known: Decimal | None = None
    for row in rows:
        if known is not None:
            known += row.credit - row.debit
        if row.balance is None:
            continue
        if known is not None and known != row.balance:
            yield {"row": row.number, "expected": str(known), "found": str(row.balance)}
        known = row.balance
