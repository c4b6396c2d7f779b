"""Which tenant the database wall is open for.

The value is read by the database backend only; business code names its tenant
explicitly (`Model.objects.of(tenant)`, `.visible_to(member)`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_tenant_id: ContextVar[int | None] = ContextVar("tenant_id", default=None)


def current_tenant_id() -> int | None:
    return _tenant_id.get()


@contextmanager
def enter(tenant) -> Iterator[None]:
    """Open the wall for `tenant` (a Tenant or its id) until the block ends; blocks nest."""
    token = _tenant_id.set(getattr(tenant, "pk", tenant))
    try:
        yield
    finally:
        _tenant_id.reset(token)


@contextmanager
def leave() -> Iterator[None]:
    """Close the wall inside the block, for code that reads global tables only."""
    with enter(None):
        yield
