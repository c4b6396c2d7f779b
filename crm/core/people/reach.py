"""From a scope to rows: which records a member's permission covers."""

from django.db.models import Q

from crm.core.errors import Forbidden

from .roles import Reach, Scope, scope_of

NOTHING = Q(pk__in=[])


class _Everything(Q):
    """No narrowing at all. Django drops an empty Q from an OR, which would make of “all or some” only some."""

    def __or__(self, other):
        return self

    __ror__ = __or__


EVERYTHING = _Everything()


def owners_covered(member, action: str) -> set[int] | None:
    """Ids of the members whose records the permission covers; None means everybody's."""
    scope = scope_of(member, action)
    if scope is None:
        return set()
    if scope == Scope.ALL or (scope == Scope.REACH and member.reach == Reach.ALL):
        return None
    return {member.pk} if scope == Scope.OWN else member.reachable_ids


def reach_q(member, action: str, *paths: str) -> Q:
    """Rows of which one of `paths` (fields that name a member, default `owner`) is covered."""
    covered = owners_covered(member, action)
    if covered is None:
        return EVERYTHING
    if not covered:
        return NOTHING
    return Q(*((f"{path}__in", covered) for path in paths or ("owner",)), _connector=Q.OR)


def may(member, action: str, record=None) -> bool:
    """Whether the roles allow `action`, on `record` if one is given (by its `holder_ids`)."""
    covered = owners_covered(member, action)
    if record is None or covered is None:
        return covered is None or bool(covered)
    return bool(covered & record.holder_ids)


def require(member, action: str, record=None) -> None:
    """Raise Forbidden (403) unless `may`. The first line of every action."""
    if not may(member, action, record):
        raise Forbidden(action)
