"""Search grams: a typed word becomes one or a few equality look-ups in a btree (tenancy.md 2).

A text has as grams every pair of neighbouring Chinese characters, the first character of
each Chinese run, the beginnings of Latin words, the beginnings and ends of numbers, and the
beginnings of its pinyin and its initials. A query is taken apart the same way; what has all
its grams is a candidate, `matches` decides.
"""

import re
from collections.abc import Iterator
from itertools import chain, zip_longest

from pypinyin import Style, lazy_pinyin, pinyin

from crm.core.names.regions import without_rank, without_region
from crm.core.names.text import CJK, fold, simplify

LIMIT = 120  # grams of one record
LONGEST = 12  # characters of one gram
_SPELLED = 16  # characters of a name whose pinyin is looked at
_READINGS = 3
_TOKEN = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
_NUMBER = re.compile(r"[0-9]{3,}")
# Whitespace parts the words of a query, but not the groups of a phone number.
_BETWEEN_WORDS = re.compile(r"(?<![0-9])\s+|\s+(?![0-9])")
# Readings that a surname has and the dictionary puts behind others, or does not know.
_SURNAMES = {
    "曾": "zeng", "单": "shan", "查": "zha", "区": "ou", "解": "xie", "仇": "qiu", "任": "ren", "华": "hua",
    "朴": "piao", "盖": "ge", "翟": "zhai", "繁": "po", "纪": "ji", "覃": "qin", "洗": "xian", "冼": "xian",
    "员": "yun", "贠": "yun", "隗": "wei", "缪": "miao", "乐": "yue", "曲": "qu", "黑": "he", "秘": "bi",
    "折": "she", "召": "shao", "种": "chong", "祭": "zhai", "尉": "wei", "宿": "su", "郇": "xun", "牟": "mu",
    "逄": "pang", "教": "jiao", "那": "na", "燕": "yan", "应": "ying", "盛": "sheng", "句": "gou", "过": "guo",
    "卜": "bu", "薄": "bo", "葛": "ge", "万": "wan", "万俟": "mo qi", "尉迟": "yu chi", "长孙": "zhang sun",
    "澹台": "tan tai", "单于": "chan yu", "宰": "zai", "石": "shi", "柏": "bai", "行": "xing", "都": "du",
    "哈": "ha", "筰": "zuo", "缴": "jiao", "谌": "chen", "晁": "chao", "褚": "chu", "车": "che", "沈": "shen",
    "俞": "yu", "相": "xiang", "强": "qiang", "少": "shao", "重": "chong", "校": "xiao", "阚": "kan",
}  # fmt: skip


def grams(*texts: str | None) -> set[str]:
    """The grams of one record's texts (one name, phone or address each), at most LIMIT.

    When there are too many, each text keeps its most telling ones: what it is written
    with before how it is pronounced.
    """
    by_text = zip_longest(*(_grams(fold(text)) for text in texts))
    found = dict.fromkeys(gram for gram in chain.from_iterable(by_text) if gram)
    return set(list(found)[:LIMIT])


def query_grams(text: str | None) -> list[set[str]]:
    """One set for each word typed; a record is a candidate when it has ALL grams of ALL sets.

    An empty list means that there is nothing to search for. A single Chinese character finds
    names that begin with it, so it is only asked for when it is all there is.
    """
    words = [{gram for token in _TOKEN.findall(word) for gram in _asked(token)} for word in _words(text)]
    telling = [{gram for gram in word if not _is_single_cjk(gram)} for word in words]
    return [word for word in telling if word] or [word for word in words if word]


def matches(text: str | None, query: str | None) -> bool:
    """Whether `text` contains every word of the query, as written or as pinyin or its initials begin."""
    folded, words = fold(text), _words(query)
    return bool(words) and all(word in folded or _sounds_like(folded, word) for word in words)


def _words(query: str | None) -> list[str]:
    return [word for part in _BETWEEN_WORDS.split(simplify(query).strip()) if (word := fold(part))]


def _sounds_like(folded: str, word: str) -> bool:
    return word.isascii() and any(spelling.startswith(word) for spelling in _spellings(folded))


def _asked(token: str) -> Iterator[str]:
    if not _is_cjk(token):
        yield token[:LONGEST]
    elif len(token) == 1:
        yield token
    else:
        yield from _pairs(token)


def _grams(folded: str) -> Iterator[str]:
    tokens = _TOKEN.findall(folded)
    for token in tokens:
        yield from _written(token)
    for spelling in _spellings(folded):
        yield from _beginnings(spelling)


def _written(token: str) -> Iterator[str]:
    if _is_cjk(token):
        yield token[0]
        yield from _pairs(token)
        return
    yield from _beginnings(token)
    for number in _NUMBER.findall(token):
        yield from _beginnings(number)
        yield from (number[-length:] for length in range(4, min(len(number), LONGEST) + 1))


def _pairs(token: str) -> Iterator[str]:
    return (token[i : i + 2] for i in range(len(token) - 1))


def _beginnings(word: str) -> Iterator[str]:
    return (word[:length] for length in range(1, min(len(word), LONGEST) + 1))


def _spellings(folded: str) -> list[str]:
    """Pinyin and initials of the first Chinese run, in all readings of its first character.

    A name is looked for by what it begins with: 深圳市华为, 深圳华为 or 华为.
    """
    run = next((token for token in _TOKEN.findall(folded) if _is_cjk(token)), "")[:_SPELLED]
    starts = dict.fromkeys((run, without_rank(run), without_region(run))) if run else ()
    return list(dict.fromkeys(spelling for start in starts for spelling in _spell(start)))


def _spell(name: str) -> Iterator[str]:
    for syllables in _readings(name):
        yield "".join(syllable[0] for syllable in syllables)
        yield "".join(syllables)


def _readings(name: str) -> list[list[str]]:
    """The syllables of the name, once for each reading of its first character."""
    usual = lazy_pinyin(name, errors="ignore")
    if name[:2] in _SURNAMES:
        return [[*_SURNAMES[name[:2]].split(), *usual[2:]]]
    known = [_SURNAMES[name[0]]] if name[0] in _SURNAMES else []
    alone = pinyin(name[0], style=Style.NORMAL, heteronym=True, errors="ignore")
    firsts = dict.fromkeys([*known, *usual[:1], *chain.from_iterable(alone)])
    return [[first, *usual[1:]] for first in list(firsts)[:_READINGS]]


def _is_cjk(token: str) -> bool:
    return bool(re.match(f"[{CJK}]", token))


def _is_single_cjk(gram: str) -> bool:
    return len(gram) == 1 and _is_cjk(gram)
