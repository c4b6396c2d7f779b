"""The records that activities, tasks and files are about, named by model label and id."""

from collections import defaultdict
from functools import cache

from django.apps import apps
from django.db.models import Exists, OuterRef, Q

from crm.core.errors import Forbidden
from crm.core.records import Record


@cache
def models() -> dict[str, type[Record]]:
    """Label → model of everything that may have a timeline: records that say who may see them."""
    return {
        model._meta.label_lower: model
        for model in apps.get_models()
        if issubclass(model, Record) and hasattr(model, "visible_q") and model._meta.app_label != "activities"
    }


def label(subject) -> str:
    return subject._meta.label_lower


def find(subject_type: str, pk: int, *, member) -> Record | None:
    """The record if it exists and the member may see it."""
    model = models().get(str(subject_type).lower())
    return model.objects.visible_to(member).filter(pk=pk).first() if model else None


def is_hidden(subject, member) -> bool:
    """Whether the member sees that the record is there, but not what was said and sent (INV-L12: a pool's lead)."""
    hides = getattr(subject, "hides_contact_from", None)
    return bool(hides and hides(member))


def require_visible(subject, member) -> None:
    """Forbidden unless the member may see the record."""
    if not type(subject).objects.visible_to(member).filter(pk=subject.pk).exists():
        raise Forbidden("activity.create")


def named(links, member) -> dict[int, list[Record]]:
    """Id of each linked row → the records it is about that the member may see; links are (row id, type, id).

    One query for each kind of record.
    """
    wanted, about = defaultdict(set), defaultdict(list)
    for _row, subject_type, pk in links:
        wanted[subject_type].add(pk)
    found = {
        (name, pk): record
        for name in sorted(wanted.keys() & models().keys())
        for pk, record in models()[name].objects.visible_to(member).in_bulk(wanted[name]).items()
    }
    for row, subject_type, pk in links:
        if record := found.get((subject_type, pk)):
            about[row].append(record)
    return about


def of(subject) -> Q:
    """Links (or tasks) of one record."""
    return Q(subject_type=label(subject), subject_id=subject.pk)


def linked_to_readable(links, member) -> Q:
    """Rows one of whose links (`links` filtered to the outer row) names a record that the member may read."""
    found = Q()
    for name, model in models().items():
        readable = model.objects.visible_to(member).filter(pk=OuterRef("subject_id"))
        if hasattr(model, "hidden_q"):
            readable = readable.exclude(model.hidden_q(member))
        found |= Q(Exists(links.filter(Exists(readable), subject_type=name)))
    return found
