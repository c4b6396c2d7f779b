"""What a pool's rules, as they are or edited and unsaved, would take back tonight (product.md D2)."""

from copy import copy
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils import timezone

from . import due
from .models import Pool, Poolable

SHOWN = 200


@dataclass(frozen=True)
class Preview:
    """`rows` are the first SHOWN of `count` records, held by `people` members."""

    count: int
    people: int
    rows: list[Poolable]


def edited(pool: Pool, **rules) -> Pool:
    """The pool with other rules, for calculations only."""
    other = copy(pool)
    for name, value in rules.items():
        setattr(other, name, value)
    return other


def preview(pool: Pool, now: datetime | None = None, **rules) -> Preview:
    """The records that the job takes at the coming local midnight, by `rules` instead of the saved ones."""
    now = now or timezone.now()
    kinds = [due.tonight(model, edited(pool, **rules), now) for model in Poolable.__subclasses__()]
    totals = [rows.aggregate(count=Count("pk"), people=Count("owner", distinct=True)) for rows in kinds]
    rows = [row for kind in kinds for row in kind.select_related("owner").order_by("owner__name", "pk")[:SHOWN]]
    return Preview(sum(t["count"] for t in totals), sum(t["people"] for t in totals), rows[:SHOWN])
