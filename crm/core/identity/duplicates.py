"""Is this firm known already? (domain.md 6.4; the answer never shows contact data, INV-L13)"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import Exists, OuterRef

from crm.core import names
from crm.core.names import Tier
from crm.core.people.reach import require
from crm.core.people.roles import Role

from . import index
from .models import IdentityKey, SearchGram
from .search import page_of
from .subjects import Subject, registered, subject_of

# A fuzzy key that more records than this share says nothing; of an exact one, as many are looked at.
INFORMATIVE = 20
COMMON_GRAM = 200
FUZZY = {index.Kind.LANDLINE, index.Kind.EMAIL_DOMAIN, index.Kind.WEB_DOMAIN}


@dataclass(frozen=True)
class Hit:
    """A record that may be the same firm. What a stranger to it may not know is blank."""

    tier: Tier
    reasons: tuple[str, ...]
    subject_type: str
    kind: str
    pk: int | None = None
    label: str = ""
    url: str = ""
    owner_name: str = ""
    status: str = ""

    def __post_init__(self):
        if self.pk is None and (self.label or self.url):
            raise ValueError("a record that the member may not see has no name here")


def find(candidate: names.Identity, *, by, exclude=None) -> list[Hit]:
    """Records like the candidate, strongest first. `exclude` is the record that is being edited.

    One query for the keys, one for names that look alike, one for each kind of record found.
    """
    require(by, "duplicate.check")
    found = {*_sharing_a_key(candidate, by), *_sharing_grams(candidate, by)}
    hits = (hit for subject in registered() for hit in _hits(subject, found, candidate, by, exclude))
    return sorted(hits, key=lambda hit: (-hit.tier, hit.subject_type, -(hit.pk or 0)))


def _sharing_a_key(candidate: names.Identity, by) -> Iterable[tuple[str, int]]:
    pairs = list(index.keys(candidate))
    if not pairs:
        return []
    rows = (
        IdentityKey.objects.of(by.tenant_id)
        .order_by("-subject_id")
        .values_list("kind", "key", "subject_type", "subject_id")
    )
    each = [rows.filter(kind=kind, key=key)[: INFORMATIVE + 1] for kind, key in pairs]
    shared = list(each[0].union(*each[1:], all=True)) if len(each) > 1 else list(each[0])
    common = Counter(row[:2] for row in shared)
    return [row[2:] for row in shared if row[0] not in FUZZY or common[row[:2]] <= INFORMATIVE]


def _sharing_grams(candidate: names.Identity, by) -> Iterable[tuple[str, int]]:
    """The records that share most of the rare pieces of the name, at most INFORMATIVE of them."""
    grams = sorted(chain.from_iterable(names.query_grams(candidate.name)))
    types = [subject.type for subject in registered() if subject.name]
    if not grams or not types:
        return []
    rows = SearchGram.objects.of(by.tenant_id).filter(subject_type__in=types)
    each = [
        rows.filter(gram=gram).values_list("gram", "subject_type", "subject_id")[: COMMON_GRAM + 1] for gram in grams
    ]
    shared = list(each[0].union(*each[1:], all=True)) if len(each) > 1 else list(each[0])
    common = Counter(row[0] for row in shared)
    sharers = Counter(row[1:] for row in shared if common[row[0]] <= COMMON_GRAM)
    return [pair for pair, _count in sharers.most_common(INFORMATIVE)]


def _hits(subject: Subject, found: set[tuple[str, int]], candidate, by, exclude) -> Iterable[Hit]:
    ids = [pk for subject_type, pk in found if subject_type == subject.type]
    if not ids:
        return
    visible = subject.model.objects.visible_to(by).filter(pk=OuterRef("pk"))
    related = [path for path in (subject.firm, _owner(subject)) if path]
    rows = subject.model.objects.of(by.tenant_id).filter(subject.live, pk__in=ids).select_related(*related)
    for row in rows.annotate(is_visible=Exists(visible)):
        verdict = names.same_firm(candidate, subject.identity(row))
        if verdict.tier > Tier.NONE and not _same_firm_record(subject, row, exclude):
            yield _hit(subject, row, verdict, by)


def _owner(subject: Subject) -> str:
    return f"{subject.firm}__owner" if subject.firm else "owner"


def _same_firm_record(subject: Subject, row, exclude) -> bool:
    other = subject_of(type(exclude)) if exclude is not None else None
    return other is not None and other.firm_of(exclude) == subject.firm_of(row)


def _hit(subject: Subject, row, verdict: names.Verdict, by) -> Hit:
    """What `by` may know: a partner the tier alone, a stranger also owner and status (domain.md 9, INV-L13)."""
    kind = str(subject.model._meta.verbose_name)
    if set(by.roles) == {Role.PARTNER.value}:
        return Hit(verdict.tier, (), subject.type, kind)
    firm = subject.firm_of(row)
    shown: dict[str, Any] = {"owner_name": str(firm.owner or ""), "status": str(firm.get_status_display())}
    if row.is_visible:
        shown |= {"pk": row.pk, "label": str(row), "url": page_of(row, by)}
    return Hit(verdict.tier, verdict.reasons, subject.type, kind, **shown)
