"""What can be sent for approval, and what happens to it when people have decided (domain.md 4.5, 6.8).

An app registers each of its models in AppConfig.ready(); approvals never import the apps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Model, Q

from crm.core.people.models import Member

from .levels import deciding_amount, standard_levels

__all__ = [
    "Card", "Facts", "Line", "Subject", "all_subjects", "asked_q", "deciding_amount", "of", "register",
    "standard_levels",
]  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What a flow's conditions read. `amount` is the level-deciding amount in the company's currency, anti-splitting
    included (domain.md 6.8); `money` means money leaves or is given up: never approved without a person (INV-C7).
    """

    amount: Decimal | None = None
    money: bool = False
    below_floor: bool = False
    nonstandard: bool = False
    discount: Decimal | None = None
    team_id: int | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it; `from_plain` reads it back."""
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()}

    @classmethod
    def from_plain(cls, given: Mapping[str, Any]) -> "Facts":
        money = {name: Decimal(given[name]) for name in ("amount", "discount") if given.get(name) is not None}
        return cls(**{**given, **money})


@dataclass(frozen=True)
class Line:
    """One row of the card an approver sees: a label, the value now, and before when it changes (both as text)."""

    label: str
    value: str
    before: str = ""


@dataclass(frozen=True)
class Card:
    """What changed, why, and the money effect, readable on a phone. Written when submitted, never recomputed."""

    title: str
    reason: str = ""
    money: str = ""
    lines: Sequence[Line] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it, lazy texts in the submitter's language."""
        lines = [{name: str(text) for name, text in asdict(line).items()} for line in self.lines]
        return {"title": str(self.title), "reason": str(self.reason), "money": str(self.money), "lines": lines}


@dataclass(frozen=True)
class Subject:
    """How one model is approved.

    `content` returns everything that is approved as JSON-able values: its hash must not change until the decision
    (INV-C3). `approved(record, by=)` and `dropped(record, by=, status=)` (rejected, returned, withdrawn) run in the
    decision's transaction and may refuse. `default_nodes` is the flow a new company starts with. `party(record)` are
    members who may not decide beside the submitter (INV-C4: who created the money request, who posted the receipt).
    """

    model: type[Model]
    facts: Callable[[Any], Facts]
    content: Callable[[Any], Mapping[str, Any]]
    card: Callable[[Any], Card]
    approved: Callable[..., Any]
    dropped: Callable[..., Any]
    url_name: str
    label: Any = ""
    default_nodes: Sequence[Mapping[str, Any]] = ()
    party: Callable[[Any], set[int]] = field(default=lambda record: set())

    @property
    def type(self) -> str:
        return self.model._meta.label_lower


_subjects: dict[str, Subject] = {}


def register(subject: Subject) -> None:
    _subjects[subject.type] = subject


def of(record_or_type) -> Subject:
    """The subject of a record, a model or a type such as "contracts.contract"."""
    kind = record_or_type if isinstance(record_or_type, str) else record_or_type._meta.label_lower
    return _subjects[kind]


def all_subjects() -> list[Subject]:
    return list(_subjects.values())


def is_registered(kind: str) -> bool:
    return kind in _subjects


def asked_q(member: Member, model: type[Model]) -> Q:
    """Records on which this member has or had a task, or was sent a copy: an approver reads what he decides
    (domain.md 9, “R (tasks)”).
    """
    from .models import ApprovalTask, Copy
    from .models import asked_q as of_member

    kind = model._meta.label_lower
    tasks = ApprovalTask.objects.of(member.tenant_id).filter(of_member(member), instance__subject_type=kind)
    copies = Copy.objects.of(member.tenant_id).filter(member=member, instance__subject_type=kind)
    return Q(pk__in=tasks.values("instance__subject_id")) | Q(pk__in=copies.values("instance__subject_id"))
