"""Which levels decide: pure rules over a flow's nodes and the facts of a document (domain.md 6.8, WC-25).

A node is a mapping: `key` (unique in the flow), `name`, `mode` (sequential, all 会签, any 或签), `assignee`
{kind, value} and `when`. Assignee kinds: `manager` (value 1: the submitter's own manager, 2: the one above, …),
`role` (a role), `member` (id or ids), `unit` (id or ids of teams, whose heads decide), `queue` (administrators choose).
`when` holds conditions, all of which must be true, or one of them where it says `match: any`: `min_amount` (inclusive)
and `max_amount` (exclusive, so that levels touch) as one, `min_discount` (ratio, inclusive), `below_floor`,
`nonstandard`, `money`, `team` (id or ids). A node without conditions always applies.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

FINANCE_FROM, LEGAL_FROM, GM_FROM = Decimal(100_000), Decimal(500_000), Decimal(1_000_000)
STANDARD_THRESHOLDS = (FINANCE_FROM, LEGAL_FROM, GM_FROM)
ANTI_SPLITTING_DAYS = 90
FLAGS = ("below_floor", "nonstandard", "money")

Node = Mapping[str, Any]


def standard_levels() -> list[dict[str, Any]]:
    """Manager below 100 000; + finance from 100 000; + legal from 500 000; + general manager from 1 000 000 (WC-25).

    Nobody is named as general manager yet: that node waits in the administrators' queue until a flow names one.
    """
    return [
        _level("manager", _("Sales manager"), "sequential", {"kind": "manager", "value": 1}),
        _level("finance", _("Finance"), "any", {"kind": "role", "value": "finance"}, FINANCE_FROM),
        _level("legal", _("Legal"), "any", {"kind": "role", "value": "legal"}, LEGAL_FROM),
        _level("gm", _("General manager"), "sequential", {"kind": "member", "value": []}, GM_FROM),
    ]


def _level(key: str, name, mode: str, assignee: dict, minimum: Decimal | None = None) -> dict[str, Any]:
    when = {} if minimum is None else {"min_amount": str(minimum)}
    return {"key": key, "name": name, "mode": mode, "assignee": assignee, "when": when}


def route(nodes: Iterable[Node], facts) -> list[Node]:
    """The nodes that a document with these facts passes, in order."""
    return [node for node in nodes if applies(node, facts)]


def applies(node: Node, facts) -> bool:
    when = node.get("when") or {}
    answers = list(_answers(when, facts))
    return not answers or (any if when.get("match") == "any" else all)(answers)


def _answers(when: Mapping[str, Any], facts) -> Iterable[bool]:
    if _given(when, "min_amount") or _given(when, "max_amount"):
        yield _in_range(when, facts.amount)
    if _given(when, "min_discount"):
        yield facts.discount is not None and facts.discount >= Decimal(str(when["min_discount"]))
    for flag in FLAGS:
        if when.get(flag):
            yield bool(getattr(facts, flag))
    if when.get("team"):
        yield facts.team_id in several(when["team"])


def _given(when: Mapping[str, Any], name: str) -> bool:
    return when.get(name) not in (None, "")


def _in_range(when: Mapping[str, Any], amount: Decimal | None) -> bool:
    """An unknown amount enters every level: nobody may pass by leaving it out."""
    if amount is None:
        return _given(when, "min_amount")
    above = not _given(when, "min_amount") or amount >= Decimal(str(when["min_amount"]))
    return above and (not _given(when, "max_amount") or amount < Decimal(str(when["max_amount"])))


def several(value) -> list:
    """One value or several, as a list; nothing is the empty list."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return list(value)
    return [] if value in (None, "") else [value]


def thresholds(nodes: Iterable[Node]) -> list[Decimal]:
    """The amounts at which a flow's levels begin, ascending."""
    starts = ((node.get("when") or {}).get("min_amount") for node in nodes)
    return sorted({Decimal(str(start)) for start in starts if start not in (None, "")})


def level(amount: Decimal, steps: Sequence[Decimal] = STANDARD_THRESHOLDS) -> int:
    """How many levels an amount has entered: a level is entered when amount ≥ threshold."""
    return sum(amount >= step for step in steps)


def cumulative(delta: Decimal, earlier: Iterable[tuple[date, Decimal]], *, on: date) -> Decimal:
    """|delta| with the |deltas| of the same contract in the 90 days up to and including `on`."""
    since = on - timedelta(days=ANTI_SPLITTING_DAYS)
    return abs(delta) + sum((abs(each) for day, each in earlier if since < day <= on), Decimal(0))


def deciding_amount(delta: Decimal, *, approved_total: Decimal, on: date,
                    earlier: Iterable[tuple[date, Decimal]] = (),
                    steps: Sequence[Decimal] = STANDARD_THRESHOLDS) -> Decimal:  # fmt: skip
    """The amount whose level decides a change of a contract (domain.md 6.8, anti-splitting).

    `delta` changes `approved_total`, the total that was approved last; `earlier` are the other changes of the same
    contract as (local date, delta). The stricter of the cumulative |delta| of 90 days and the resulting total counts,
    the latter only if its level is higher than that of `approved_total`. `steps` are the flow's thresholds.
    """
    total = approved_total + delta
    higher = level(total, steps) > level(approved_total, steps)
    return max(cumulative(delta, earlier, on=on), total if higher else Decimal(0))
