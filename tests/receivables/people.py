"""More people of finance and legal, and how a request is decided by them."""

from crm.core.approvals import actions as approvals
from crm.core.approvals.models import ApprovalTask
from tests.conftest import join


def hire(cast, name: str, *roles: str):
    member = join(cast.admin, name, *roles)
    member.tenant = cast.tenant
    return member


def open_tasks(record) -> list[ApprovalTask]:
    """What somebody must decide about a record now."""
    instance = approvals.latest(record)
    rows = ApprovalTask.objects.of(record.tenant_id).filter(instance=instance, status="open")
    return list(rows.select_related("assignee").order_by("pk"))


def task_of(record, member) -> ApprovalTask:
    return next(task for task in open_tasks(record) if task.assignee_id == member.pk)


def approve(record, *members):
    """Each in turn says yes to what is asked of him."""
    for member in members:
        approvals.approve(task_of(record, member), by=member)
    record.refresh_from_db()
    return record
