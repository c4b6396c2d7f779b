"""What people do about requests for approval (domain.md 4.5). Each verb checks who, then the rule, then writes.

The document's row is locked before its request, as the document's own actions do, so that two never wait for each
other. A decision counts only for the content that was submitted (INV-C3): a changed document voids the request.
"""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import require

from . import course, flows, subjects
from .approvers import Asking
from .models import ApprovalTask, Copy, Instance, asked_q
from .turns import Turn, content_hash, lock, require_able, require_impartial, require_pending, require_turn, take

Status, Kind = ApprovalTask.Status, ApprovalTask.Kind
URGE_EVERY = timedelta(hours=1)
WHERE = {"before": Kind.BEFORE, "after": Kind.AFTER, "parallel": Kind.PARALLEL}


def pending(record) -> Instance | None:
    """The request that is being decided about a record."""
    return _requests(record).filter(status=Instance.Status.PENDING).first()


def latest(record) -> Instance | None:
    """The last request about a record, whatever became of it."""
    return _requests(record).first()


def _requests(record):
    kind = record._meta.label_lower
    return Instance.objects.of(record.tenant_id).filter(subject_type=kind, subject_id=record.pk).order_by("-pk")


@transaction.atomic
def submit(record, *, by: Member, grounds: str = "") -> Instance:
    """Ask for approval of the record as it stands in the database; call it after moving the record to in_approval."""
    require(by, "approval.act")
    record = records.lock(record)
    if pending(record):
        raise Refused(_("This is waiting for approval already."), code="ALREADY_IN_APPROVAL")
    instance = _create(record, by, grounds)
    for member in flows.cc_members(instance.flow):
        _copy(instance, member, by=by)
    course.enter(instance, record, by=by)
    return instance


def _create(record, by: Member, grounds: str) -> Instance:
    subject = subjects.of(record)
    facts, card = subject.facts(record), subject.card(record)
    return records.create(
        Instance, by=by, verb="submitted", flow=flows.current(by.tenant, subject.type), subject_type=subject.type,
        subject_id=record.pk, subject_hash=content_hash(record), subject_label=str(card.title)[:200], submitter=by,
        owner=getattr(record, "owner", None) or by, amount=facts.amount, facts=facts.plain(), summary=card.plain(),
        grounds=grounds or str(card.reason),
    )  # fmt: skip


@transaction.atomic
def withdraw(instance: Instance, *, by: Member) -> Instance:
    """Take the request back while it is not decided; only the one who sent it may."""
    require(by, "approval.act")
    record, instance = lock(instance)
    if by.pk != instance.submitter_id and not by.is_system:
        raise Refused(_("Only the person who sent this for approval can take it back."), code="NOT_YOURS")
    if instance.status == Instance.Status.WITHDRAWN:
        return instance
    require_pending(instance)
    return course.finish(instance, record, Instance.Status.WITHDRAWN, by=by, verb="withdrawn")


def approve(task: ApprovalTask, *, by: Member, comment: str = "") -> ApprovalTask:
    """Say yes; the last yes approves the document in the same transaction."""

    def act(turn: Turn) -> None:
        turn.decide(Status.APPROVED, "approved", by=by, comment=comment)
        course.advance(turn.instance, turn.record, turn.task, by=by)

    return _decide(task, by, Status.APPROVED, act)


def reject(task: ApprovalTask, *, by: Member, comment: str) -> ApprovalTask:
    """Say no: the request ends at once, whoever else was asked."""
    comment = _said(comment)

    def act(turn: Turn) -> None:
        turn.decide(Status.REJECTED, "rejected", by=by, comment=comment)
        turn.finish(Instance.Status.REJECTED, "rejected", by=by, reason=comment)

    return _decide(task, by, Status.REJECTED, act)


def give_back(task: ApprovalTask, *, by: Member, comment: str, to_node: str | None = None) -> ApprovalTask:
    """Return to the submitter, or to the earlier node `to_node`: it and all after it run again (WC-25)."""
    comment = _said(comment)

    def act(turn: Turn) -> None:
        order = _earlier(turn, to_node) if to_node else None
        turn.decide(Status.RETURNED, "returned", by=by, comment=comment)
        if order is None:
            turn.finish(Instance.Status.RETURNED, "returned", by=by, reason=comment)
        else:
            course.dismiss(turn.instance, by=by)
            course.enter(turn.instance, turn.record, by=by, order=order, round=turn.task.round + 1)

    return _decide(task, by, Status.RETURNED, act)


def _said(comment: str) -> str:
    if not (comment or "").strip():
        raise ValidationError({"comment": _("Say why, so that the submitter knows what to change.")})
    return comment.strip()


def _earlier(turn: Turn, to_node: str) -> int:
    keys = [node["key"] for node in course.nodes_of(turn.instance)][: turn.task.order]
    if to_node not in keys:
        raise ValidationError({"to_node": _("Choose a step before this one.")})
    return keys.index(to_node)


def _decide(task: ApprovalTask, by: Member, status: str, act) -> ApprovalTask:
    """Run a decision under locks. The same decision again changes nothing; a changed document voids the request,
    which stays voided although the decision is refused.
    """
    require(by, "approval.act")
    with transaction.atomic():
        turn = take(task)
        if turn.task.status == status and by.pk == turn.task.decided_by_id:
            return turn.task
        require_turn(turn, by)
        intact = turn.is_intact
        if intact:
            require_impartial(turn, by)
            act(turn)
        else:
            _void(turn, by)
    if not intact:
        raise Refused(
            _("The document was changed after it was submitted, so nothing was decided. It must be submitted again."),
            code="CONTENT_CHANGED",
        )
    return turn.task


def _void(turn: Turn, by: Member) -> None:
    """End a request whose document changed; the document becomes editable again if it still waits."""
    course.dismiss(turn.instance, by=by)
    records.move(turn.instance, Instance.Status.VOID, by=by, verb="voided", decided_at=timezone.now())
    if turn.record is None:
        return
    try:
        with transaction.atomic():
            subjects.of(turn.record).dropped(turn.record, by=by, status=str(Instance.Status.RETURNED))
    except (Refused, ValidationError):
        return  # it has left its approval by another way


@transaction.atomic
def transfer(task: ApprovalTask, *, by: Member, to: Member) -> ApprovalTask:
    """转交: somebody else decides instead; who had the task is kept."""
    require(by, "approval.act")
    turn = take(task)
    if turn.task.assignee_id == to.pk and by.pk in (turn.task.original_assignee_id, to.pk):
        return turn.task
    require_turn(turn, by)
    return _hand_to(turn, to, by=by, verb="transferred", original=turn.task.original_assignee or by)


@transaction.atomic
def assign(task: ApprovalTask, *, by: Member, to: Member) -> ApprovalTask:
    """An administrator chooses who decides a task that is stuck; never himself (INV-C7)."""
    require(by, "approval.reassign")
    turn = take(task)
    require_pending(turn.instance)
    if turn.task.status not in course.UNDECIDED:
        raise Refused(_("This step is decided already."), code="ALREADY_DECIDED")
    if to.pk == by.pk:
        raise Refused(
            _("Choose somebody else: an administrator decides only where the flow names him."), code="NAMED_ONLY"
        )
    return _hand_to(turn, to, by=by, verb="assigned", original=turn.task.original_assignee or turn.task.assignee)


def _hand_to(turn: Turn, to: Member, *, by: Member, verb: str, original: Member | None) -> ApprovalTask:
    require_able(turn, to)
    return records.update(
        turn.task, by=by, verb=verb, assignee=to, principal=None, original_assignee=original,
        data={"to": to.pk, "to_name": to.name},
    )  # fmt: skip


@transaction.atomic
def add_approver(task: ApprovalTask, *, by: Member, member: Member, where: str) -> ApprovalTask:
    """加签: one more decides `before` this task, `after` it, or in `parallel`; returns the new task.

    Beside others the node's own mode counts: in an “any” node the first decision wins.
    """
    require(by, "approval.act")
    if where not in WHERE:
        raise ValidationError({"where": _("Choose before, after or parallel.")})
    turn = take(task)
    require_turn(turn, by)
    if member.pk in turn.task.holder_ids:
        raise Refused(_("%(name)s is asked in this step already.") % {"name": member.name}, code="ALREADY_ASKED")
    require_able(turn, member)
    return _PLACES[where](turn, member, by)


def _before(turn: Turn, member: Member, by: Member) -> ApprovalTask:
    added = _add(turn, member, by, Kind.BEFORE)
    records.move(turn.task, Status.WAITING, by=by, verb="deferred", waits_for=added)
    return added


def _after(turn: Turn, member: Member, by: Member) -> ApprovalTask:
    followers = [each for each in course.undecided(turn.instance) if each.waits_for_id == turn.task.pk]
    added = _add(turn, member, by, Kind.AFTER, waits_for=turn.task)
    for each in followers:
        records.update(each, by=by, verb="deferred", waits_for=added)
    return added


def _beside(turn: Turn, member: Member, by: Member) -> ApprovalTask:
    return _add(turn, member, by, Kind.PARALLEL)


_PLACES = {"before": _before, "after": _after, "parallel": _beside}


def _add(turn: Turn, member: Member, by: Member, kind: str, waits_for=None) -> ApprovalTask:
    task = turn.task
    return course.ask(
        turn.instance, by=by, assignee=member, kind=kind, waits_for=waits_for, node=task.node,
        node_name=task.node_name, mode=task.mode, order=task.order, round=task.round,
    )  # fmt: skip


@transaction.atomic
def urge(instance: Instance, *, by: Member) -> Instance:
    """催办: remind those who must decide now, each at most once an hour."""
    require(by, "approval.act")
    instance = records.lock(instance)
    if by.pk not in instance.holder_ids:
        raise Refused(_("Only the person who sent this for approval can remind."), code="NOT_YOURS")
    require_pending(instance)
    now = timezone.now()
    open_tasks = [task for task in course.undecided(instance) if task.status == Status.OPEN]
    due = [task for task in open_tasks if task.urged_at is None or task.urged_at <= now - URGE_EVERY]
    if not due:
        raise Refused(_("They were reminded within the last hour. Wait a little."), code="URGED_RECENTLY")
    for task in due:
        records.update(task, by=by, verb="urged", urged_at=now)
    return instance


@transaction.atomic
def send_copy(instance: Instance, *, by: Member, to: Member) -> Instance:
    """抄送: tell a colleague, who may read the request from now on."""
    require(by, "approval.act")
    if by.pk not in instance.holder_ids and not _was_asked(instance, by):
        raise Refused(_("Only people who take part in this request can send a copy of it."), code="NOT_YOURS")
    if not Asking(instance.submitter).admits(to):
        raise Refused(_("Choose an active colleague."), code="CANNOT_READ")
    _copy(instance, to, by=by)
    return instance


def _was_asked(instance: Instance, member: Member) -> bool:
    return ApprovalTask.objects.of(instance.tenant_id).filter(asked_q(member), instance=instance).exists()


def _copy(instance: Instance, member: Member, *, by: Member) -> None:
    records.link(Copy, about=instance, by=by, verb="copied", data={"to": member.pk}, instance=instance, member=member)
