"""Questions the floor asks of the apps above it; each app answers from its `ready()`."""

from collections.abc import Callable

from crm.core.people.models import Member
from crm.core.tenancy.models import Tenant

# (label, count of live records the member owns)
_holdings: list[Callable[[Member], tuple[str, int]]] = []

# Called once with (tenant, system member) when a company is founded: default pools, pipelines, lists.
on_founding: list[Callable] = []

# Whether amounts are kept in the company's currency, so that it cannot change any more.
keep_money: list[Callable[[Tenant], bool]] = []


def register(count: Callable[[Member], tuple[str, int]]) -> None:
    _holdings.append(count)


def of(member: Member) -> list[tuple[str, int]]:
    """What the member still holds, as (label, count), without zeros."""
    return [(label, count) for label, count in (ask(member) for ask in _holdings) if count]
