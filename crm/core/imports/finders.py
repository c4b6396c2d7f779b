"""Related records found by what a file calls them."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from rapidfuzz import fuzz, process

from crm.core.names import fold
from crm.core.people.models import Member, Team

CLOSE = 80  # of 100: from here on a known name is suggested for an unknown one


def folded(name: str) -> str:
    return fold(name) or name


class Finder:
    """Records of a small table by name; two of one name are an error, not a guess."""

    def __init__(
        self, records: Iterable = (), *, names: Callable = lambda record: (record.name,), key: Callable = folded
    ):
        self._names, self._key = names, key
        self._index: dict[Hashable, list] = defaultdict(list)
        self._shown: dict[str, str] = {}
        for record in records:
            self.add(record)

    def add(self, record) -> None:
        for name in filter(None, self._names(record)):
            found = self._index[self._key(name)]
            if record not in found:
                found.append(record)
            self._shown.setdefault(folded(name), name)

    def load(self, texts: set[str]) -> None:
        """Hook of finders that read only what a chunk names."""

    def get(self, text: str):
        """The record of this name or None. ValidationError when several have it."""
        found = self._index.get(self._key(text), ())
        if len(found) > 1:
            raise ValidationError(_("several have this name"))
        return found[0] if found else None

    def names(self) -> list[str]:
        return sorted(self._shown.values())

    def suggest(self, text: str) -> str:
        """The known name that is most like `text`, or ""."""
        return suggest(text, self._shown)


def suggest(text: str, known: dict[str, str]) -> str:
    """Of folded name → name, the one most like `text`: GTXPro → GTX Pro. "" when none is close."""
    wanted = fold(text)
    tight = {key: str(key).replace(" ", "") for key in known}
    found = process.extractOne(wanted.replace(" ", ""), tight, scorer=fuzz.ratio, score_cutoff=CLOSE)
    return known[found[2]] if found else ""


def members(tenant) -> Finder:
    """Active members by name or e-mail."""
    rows = Member.objects.of(tenant).filter(is_active=True, is_system=False)
    return Finder(rows, names=lambda member: (member.name, member.email))


def teams(tenant) -> Finder:
    return Finder(Team.objects.of(tenant))
