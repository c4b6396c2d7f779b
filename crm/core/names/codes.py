"""The unified social credit code of Chinese organisations (统一社会信用代码, domain.md 6.17b)."""

import re
import unicodedata
from typing import NamedTuple

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_SHAPE = re.compile(rf"[{_ALPHABET}]{{2}}[0-9]{{6}}[{_ALPHABET}]{{10}}")


class Uscc(NamedTuple):
    code: str  # normalised: NFKC, upper case, no spaces or hyphens
    valid: bool


def uscc(raw: str | None) -> Uscc:
    """The normalised code and whether its form and check digit hold. An invalid code is a warning, never a stop."""
    code = re.sub(r"[\s\-–—]+", "", unicodedata.normalize("NFKC", raw or "")).upper()
    return Uscc(code, bool(_SHAPE.fullmatch(code)) and code[17] == check_digit(code))


def check_digit(code: str) -> str:
    """The 18th character that belongs to the first 17 (which must be of the code's alphabet)."""
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(code[:17], _WEIGHTS, strict=True))
    return _ALPHABET[-total % 31]
