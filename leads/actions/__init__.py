"""What people do with leads (domain.md 4.1): how they come in, change hands, progress and become customers."""

from .conversion import Conversion, convert
from .entry import Arrival, create_lead, receive, update_lead
from .ownership import (
    approve_return,
    assign,
    claim,
    claim_many,
    move_to_pool,
    protect,
    reclaim,
    return_to_pool,
    transfer,
)
from .progress import disqualify, nurture, qualify, resume, revive

__all__ = [
    "Arrival",
    "Conversion",
    "approve_return",
    "assign",
    "claim",
    "claim_many",
    "convert",
    "create_lead",
    "disqualify",
    "move_to_pool",
    "nurture",
    "protect",
    "qualify",
    "receive",
    "reclaim",
    "resume",
    "return_to_pool",
    "revive",
    "transfer",
    "update_lead",
]
