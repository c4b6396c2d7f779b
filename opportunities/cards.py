"""What a card or a list line says about a deal besides its columns: its next activity, and whether it rots."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from crm.core.activities.models import Task
from crm.core.calendars import days_between, local_date
from crm.core.people.models import Member

from .models import Opportunity


@dataclass(frozen=True)
class Card:
    """`next` is overdue, today, planned or none; `rot` is soon or late beyond the stage's usual days.

    A deal that is not open has none of them.
    """

    deal: Opportunity
    days: int | None
    rot: str
    next: str
    next_at: datetime | None

    @property
    def is_late(self) -> bool:
        """Whether the expected close of an open deal has passed."""
        date = self.deal.close_date
        return self.deal.is_open and date is not None and date < timezone.localdate()

    @property
    def next_day(self) -> str:
        return timezone.localdate(self.next_at).isoformat() if self.next_at else ""


def with_next(deals: QuerySet[Opportunity]) -> QuerySet[Opportunity]:
    """Each deal with `next_at`, the time of the earliest open task about it."""
    tasks = Task._base_manager.filter(
        tenant_id=OuterRef("tenant_id"), subject_type=Opportunity._meta.label_lower, subject_id=OuterRef("pk"),
        status=Task.Status.OPEN,
    )  # fmt: skip
    return deals.annotate(next_at=Subquery(tasks.order_by("due_at").values("due_at")[:1]))


def card(deal: Opportunity, member: Member) -> Card:
    """The card of a deal read by `with_next`."""
    now, zone = timezone.now(), member.tenant.zone
    if not deal.is_open:
        return Card(deal, None, "", "", None)
    days = days_between(deal.stage_entered_at, now, zone)
    return Card(deal, days, _rot(days, deal.stage.reference_days), _next(deal.next_at, now, zone), deal.next_at)


def card_of(pk: int, member: Member) -> Card:
    rows = Opportunity.objects.of(member.tenant_id).select_related("account", "owner", "stage", "pipeline")
    return card(with_next(rows).get(pk=pk), member)


def _rot(days: int, usual: int | None) -> str:
    if not usual or days <= usual:
        return ""
    return "late" if days > 2 * usual else "soon"


def _next(due_at: datetime | None, now: datetime, zone) -> str:
    if due_at is None:
        return "none"
    if due_at < now:
        return "overdue"
    return "today" if local_date(due_at, zone) == local_date(now, zone) else "planned"
