"""Contracts that are ready for delivery, and a way to bring a batch where a test needs it."""

from datetime import timedelta
from decimal import Decimal as D

from contracts.actions import batches, handover

from .conftest import bring_into_force, line, make_contract


def ready(cast, firm, *, lines=None, kind="fixed", **values):
    """A contract in force that delivery (the presales engineer) has taken over: 10 pumps and 3 valves."""
    lines = lines or [line("Pump", "99.99", firm.v13, "10"), line("Valve", "33.33", firm.v13, "3")]
    contract = bring_into_force(cast, make_contract(cast, firm, lines=lines, kind=kind, **values))
    handover.offer(contract, by=cast.rep, to=cast.presales)
    return handover.accept(contract, by=cast.presales)


def quantities(of, *given) -> dict:
    """Line id → quantity, in the order of the lines of a contract or an order."""
    return {row.pk: D(str(value)) for row, value in zip(of.lines.order_by("pk"), given, strict=False)}


def planned(cast, order, *given, **values):
    values = {"planned_on": cast.tenant.today() + timedelta(days=3), **values}
    return batches.plan_batch(order, by=cast.presales, quantities=quantities(order, *given) or None, **values)


def brought(cast, batch, to: str):
    """The batch moved step by step to a state."""
    steps = ["planned", "shipped", "delivered", to]
    acts = {
        "shipped": lambda: batches.ship(batch, by=cast.presales),
        "delivered": lambda: batches.deliver(batch, by=cast.presales),
        "accepted": lambda: batches.accept(batch, by=cast.presales, accepted_by="Mr Li"),
        "rejected": lambda: batches.reject(batch, by=cast.presales, grounds="Rust"),
    }
    for step in steps[steps.index(batch.status) + 1 : steps.index(to) + 1]:
        acts[step]()
    return batch
