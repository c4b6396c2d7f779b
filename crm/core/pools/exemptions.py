"""What keeps a record from going back (domain.md 6.2): its own columns, and what the apps above know.

A predicate speaks about a set: `protect("OPEN_DEAL", _("has an open deal"), lambda model: Q(…))`
is asked for each poolable model and answers with a Q, or None when it has nothing to say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db.models import Case, CharField, Q, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .models import Poolable


@dataclass(frozen=True)
class Exemption:
    """Why a clock stands still: a code for programs and a phrase that follows “because it …”."""

    code: str
    label: str | Promise


@dataclass(frozen=True)
class Protection(Exemption):
    predicate: Callable[[type[Poolable]], Q | None]


LOCKED = Exemption("LOCKED", _("is locked by a manager"))
PROTECTED = Exemption("PROTECTED", _("is protected until a date"))
RESTING = Exemption("RESTING", _("is being nurtured"))
NO_POOL = Exemption("NO_POOL", _("belongs to no open pool"))

# Open opportunities, effective contracts, running approvals: filled by the apps that hold them.
protections: list[Protection] = []
# Owners on approved leave, while it lasts: filled by whoever keeps the leave.
absences: list[Protection] = []


def protect(code: str, label, predicate: Callable[[type[Poolable]], Q | None]) -> None:
    """Register a protection; called from AppConfig.ready()."""
    protections.append(Protection(code, label, predicate))


def excuse(code: str, label, predicate: Callable[[type[Poolable]], Q | None]) -> None:
    """Register an absence of owners; while the predicate holds, the clock stands still."""
    absences.append(Protection(code, label, predicate))


def registered(model: type[Poolable]) -> list[tuple[Protection, Q]]:
    asked = ((protection, protection.predicate(model)) for protection in (*protections, *absences))
    return [(protection, q) for protection, q in asked if q is not None]


def exempt_q(model: type[Poolable], today: date) -> Q:
    """Records that do not go back on the local date `today`, whatever their clock says."""
    exempt = Q(locked=True) | Q(protected_until__gte=today)
    for _protection, q in registered(model):
        exempt |= q
    return exempt


def with_protection(queryset):
    """Annotates `protection`, the code of the first registered predicate that holds, or ""."""
    whens = [When(q, then=Value(protection.code)) for protection, q in registered(queryset.model)]
    return queryset.annotate(protection=Case(*whens, default=Value(""), output_field=CharField()))


def exemption_of(record: Poolable, today: date) -> Exemption | None:
    """Why this record does not go back today; asks the database only when `with_protection` did not."""
    if record.status not in record.CLOCKED:
        return RESTING
    if record.home_pool is None or not record.home_pool.is_active:
        return NO_POOL
    if record.locked:
        return LOCKED
    if record.protected_until and record.protected_until >= today:
        return PROTECTED
    return next((one for one in (*protections, *absences) if one.code == _protection(record)), None)


def _protection(record: Poolable) -> str:
    if not hasattr(record, "protection"):
        rows = with_protection(type(record).objects.of(record.tenant_id).filter(pk=record.pk))
        record.protection = rows.values_list("protection", flat=True).first() or ""
    return record.protection
