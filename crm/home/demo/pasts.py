"""Records of the demo company as they stand today, each with the past that led there.

A past is a list of (verb, moment, changes), oldest first, as `records.create_many` tells it.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from crm.core import records
from leads.models import Lead
from opportunities.models import LostReason, Opportunity

from .story import Deal, Enquiry

Past = Iterator[tuple[str, datetime, dict]]
OPEN, WON, LOST, SUSPENDED = Opportunity.Status.values


def deal_today(told: Deal, stages: dict, **values) -> Opportunity:
    """The opportunity after all its steps; `stages` by key."""
    last, since = told.steps[-1] if told.steps else ("contact", told.at)
    stage = stages["won"] if told.fate == WON else stages[last]
    return Opportunity(
        name=told.name, amount=told.amount, close_date=told.close_date, status=told.fate, stage=stage,
        pipeline=stage.pipeline, furthest_order=stage.order, created_at=told.at, opened_at=told.at,
        stage_entered_at=told.ended_at if told.fate == WON else since,
        closed_at=told.ended_at if told.fate in (WON, LOST) else None,
        probability={WON: Decimal(1), LOST: Decimal(0)}.get(told.fate, stage.probability),
        lost_reason=LostReason.PRICE if told.fate == LOST else "",
        lost_detail=told.detail if told.fate == LOST else "", **values,
    )  # fmt: skip


def deal_past(deal: Opportunity, told: Deal, stages: dict) -> Past:
    """Opened in the first stage, moved step by step, and won, lost or suspended at the end."""
    stage = stages["contact"]
    state = {"status": OPEN, "stage": stage.pk, "probability": stage.probability, "furthest_order": stage.order,
             "stage_entered_at": told.at}  # fmt: skip
    born = {name: pair for name, pair in records.birth_values(deal).items() if name not in _LATER}
    yield "created", told.at, {**born, **{name: [None, value] for name, value in state.items()}}
    for key, at in told.steps:
        stage = stages[key]
        after = {"stage": stage.pk, "probability": stage.probability, "furthest_order": stage.order,
                 "stage_entered_at": at}  # fmt: skip
        yield "moved", at, _differences(state, after)
        state |= after
    if told.fate != OPEN:
        after = {name: getattr(deal, deal._meta.get_field(name).attname) for name in (*state, *_LATER)}
        yield told.fate, told.ended_at, _differences(state, after)


_LATER = ("closed_at", "lost_reason", "lost_detail")


def lead_today(told: Enquiry, pool, owner, **values) -> Lead:
    """The lead where it stands: in its pool, in somebody's hands, or at an end."""
    held = told.fate in Lead.OWNED or told.fate == Lead.Status.CONVERTED
    taken = told.fate != Lead.Status.POOLED
    return Lead(
        name=told.name, region=told.region, status=told.fate, home_pool=pool, created_at=told.at,
        pool=None if taken else pool, owner=owner if held else None, owner_reason="claim" if taken else "",
        owned_at=told.owned_at if held else None, last_followup_at=told.followed_at if taken else None,
        first_response_at=told.followed_at if taken else None,
        disqualified_reason="需求不真实" if told.fate == Lead.Status.DISQUALIFIED else "",
        converted_at=told.followed_at if told.fate == Lead.Status.CONVERTED else None, **told.values, **values,
    )  # fmt: skip


def lead_past(lead: Lead, told: Enquiry, pool, owner) -> Past:
    """Arrived in a pool, claimed, worked, and then what became of it."""
    state: dict = {"status": Lead.Status.POOLED, "pool": pool.pk}
    skipped = {"owner", "owner_reason", "owned_at", "last_followup_at", "first_response_at", *_ENDS}
    born = {name: pair for name, pair in records.birth_values(lead).items() if name not in skipped}
    yield "created", told.at, {**born, **{name: [None, value] for name, value in state.items()}}
    if told.fate == Lead.Status.POOLED:
        return
    yield "claimed", told.owned_at, {
        "status": ["pooled", "assigned"], "pool": [pool.pk, None], "owner": [None, owner.pk],
        "owned_at": [None, told.owned_at],
    }  # fmt: skip
    if told.followed_at:
        yield "worked", told.followed_at, {"status": ["assigned", "working"]}
        if told.fate != Lead.Status.WORKING:
            ends = {
                name: [None, value] for name in _ENDS if (value := getattr(lead, lead._meta.get_field(name).attname))
            }
            yield told.fate, told.followed_at, {"status": ["working", told.fate], **ends}


_ENDS = ("account", "contact", "converted_at", "disqualified_reason")


def _differences(before: dict, after: dict) -> dict[str, list]:
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}
