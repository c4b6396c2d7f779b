"""Which receivables an amount pays when nobody says so: the order of domain.md 6.16, without any query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol, TypeVar

from receivables.models import Allocation

Rule = Allocation.Rule
MOST_ITEMS, MOST_SUMS = 24, 20_000


class Owed(Protocol):
    """An open receivable, or what stands for one."""

    pk: int
    contract_id: int
    due_date: date | None
    balance: Decimal


One = TypeVar("One", bound=Owed)


@dataclass(frozen=True)
class Choice:
    """The rule that applied and the amounts by receivable; what they do not use stays an advance."""

    rule: str
    shares: dict[int, Decimal]

    def within(self, balances: Mapping[int, Decimal]) -> dict[int, Decimal]:
        """The shares as far as the receivables still take them."""
        taken = {pk: min(amount, balances[pk]) for pk, amount in self.shares.items()}
        return {pk: amount for pk, amount in taken.items() if amount > 0}


def choose(amount: Decimal, owed: Sequence[Owed], contract_id: int | None = None) -> Choice:
    """Stated reference (oldest due of that contract), else exact amount, else oldest due.

    `owed` are the open, undisputed receivables of one customer, legal entity and currency, oldest due first,
    those without a due date last: these are taken by reference or exact amount only.
    """
    if contract_id is not None:
        return Choice(Rule.REFERENCE, fill(amount, (one for one in owed if one.contract_id == contract_id)))
    if exact := next((one for one in owed if one.balance == amount), None):
        return Choice(Rule.EXACT, {exact.pk: amount})
    return Choice(Rule.OLDEST, fill(amount, (one for one in owed if one.due_date is not None)))


def fill(amount: Decimal, owed: Iterable[Owed]) -> dict[int, Decimal]:
    """The amount poured over the receivables in their order."""
    shares = {}
    for one in owed:
        if amount <= 0:
            break
        if one.balance > 0:
            shares[one.pk] = min(amount, one.balance)
            amount -= shares[one.pk]
    return shares


def subsets(amount: Decimal, owed: Sequence[One]) -> list[list[One]]:
    """Up to two sets of two or more receivables whose balances add up to `amount`; older ones are preferred.

    Looks at the 24 oldest and at 20,000 sums at most: more would be chance, not evidence.
    """
    items = [one for one in owed if 0 < one.balance < amount][:MOST_ITEMS]
    sums: dict[Decimal, tuple[int, ...]] = {Decimal(0): ()}
    found: list[list[One]] = []
    for index, one in enumerate(items):
        for total, members in list(sums.items()):
            grown = total + one.balance
            if grown == amount and members:
                found.append([items[member] for member in (*members, index)])
                if len(found) == 2:
                    return found
            elif grown < amount and len(sums) < MOST_SUMS:
                sums.setdefault(grown, (*members, index))
    return found
