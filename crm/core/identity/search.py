"""Finding records by what people type: two characters, initials, digits, a code (tenancy.md 2)."""

from dataclasses import dataclass
from itertools import chain

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from crm.core import names

from .models import SearchGram
from .subjects import Subject, registered, subject_of

# Each gram is a join: more would cost more to plan than they sort out.
MOST_GRAMS = 6


def matching(queryset: QuerySet, text: str) -> QuerySet:
    """The rows that have every gram of `text`; all rows for a blank text, none when it has nothing to look for.

    The queryset says whose rows are meant; this only narrows it.
    """
    if not text.strip():
        return queryset
    asked = names.query_grams(text)
    if not asked:
        return queryset.none()
    subject_type = queryset.model._meta.label_lower
    own = SearchGram._base_manager.filter(
        tenant_id=OuterRef("tenant_id"), subject_type=subject_type, subject_id=OuterRef("pk")
    )
    for gram in _in_order(asked, text)[:MOST_GRAMS]:
        queryset = queryset.filter(Exists(own.filter(gram=gram)))
    return queryset


def _in_order(asked: list[set[str]], text: str) -> list[str]:
    """Each gram once as it was typed: what a name begins with tells more than 有限公司 at its end."""
    folded = names.fold(text)
    return sorted(set(chain.from_iterable(asked)), key=lambda gram: (folded.find(gram), gram))


@dataclass(frozen=True)
class Found:
    """One record in the answer: what it is called and where its page is."""

    pk: int
    label: str
    url: str


@dataclass(frozen=True)
class Group:
    """The records of one kind that were found; `more` says that there are others."""

    type: str
    label: str
    icon: str
    found: list[Found]
    more: bool


def everywhere(member, text: str, limit: int = 5) -> list[Group]:
    """What the member may see that matches, by kind, newest first; one query for each kind."""
    if not text.strip():
        return []
    groups = (_group(subject, member, text, limit) for subject in registered() if subject.search)
    return [group for group in groups if group.found]


def _group(subject: Subject, member, text: str, limit: int) -> Group:
    matches = matching(subject.model.objects.visible_to(member).filter(subject.live), text)
    rows = list(matches.order_by("-pk")[: limit + 1])
    found = [Found(row.pk, str(row), page_of(row, member)) for row in rows[:limit]]
    label = str(subject.model._meta.verbose_name_plural)
    return Group(subject.type, label, subject.icon, found, more=len(rows) > limit)


def page_of(record, member) -> str:
    """The address of a record's page, "" when it has none."""
    subject = subject_of(type(record))
    if subject is None or not subject.url_name:
        return ""
    return reverse(subject.url_name, kwargs={"tenant": member.tenant.slug, "pk": record.pk})
