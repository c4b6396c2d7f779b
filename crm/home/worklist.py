"""What a member has to do today, over all apps: each list starts from the app's own visible rows."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F
from django.db.models.functions import Greatest
from django.db.models.lookups import LessThan
from django.utils import timezone

from crm.core.activities import subjects
from crm.core.activities.models import Task
from crm.core.calendars import day_start
from crm.core.identity.search import page_of
from crm.core.people.models import Member
from crm.core.people.reach import may
from crm.core.people.roles import Role
from crm.core.pools import clock
from crm.core.pools.exemptions import with_protection
from crm.core.records import Record
from leads.models import Lead
from opportunities.models import Opportunity
from receivables import due
from receivables.models import Receivable

SHOWN = 8
# Of the leads with the oldest follow-up, those that go back soonest are among the first.
CANDIDATES = 60


@dataclass(frozen=True)
class Due:
    """A task, the record it is about if the member may see it, and the page of that record."""

    task: Task
    about: Record | None
    url: str


@dataclass(frozen=True)
class Returning:
    """A lead of mine and the moment at which it goes back to its pool."""

    lead: Lead
    clock: clock.Clock


def tasks_due(member: Member, today: date) -> list[Due]:
    """The member's own open tasks that are overdue or due on the company's today, oldest first."""
    tomorrow = day_start(date.fromordinal(today.toordinal() + 1), member.tenant.zone)
    mine = Task.objects.visible_to(member).filter(owner=member, status=Task.Status.OPEN)
    now = timezone.now()
    due = mine.filter(due_at__lt=tomorrow).annotate(is_overdue=LessThan(F("due_at"), now))
    tasks = list(due.order_by("due_at", "pk")[:SHOWN])
    about = _subjects(tasks, member)
    return [Due(task, found := about.get(_key(task)), page_of(found, member) if found else "") for task in tasks]


def _key(task: Task) -> tuple[str, int | None]:
    return task.subject_type, task.subject_id


def _subjects(tasks: list[Task], member: Member) -> dict[tuple[str, int | None], Record]:
    """The records that tasks are about, as far as the member may see them; one query for each kind."""
    found = {}
    for kind in {task.subject_type for task in tasks if task.subject_type}:
        if model := subjects.models().get(kind):
            ids = {task.subject_id for task in tasks if task.subject_type == kind}
            found |= {(kind, row.pk): row for row in model.objects.visible_to(member).filter(pk__in=ids)}
    return found


def leads_going_back(member: Member, now: datetime | None = None) -> list[Returning]:
    """The member's own leads that the clock takes back, soonest first (domain.md 6.2)."""
    if not may(member, "lead.read"):
        return []
    now = now or timezone.now()
    mine = Lead.objects.visible_to(member).filter(owner=member, status__in=Lead.CLOCKED).select_related("home_pool")
    oldest = with_protection(mine).order_by(Greatest("owned_at", "last_followup_at"), "pk")[:CANDIDATES]
    read = [Returning(lead, clock.read(_at_home(lead, member), now)) for lead in oldest]
    return sorted((row for row in read if row.clock.returns_at), key=lambda row: row.clock.returns_at)[:SHOWN]


def _at_home(lead: Lead, member: Member) -> Lead:
    """Its pool's zone may be the company's, which is known already."""
    if lead.home_pool:
        lead.home_pool.tenant = member.tenant
    return lead


def closing_this_month(member: Member, today: date) -> list[Opportunity]:
    """The member's own open opportunities whose expected close is in this month or past, soonest first."""
    if not may(member, "opportunity.read"):
        return []
    first_of_next = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    mine = Opportunity.objects.visible_to(member).filter(owner=member, status=Opportunity.Status.OPEN)
    rows = mine.filter(close_date__lt=first_of_next).select_related("account", "stage")
    return list(rows.order_by("close_date", "pk")[:SHOWN])


def overdue(member: Member) -> list[Receivable]:
    """The member's own receivables that are overdue, oldest first."""
    return _own(member, due.overdue)


def due_this_week(member: Member) -> list[Receivable]:
    """The member's own receivables that fall due this week."""
    return _own(member, due.due_this_week)


def _own(member: Member, listed) -> list[Receivable]:
    """Through the list that manager and finance see, so that all of them see the same."""
    if not (may(member, "receivable.read") and member.has_role(Role.REP, Role.MANAGER)):
        return []
    return listed(member, owner=str(member.pk)).first(SHOWN)
