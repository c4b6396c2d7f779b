"""What the past says about the probability of a stage (domain.md 6.9)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Count
from django.utils import timezone

from ..ladders import Ladder
from ..models import Opportunity
from . import rates

MEMORY = timedelta(days=730)


@dataclass(frozen=True)
class Learned:
    """`closed` deals of the last 24 months reached the stage, `won` of them were won."""

    closed: int
    won: int
    probability: Decimal


def learned_probabilities(tenant, ladder: Ladder) -> dict[str, Learned]:
    """Stage key → the observed win rate beside the template's; of the whole company; one query."""
    rows = Opportunity.objects.of(tenant).filter(
        pipeline__key=ladder.pipeline.key, status__in=["won", "lost"], closed_at__gte=timezone.now() - MEMORY
    )
    furthest: dict[str, dict[tuple[int, int], int]] = {"won": defaultdict(int), "lost": defaultdict(int)}
    for version, order, status, count in rows.order_by().values_list(
        "pipeline", "furthest_order", "status"
    ).annotate(count=Count("pk")):  # fmt: skip
        furthest[status][version, order] += count
    won, lost = (ladder.counts_reached(furthest[status]) for status in ("won", "lost"))
    return {
        step.key: Learned(won[n] + lost[n], won[n], rates.learned(won[n], won[n] + lost[n], step.probability))
        for n, step in enumerate(ladder.steps)
    }
