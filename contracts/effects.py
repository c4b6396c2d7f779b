"""What a contract's life moves downstream in the same transaction (architecture.md 3, INV-R18).

The receivables register a `Follower` in their AppConfig.ready(); contracts never import them. Every method is
called synchronously inside the action's transaction and may refuse (`errors.Refused`), which undoes the whole act.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import Account
    from crm.core.people.models import Member

    from .models import Batch, ChangeOrder, Contract


@dataclass(frozen=True)
class Row:
    """One line of a preview in money: what it is, before and after (None: does not apply), and a remark."""

    label: str
    before: Decimal | None
    after: Decimal | None
    note: str = ""
    url: str = ""

    @property
    def difference(self) -> Decimal | None:
        """None when nothing moves, or there is nothing to subtract from."""
        if self.after is None or self.after == self.before:
            return None
        return self.after - (self.before or Decimal(0))


@dataclass(frozen=True)
class Preview:
    """One table of what a change does: receivables, invoices, delivered batches. `refusals` forbid applying it."""

    title: str
    rows: list[Row] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


class Follower:
    """What downstream does at each moment; every method does nothing until overridden."""

    def signed(self, contract: Contract, *, by: Member) -> None:
        """The contract got its sign date."""

    def effective(self, contract: Contract, *, by: Member) -> None:
        """The contract came into force."""

    def transferred(self, contract: Contract, *, by: Member) -> None:
        """The contract belongs to another seller from now on."""

    def check(self, change: ChangeOrder) -> None:
        """Refuse a change order whose effects cannot be submitted (domain.md 6.18)."""

    def preview(self, change: ChangeOrder) -> list[Preview]:
        """Before and after in money, without writing anything."""
        return []

    def applied(self, change: ChangeOrder, *, by: Member) -> None:
        """Carry out the effects of an approved change, all or nothing."""

    def accepted(self, batch: Batch, *, by: Member, on: date) -> None:
        """The customer accepted a batch on this business day; `batch.is_final` is the final acceptance."""

    def targets(self, contract: Contract) -> list[dict]:
        """What a change may move: {id, label, current, allocated, invoiced}, in the order of the plan."""
        return []

    def figures(self, contract: Contract) -> Mapping[str, Decimal]:
        """Derived sums of one contract: planned, invoiced, collected, balance, overdue."""
        return {}

    def figures_of(self, contracts: Iterable[Contract]) -> Mapping[int, Mapping[str, Decimal]]:
        """The same for the rows of a list, by id; override it where one question answers for all."""
        return {contract.pk: self.figures(contract) for contract in contracts}

    def blocks_orders(self, account: Account) -> str | None:
        """Why this customer gets no new order now, as a sentence; None when nothing stands against it."""
        return None


_followers: list[Follower] = []


def register(follower: Follower) -> None:
    _followers.append(follower)


def followers() -> Iterator[Follower]:
    return iter(_followers)


def orders_blocked(account: Account) -> str | None:
    """The first reason downstream names why this customer gets no new order."""
    answers = (follower.blocks_orders(account) for follower in _followers)
    return next((answer for answer in answers if answer), None)
