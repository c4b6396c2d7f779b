"""What became of the demo company's won deals, as plain data: how they are paid for, and how their customers pay."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from .story import Story

# Of so many won deals the contract is kept here; the others' papers lie in the old cabinet.
SHARE_SIGNED = 0.5
# Days after the due date, by how often customers pay so; None: not at all until somebody calls.
HABITS = [-3, 0, 0, 1, 2, 3, 5, 8, 12, 20, 35, 55, None]
PLANS = ["staged", "staged", "staged", "halves", "net"]
TERM_DAYS = 365


@dataclass
class Sale:
    """A won deal: signed when it was won, collected by `plan`, paid `delay` days late."""

    deal: int
    signed: datetime
    plan: str
    delay: int | None
    in_parts: bool
    other_payer: bool
    names_contract: bool
    delivered_after: int


@dataclass
class Sales:
    signed: list[Sale] = field(default_factory=list)
    # Open deals that have a quote, or a contract that waits for approval.
    quoted: list[int] = field(default_factory=list)
    contracted: list[int] = field(default_factory=list)


def tell_sales(story: Story, seed: int = 11) -> Sales:
    """The same for the same story."""
    rng = Random(f"{seed}-{story.today.isoformat()}")
    habits = {number: rng.choice(HABITS) for number in range(len(story.customers))}
    sales = Sales()
    for number, deal in enumerate(story.deals):
        if deal.fate == "won" and rng.random() < SHARE_SIGNED:
            sales.signed.append(_sale(rng, number, deal, habits[deal.customer]))
        elif deal.fate == "open" and deal.steps and deal.steps[-1][0] in ("quote", "contract"):
            (sales.quoted if deal.steps[-1][0] == "quote" else sales.contracted).append(number)
    sales.signed.sort(key=lambda sale: sale.signed)
    return sales


def _sale(rng: Random, number: int, deal, delay: int | None) -> Sale:
    service = "服务" in deal.name or "保养" in deal.name
    return Sale(
        deal=number, signed=deal.ended_at, plan="quarters" if service else rng.choice(PLANS), delay=delay,
        in_parts=rng.random() < 0.12, other_payer=rng.random() < 0.05, names_contract=rng.random() < 0.5,
        delivered_after=rng.randrange(20, 60),
    )  # fmt: skip


def later(moment: datetime, days: int) -> datetime:
    return moment + timedelta(days=days)
