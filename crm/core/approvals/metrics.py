"""How long requests wait in each node (domain.md 6.8), and what waits for whom."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from crm.core.calendars import Period
from crm.core.people.models import Member
from crm.core.people.reach import may
from crm.core.tenancy.models import Tenant

from .models import ApprovalTask

# One run of a node lasts from its first opening to its last decision; runs that still wait have not ended. Times of
# all versions of the flow count, by the node's key.
WAITS = """
SELECT node, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY wait),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY wait)
FROM (
    SELECT t.node, max(t.decided_at) - min(t.opened_at) AS wait, max(t.decided_at) AS ended
    FROM approvals_approvaltask t
    JOIN approvals_instance i ON i.tenant_id = t.tenant_id AND i.id = t.instance_id
    WHERE t.tenant_id = %(tenant)s AND i.subject_type = %(subject)s
    GROUP BY t.instance_id, t.round, t."order", t.node
    HAVING count(*) FILTER (WHERE t.status IN ('waiting', 'open')) = 0 AND max(t.decided_at) IS NOT NULL
) runs
WHERE ended >= coalesce(%(start)s, ended) AND ended < coalesce(%(end)s, ended + interval '1 second')
GROUP BY node
"""


@dataclass(frozen=True)
class Wait:
    """Times that runs of a node lasted which were decided in the period."""

    count: int
    median: timedelta
    p90: timedelta

    @property
    def median_text(self) -> str:
        return in_words(self.median)

    @property
    def p90_text(self) -> str:
        return in_words(self.p90)


def in_words(time: timedelta) -> str:
    """A length of time as people say it, to two units; less than a minute is 0 minutes."""
    now = timezone.now()
    return timesince(now - time, now).replace("\xa0", " ")


def waits(tenant: Tenant, subject_type: str, period: Period) -> dict[str, Wait]:
    """Node key → its waiting times; `period` is one of the company's local dates. One query."""
    start, end = period.instants(tenant.zone) or (None, None)
    params: dict[str, Any] = {"tenant": tenant.pk, "subject": subject_type, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(WAITS, params)
        return {node: Wait(*row) for node, *row in cursor.fetchall()}


def to_decide(member: Member):
    """What waits for this member; the queue without approvers counts for administrators."""
    return ApprovalTask.objects.of(member.tenant_id).filter(inbox_q(member))


def inbox_q(member: Member) -> Q:
    """Open tasks that the member may settle: his own, a principal's, and those without anybody for administrators."""
    mine = Q(assignee=member) | Q(principal=member)
    if may(member, "approval.reassign"):
        mine |= Q(assignee=None)
    return Q(status=ApprovalTask.Status.OPEN) & mine


def undecided_tasks(member: Member) -> tuple[str, int]:
    """What a leaver must have passed on first, as `holdings` asks."""
    rows = ApprovalTask.objects.of(member.tenant_id).filter(assignee=member, status__in=["open", "waiting"])
    return _("approvals to decide"), rows.count()
