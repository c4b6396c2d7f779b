"""What the page of a deal shows beside its columns: its steps, its three probabilities, its changes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import ngettext

from crm.core.people.models import Member

from .ladders import Ladder
from .metrics import learned_probabilities, stage_history
from .metrics.stays import days
from .models import Opportunity, OpportunityChange, Stage

SHOWN = 50


@dataclass(frozen=True)
class Step:
    """A stage on the way: done, current or ahead; `note` says how many days the deal stood there."""

    pk: str
    name: str
    state: str
    note: str
    locked: bool


@dataclass(frozen=True)
class Change:
    """One tracked value that changed, as people read it; `kind` says how to print it."""

    label: str
    kind: str
    before: Any
    after: Any
    row: OpportunityChange


def facts(deal: Opportunity, member: Member) -> dict[str, Any]:
    ladder = Ladder.of(deal.tenant_id, deal.pipeline.key)
    own = [stage for stage in ladder.all if stage.pipeline_id == deal.pipeline_id]
    return {
        "steps": steps(deal, own),
        "learned": None if deal.is_closed else learned_probabilities(deal.tenant_id, ladder).get(deal.stage.key),
        "changes": changes(deal, {stage.pk: stage for stage in ladder.all}),
    }


def steps(deal: Opportunity, stages: list[Stage]) -> list[Step]:
    stood = time_in_stages(deal)
    return [Step(s.key, s.name, _state(s, deal), _note(stood.get(s.pk)), _is_locked(s, deal)) for s in stages]


def _state(stage: Stage, deal: Opportunity) -> str:
    if stage.pk == deal.stage_id:
        return "current"
    return "done" if stage.order < deal.stage.order else "ahead"


def _is_locked(stage: Stage, deal: Opportunity) -> bool:
    """Whether one click cannot bring the deal there: a step back in a strict pipeline wants a reason."""
    return not deal.is_open or (deal.pipeline.is_strict and stage.order != deal.stage.order + 1)


def _note(time: Decimal | None) -> str:
    return "" if time is None else ngettext("%(n)s day", "%(n)s days", int(time)) % {"n": int(time)}


def time_in_stages(deal: Opportunity) -> dict[int, Decimal]:
    """Stage → days, the running stay included; the won stage has none."""
    found: dict[int, Any] = {}
    for stay in stage_history(deal):
        if not stay.stage.is_won:
            time = (stay.left or timezone.now()) - stay.entered
            found[stay.stage.pk] = found[stay.stage.pk] + time if stay.stage.pk in found else time
    return {pk: days(time) for pk, time in found.items()}


def changes(deal: Opportunity, stages: dict[int, Stage]) -> list[Change]:
    """The newest changes first, without the values the deal began with."""
    rows = deal.changes.exclude(before="", at=deal.opened_at).select_related("by").order_by("-at", "-id")
    rows = list(rows[:SHOWN])
    people = Member.objects.of(deal.tenant_id).in_bulk(
        {int(value) for row in rows if row.field == "owner" for value in (row.before, row.after) if value}
    )
    reads = {"owner": lambda text: people.get(int(text)), "stage": lambda text: stages.get(int(text)), **READS}
    return [_change(row, reads[row.field]) for row in rows]


READS: dict[str, Callable[[str], Any]] = {
    "amount": Decimal,
    "probability": Decimal,
    "close_date": datetime.fromisoformat,
    "status": lambda text: Opportunity.Status(text).label,
}


def _change(row: OpportunityChange, read: Callable[[str], Any]) -> Change:
    label = Opportunity._meta.get_field(row.field).verbose_name
    before, after = (read(text) if text else None for text in (row.before, row.after))
    return Change(label, row.field, before, after, row)
