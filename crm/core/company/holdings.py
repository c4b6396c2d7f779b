"""Questions the floor asks of the apps above it; each app answers from its `ready()`."""

from collections.abc import Callable

from crm.core.people.models import Member

# (label, count of live records the member owns)
_holdings: list[Callable[[Member], tuple[str, int]]] = []

# Called once with (tenant, system member) when a company is founded: default pools, pipelines, lists.
on_founding: list[Callable] = []


def register(count: Callable[[Member], tuple[str, int]]) -> None:
    _holdings.append(count)


def of(member: Member) -> list[tuple[str, int]]:
    """What the member still holds, as (label, count), without zeros."""
    return [(label, count) for label, count in (ask(member) for ask in _holdings) if count]
