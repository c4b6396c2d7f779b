"""The stages of a pipeline over all its versions, merged by key, as one order.

Open deals stay on the version they began with, so a funnel has to read several
versions at once: a stage of an old version counts with the stage of the same
key; one that the current version has no more stands after the stage it followed.
"""

from collections.abc import Iterable
from functools import cached_property

from django.db.models import Q

from .models import Stage


class Ladder:
    """`stages` are those of all versions of one pipeline, in any order."""

    def __init__(self, stages: Iterable[Stage]):
        self.all = sorted(stages, key=lambda stage: (-stage.pipeline.number, stage.order))
        self.pipeline = self.all[0].pipeline

    @classmethod
    def of(cls, tenant, key: str) -> "Ladder | None":
        """The ladder of the pipeline with this key, or None; one query."""
        stages = list(Stage.objects.of(tenant).filter(pipeline__key=key).select_related("pipeline"))
        return cls(stages) if stages else None

    @cached_property
    def steps(self) -> list[Stage]:
        """One stage for each key, from the newest version that has it, first to last."""
        steps: list[Stage] = []
        for stage in self.all:
            if stage.key not in (step.key for step in steps):
                steps.insert(self._place(steps, stage), stage)
        return steps

    def _place(self, steps: list[Stage], stage: Stage) -> int:
        if stage.pipeline_id == self.pipeline.pk:
            return len(steps)
        before = [
            other.key for other in self.all if other.pipeline_id == stage.pipeline_id and other.order < stage.order
        ]
        return max((place for place, step in enumerate(steps, 1) if step.key in before), default=0)

    @cached_property
    def ranks(self) -> dict[tuple[int, int], int]:
        """(pipeline version, order) → place on the ladder, from 0."""
        place = {step.key: n for n, step in enumerate(self.steps)}
        return {(stage.pipeline_id, stage.order): place[stage.key] for stage in self.all}

    def is_current(self, stage: Stage) -> bool:
        return stage.pipeline_id == self.pipeline.pk

    def has(self, key: str) -> bool:
        return any(step.key == key for step in self.steps)

    def reached(self, key: str, *, exactly: bool = False) -> Q:
        """Deals that came as far as this stage at some time, or exactly so far."""
        wanted = next(n for n, step in enumerate(self.steps) if step.key == key)
        found = Q(pk__in=[])
        for (version, order), rank in self.ranks.items():
            if rank == wanted or (rank > wanted and not exactly):
                found |= Q(pipeline=version, furthest_order=order)
        return found

    def counts_reached(self, furthest: dict[tuple[int, int], int]) -> list[int]:
        """How many came at least to each step, from counts by (version, furthest order). Never grows (INV-O8)."""
        at = [0] * len(self.steps)
        for place, count in furthest.items():
            at[self.ranks[place]] += count
        return [sum(at[n:]) for n in range(len(at))]
