"""What a deal was at any past moment, rebuilt from its change rows (INV-O1, INV-G7)."""

from dataclasses import dataclass
from datetime import datetime

from ..models import Opportunity, OpportunityChange, Stage


@dataclass(frozen=True)
class Interval:
    """A time in one stage; `left` is None while the deal stands there."""

    stage: Stage
    entered: datetime
    left: datetime | None


def values_at(opp: Opportunity, moment: datetime) -> dict[str, str]:
    """Tracked column → its value then, as text; empty before the deal was opened."""
    rows = OpportunityChange.objects.of(opp.tenant_id).filter(opportunity=opp, at__lte=moment)
    return {row.field: row.after for row in rows.order_by("at", "id")}


def stage_history(opp: Opportunity) -> list[Interval]:
    """The stages of a deal from its opening to its close, without gap or overlap."""
    changes = OpportunityChange.objects.of(opp.tenant_id).filter(opportunity=opp, field="stage")
    rows = list(changes.order_by("at", "id"))
    stages = Stage.objects.of(opp.tenant_id).in_bulk([int(row.after) for row in rows])
    ends = [row.at for row in rows[1:]] + [opp.closed_at]
    return [Interval(stages[int(row.after)], row.at, end) for row, end in zip(rows, ends, strict=True)]
