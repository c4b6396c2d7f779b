"""CSV as it comes from Excel, from other systems and from by hand: any encoding, any delimiter."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

import charset_normalizer
from django.utils.translation import gettext_lazy as _

from crm.core.spreadsheets.cells import clean_text
from crm.core.spreadsheets.unreadable import Unreadable, no_spreadsheet

SAMPLE = 256 * 1024
MAX_LINE = 1024 * 1024  # characters
DELIMITERS = ",;\t|"
_CHUNK = 1024 * 1024
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_GUESSES = ("big5", "cp1252", "cp1251", "shift_jis", "euc_kr", "euc_jp")


def detect_encoding(file: BinaryIO) -> tuple[str, bool]:
    """The encoding of a text file, and whether some characters are damaged (they read as �).

    The whole file is looked at, in pieces: a byte that is no UTF-8 may come on the last line.
    """
    file.seek(0)
    sample = file.read(SAMPLE)
    encoding = next((name for bom, name in _BOMS if sample.startswith(bom)), "") or _utf16_without_bom(sample)
    if encoding:
        return encoding, _wide_and_bad(file, encoding)[1] > 0
    if _is_binary(sample):
        raise no_spreadsheet()
    wide, bad = _wide_and_bad(file, "utf-8")
    if bad * 10 <= wide:
        return "utf-8", bad > 0
    if _is_chinese(sample) and not _wide_and_bad(file, "gb18030")[1]:
        return "gb18030", False
    guess = charset_normalizer.from_bytes(sample, cp_isolation=list(_GUESSES)).best()
    if guess:
        return guess.encoding, _wide_and_bad(file, guess.encoding)[1] > 0
    raise Unreadable(
        "ENCODING",
        _("The characters of this file cannot be recognised. Save it in Excel as “CSV UTF-8” and try again."),
    )


def records(file: BinaryIO, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, each with the number of its first line."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        delimiter, skipped = _dialect(text.read(SAMPLE))
        text.seek(0)
        reader = csv.reader(_lines(text), delimiter=delimiter)
        line = 1
        for record in reader:
            cells = [clean_text(cell) for cell in record]
            if line > skipped and any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _unclosed() from error
    finally:
        text.detach()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise _unclosed()
        yield line.replace("\0", "")


def _dialect(sample: str) -> tuple[str, int]:
    """The delimiter, and how many lines only announce it ("sep=;", as Excel writes)."""
    first = sample.split("\n", 1)[0].strip("\ufeff\r ")
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    return max(DELIMITERS, key=lambda delimiter: _fits(sample, delimiter)), 0


def _fits(sample: str, delimiter: str) -> tuple[float, int]:
    """How evenly a delimiter cuts the first records: the share of the commonest width, and that width."""
    lines = sample.replace("\0", "").splitlines(keepends=True)[:200]
    try:
        widths = Counter(len(record) for record in csv.reader(lines, delimiter=delimiter) if any(record))
    except csv.Error:
        return 0.0, 0
    total = widths.total()
    widths.pop(1, None)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return (round(count / total, 1) if total else 0.0), width


def _utf16_without_bom(sample: bytes) -> str:
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if (even + odd) * 50 < len(sample) or not even + odd:
        return ""
    if odd > 10 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 10 * odd else ""


def _is_binary(sample: bytes) -> bool:
    control = sum(sample.count(byte) for byte in range(1, 32) if byte not in b"\t\n\r\f\x1a")
    return control * 100 > len(sample)


def _wide_and_bad(file: BinaryIO, encoding: str) -> tuple[int, int]:
    """How many characters beyond ASCII the file has in this encoding, and how many bytes that are none."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    wide = bad = 0
    file.seek(0)
    while chunk := file.read(_CHUNK):
        text = decoder.decode(chunk)
        bad += text.count("\ufffd")
        wide += len(text) - len(text.encode("ascii", "ignore"))
    bad += decoder.decode(b"", final=True).count("\ufffd")
    return wide - bad, bad


def _is_chinese(sample: bytes) -> bool:
    """Whether the sample reads as everyday Chinese: GB18030 gives a meaning to nearly any bytes."""
    text = sample.decode("gb18030", "ignore")
    wide = [character for character in text if character > "\x7f"]
    common = len("".join(wide).encode("gb2312", "ignore").decode("gb2312"))
    return common * 10 >= len(wide) * 8


def _unclosed() -> Unreadable:
    return Unreadable(
        "CELL_TOO_LONG",
        _("A cell of this file does not end; probably a quotation mark is missing. Correct it and try again."),
    )
