"""The ageing table as people meet it: names, tints and the address of the rows behind every number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from accounts.models import Account
from contracts.models import Contract
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member, Team
from receivables.metrics.ageing import UNALLOCATED, UNSCHEDULED, Question, Row, Table

MODELS: dict[str, Any] = {
    "account": Account,
    "contract": Contract,
    "entity": LegalEntity,
    "owner": Member,
    "team": Team,
}
PAGES = {"account": "accounts:detail", "contract": "contracts:detail"}
NAMES = {UNSCHEDULED: "unscheduled", UNALLOCATED: "unallocated", None: "all"}
STEPS = 4


@dataclass(frozen=True)
class Cell:
    """`level` 0 to 4: how much of the group's scheduled money stands here; 0 for money that is not overdue."""

    amount: Decimal
    query: str
    title: str = ""
    level: int = 0
    place: str = ""

    @property
    def tint(self) -> str:
        """The classes of static/css/heat.css."""
        return f"l{self.level} {self.place}" if self.level else ""


@dataclass(frozen=True)
class Line:
    label: str
    key: int | None
    cells: list[Cell]
    total: Cell
    unscheduled: Cell
    unallocated: Cell
    page: str = ""


@dataclass(frozen=True)
class Heat:
    lines: list[Line] = field(default_factory=list)
    total: Line | None = None


def heat(question: Question, found: Table, asked: Mapping[str, Any]) -> Heat:
    """Lines and the sum; `asked` is the question as an address says it, to which each number adds its rows."""
    lines = [
        _line(question, row, label, {**asked, "key": row.key or "none"}, PAGES.get(question.by, "") if row.key else "")
        for row, label in zip(found.rows, labels(question, found), strict=True)
    ]
    return Heat(lines, _line(question, found.total, _("Total"), asked))


def labels(question: Question, found: Table) -> list[str]:
    """What the groups are called."""
    ids = [row.key for row in found.rows if row.key is not None]
    names = MODELS[question.by].objects.of(question.member.tenant_id).in_bulk(ids)
    return [str(names[row.key]) if row.key in names else _("None") for row in found.rows]


def _line(question: Question, row: Row, label: str, asked: Mapping[str, Any], page: str = "") -> Line:
    def cell(bucket: int | None, amount: Decimal, title="") -> Cell:
        rows = urlencode({**asked, "bucket": NAMES.get(bucket, bucket)})
        return Cell(amount, rows, str(title), _level(bucket, amount, row.total), _place(bucket, question))

    cells = [cell(bucket, row[bucket], title) for bucket, title in enumerate(bucket_titles(question.bounds))]
    beside = (cell(None, row.total), cell(UNSCHEDULED, row[UNSCHEDULED]), cell(UNALLOCATED, row[UNALLOCATED]))
    return Line(label, row.key, cells, *beside, page)


def _place(bucket: int | None, question: Question) -> str:
    """The column's own colour; the last bucket has the warmest one."""
    if bucket is None or bucket < 1:
        return ""
    return "hot" if bucket == len(question.bounds) else f"b{min(bucket, 3)}"


def bucket_titles(bounds: Sequence[int]) -> list:
    """What people read above the columns: not due, 1–30 days, …, over 90 days."""
    middle = [_("%(first)d–%(last)d days") % {"first": a + 1, "last": b} for a, b in pairwise(bounds)]
    return [_("Not due"), *middle, _("Over %(days)d days") % {"days": bounds[-1]}]


def _level(bucket: int | None, amount: Decimal, total: Decimal) -> int:
    if bucket is None or bucket < 1 or not amount or not total:
        return 0
    return min(STEPS, int(amount / total * STEPS) + 1)
