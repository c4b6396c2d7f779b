"""How a request runs through its nodes: what opens next, and how it ends (domain.md 4.5)."""

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core import records

from . import levels, subjects
from .approvers import Seat, asking, seats
from .models import ApprovalTask, Instance
from .subjects import Facts

Status, Kind = ApprovalTask.Status, ApprovalTask.Kind
UNDECIDED = (Status.WAITING, Status.OPEN)


def nodes_of(instance: Instance) -> list[levels.Node]:
    """The nodes this request passes, by its own version of the flow; never none (INV-C7)."""
    found = levels.route(instance.flow.nodes, Facts.from_plain(instance.facts))
    return found or [{"key": "queue", "name": _("Approval"), "mode": "sequential", "assignee": {"kind": "queue"}}]


def enter(instance: Instance, record, *, by, order: int = 0, round: int = 1) -> None:
    """Ask the people of one node."""
    node = nodes_of(instance)[order]
    asked = seats(node, asking(instance, record))
    previous = None
    for seat in asked:
        waits_for = previous if node.get("mode") == "sequential" else None
        previous = _ask(instance, node, seat, by=by, order=order, round=round, waits_for=waits_for)


def _ask(instance, node, seat: Seat, *, by, waits_for, **place) -> ApprovalTask:
    return ask(
        instance, by=by, assignee=seat.assignee, principal=seat.principal, waits_for=waits_for,
        node=node["key"], node_name=str(node["name"]), mode=node.get("mode", "sequential"),
        kind=Kind.NORMAL if seat.assignee else Kind.ADMIN, **place,
    )  # fmt: skip


def ask(instance: Instance, *, by, waits_for=None, **values) -> ApprovalTask:
    """A new task, open unless it waits for another one."""
    opened = {"status": Status.WAITING} if waits_for else {"status": Status.OPEN, "opened_at": timezone.now()}
    return records.create(
        ApprovalTask, by=by, verb="queued" if waits_for else "opened",
        instance=instance, waits_for=waits_for, **opened, **values,
    )  # fmt: skip


def open_(task: ApprovalTask, *, by) -> None:
    records.move(task, Status.OPEN, by=by, verb="opened", opened_at=task.opened_at or timezone.now())


def advance(instance: Instance, record, task: ApprovalTask, *, by) -> None:
    """After an approval: open who waited for it, else close the node and enter the next, else approve the request."""
    following = [each for each in undecided(instance) if each.waits_for_id == task.pk]
    for each in following:
        open_(each, by=by)
    if following or (task.mode != "any" and undecided(instance)):
        return
    dismiss(instance, by=by)
    if task.order + 1 < len(nodes_of(instance)):
        enter(instance, record, by=by, order=task.order + 1, round=task.round)
    else:
        finish(instance, record, Instance.Status.APPROVED, by=by, verb="approved")


def undecided(instance: Instance) -> list[ApprovalTask]:
    rows = ApprovalTask.objects.of(instance.tenant_id).filter(instance=instance, status__in=UNDECIDED)
    return list(rows.order_by("pk"))


def dismiss(instance: Instance, *, by) -> None:
    """Nobody needs to answer any more."""
    for task in undecided(instance):
        records.move(task, Status.NO_RESPONSE, by=by, verb="dismissed")


def finish(instance: Instance, record, status: str, *, by, verb: str, reason: str = "") -> Instance:
    """End the request and tell its document, in this transaction; the document may refuse."""
    dismiss(instance, by=by)
    records.move(instance, status, by=by, verb=verb, reason=reason, decided_at=timezone.now())
    subject = subjects.of(instance.subject_type)
    if record is None:
        return instance
    if status == Instance.Status.APPROVED:
        subject.approved(record, by=by)
    else:
        subject.dropped(record, by=by, status=str(status))
    return instance
