"""One folded form of text: what is compared and searched, never what is shown."""

import re
import unicodedata

import opencc

# Scripts written without spaces: Han with its extensions, kana, hangul.
CJK = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff]")
_DIGIT_JOINT = re.compile(r"(?<=[0-9])[ \-()]+(?=[0-9])")
_MOBILE_PREFIX = re.compile(r"(?<![0-9a-z])\+?(?:00)?86(?=1[3-9][0-9]{9}(?![0-9]))")
_SEPARATORS = re.compile(r"[\W_]+")
_NEEDLESS_SPACE = re.compile(rf"(?<=[{CJK}]) | (?=[{CJK}])")

# Character by character (t2s): a name keeps its characters, 資訊 is 资讯 and not the mainland word 信息.
_to_simplified = opencc.OpenCC("t2s")


def simplify(text: str | None) -> str:
    """NFKC without invisible characters, traditional characters as simplified ones (domain.md 6.4)."""
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text or ""))
    return unicodedata.normalize("NFKC", _to_simplified.convert(visible))


def fold(text: str | None) -> str:
    """The form that search compares: simplified, lower case, punctuation as one space or none.

    A space stays only between two Latin words; digits that a phone number spreads
    (138-0013 8000) are joined, and the prefix +86 of a mobile number is dropped.
    """
    folded = _fold_once(text)
    while (again := _fold_once(folded)) != folded:
        folded = again
    return folded


def _fold_once(text: str | None) -> str:
    plain = unicodedata.normalize("NFKC", simplify(text).casefold())
    plain = _MOBILE_PREFIX.sub("", _DIGIT_JOINT.sub("", plain))
    return _NEEDLESS_SPACE.sub("", _SEPARATORS.sub(" ", plain)).strip()
