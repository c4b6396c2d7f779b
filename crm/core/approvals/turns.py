"""One decision's turn: the document, its request and the task, locked in this order, and who may take it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import Member

from . import course, subjects
from .approvers import Asking, asking
from .models import ApprovalTask, Instance

Status = ApprovalTask.Status


def content_hash(record) -> str:
    """SHA-256 of everything about the record that is approved (INV-C3)."""
    content = subjects.of(record).content(record)
    text = json.dumps(content, sort_keys=True, cls=DjangoJSONEncoder, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Turn:
    """A locked task, its request and its document (None if it is gone)."""

    task: ApprovalTask
    instance: Instance
    record: Any

    def decide(self, status: str, verb: str, *, by: Member, comment: str) -> None:
        records.move(self.task, status, by=by, verb=verb, reason=comment, comment=comment.strip(), decided_by=by,
                     decided_at=timezone.now())  # fmt: skip

    def finish(self, status: str, verb: str, *, by: Member, reason: str) -> None:
        course.finish(self.instance, self.record, status, by=by, verb=verb, reason=reason)

    @property
    def is_intact(self) -> bool:
        return self.record is not None and content_hash(self.record) == self.instance.subject_hash

    @property
    def asking(self) -> Asking:
        return asking(self.instance, self.record)


def take(task: ApprovalTask) -> Turn:
    record, instance = lock(task.instance)
    rows = ApprovalTask.objects.of(task.tenant_id).select_related("assignee", "principal")
    return Turn(rows.get(pk=task.pk), instance, record)


def lock(instance: Instance) -> tuple[Any, Instance]:
    model = subjects.of(instance.subject_type).model
    rows = records.lock_all(model, [instance.subject_id], instance.tenant_id)
    return (rows[0] if rows else None), records.lock(instance)


def require_pending(instance: Instance) -> None:
    if not instance.is_pending:
        raise Refused(
            _("This was decided already: %(status)s.") % {"status": instance.get_status_display()},
            code="ALREADY_DECIDED",
        )


def require_turn(turn: Turn, by: Member) -> None:
    require_pending(turn.instance)
    if by.pk not in turn.task.holder_ids:
        raise Refused(_("This decision is not with you (any more)."), code="NOT_YOURS")
    if turn.task.status == Status.WAITING:
        raise Refused(_("Somebody else decides first. You will be told when it is your turn."), code="NOT_YET")
    if turn.task.status != Status.OPEN:
        raise Refused(
            _("This was decided already: %(status)s.") % {"status": turn.task.get_status_display()},
            code="ALREADY_DECIDED",
        )


def require_impartial(turn: Turn, by: Member) -> None:
    """Nobody decides on his own request, also not as a deputy or after a transfer (INV-C4)."""
    if by.pk in turn.asking.out:
        raise Refused(_("You took part in this request yourself, so somebody else must decide."), code="SELF_APPROVAL")


def require_able(turn: Turn, to: Member) -> None:
    """`to` may decide here and is not asked in this step already."""
    if not turn.asking.admits(to):
        raise Refused(
            _("%(name)s cannot decide this: choose an active colleague who took no part in the request.")
            % {"name": to.name},
            code="CANNOT_DECIDE",
        )
    here = (each for each in course.undecided(turn.instance) if each.pk != turn.task.pk)
    if any(to.pk in each.holder_ids for each in here):
        raise Refused(_("%(name)s is asked in this step already.") % {"name": to.name}, code="ALREADY_ASKED")
