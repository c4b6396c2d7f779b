"""What people do about records: log what happened, plan what will, keep files."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.records import Record

from . import followups, storage, subjects
from .models import Activity, ActivityLink, Attachment, AttachmentLink, Task

MANUAL, FROM_ACTIVITY = "manual", "activity"


@transaction.atomic
def log(about: Iterable[Record], *, by: Member, type: str, note: str = "", occurred_at: datetime | None = None,
        next_step: str = "", next_at: datetime | None = None, files=(), at: datetime | None = None,
        **values) -> Activity:  # fmt: skip
    """Note what happened with the records `about`, and with the customers they belong to.

    `values` are further columns of Activity: outcome, place, latitude, longitude, accuracy_m, device_time,
    duration_min. `at` is a true date of the past (imports and demo data). A follow-up tells its records
    in this transaction (`record.followed_up(activity)`); `next_at` makes a task of `next_step`.
    """
    require(by, "activity.create")
    about = _with_accounts(about, by)
    activity = Activity(
        tenant_id=by.tenant_id, actor=by, type=type, note=note.strip(), occurred_at=occurred_at or at or timezone.now(),
        next_step=next_step, next_at=next_at, **values,
    )  # fmt: skip
    followed = [subject for subject in about if followups.counts(activity, subject)]
    activity.counts_as_followup = bool(followed)
    _check(activity)
    records.append([activity])
    _link(ActivityLink, [activity.pk], about, "activity_id")
    records.note(about[0], by=by, verb="activity_logged", data={"activity": activity.pk}, at=at)
    for upload in files:
        _keep(upload, [*about, activity], by)
    for subject in sorted(followed, key=lambda subject: (subjects.label(subject), subject.pk)):
        if hasattr(subject, "followed_up"):
            subject.followed_up(activity)
    if next_at:
        title = next_step or gettext("Follow up on %(name)s") % {"name": about[0]}
        add_task(about[0], by=by, title=title[:200], due_at=next_at, source=FROM_ACTIVITY)
    return activity


def _with_accounts(about: Iterable[Record], by: Member) -> list[Record]:
    """The records, each visible to `by`, followed by the accounts of those that have one."""
    given = list(about)
    if not given:
        raise ValidationError({"subjects": _("Say which record this is about.")})
    for subject in given:
        subjects.require_visible(subject, by)
    accounts = (getattr(subject, "account", None) for subject in given)
    return list({(subjects.label(one), one.pk): one for one in (*given, *accounts) if one is not None}.values())


def _check(activity: Activity) -> None:
    if activity.occurred_at > activity.recorded_at:
        raise ValidationError({"occurred_at": _("This time is in the future. Log what has happened already.")})
    if activity.next_at and activity.next_at <= activity.occurred_at:
        raise ValidationError({"next_at": _("The next step must be later than this activity.")})
    activity.clean_fields(exclude=["tenant", "actor"])


def _link(model, ids: Iterable[int], about: Iterable, column: str) -> None:
    """Tie rows to records; ties that exist already stay."""
    rows = [
        model(tenant_id=subject.tenant_id, subject_type=subjects.label(subject), subject_id=subject.pk, **{column: pk})
        for subject in about
        for pk in ids
    ]
    model._base_manager.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


@transaction.atomic
def carry(source: Record, targets: Iterable[Record], *, by: Member) -> None:
    """Show the activities and files of `source` on the targets too; its open tasks move to the first target."""
    targets = list(targets)
    for model, column in ((ActivityLink, "activity_id"), (AttachmentLink, "attachment_id")):
        links = model.objects.of(source.tenant_id).filter(subjects.of(source))
        _link(model, links.values_list(column, flat=True), targets, column)
    tasks = Task.objects.of(source.tenant_id).filter(subjects.of(source), status=Task.Status.OPEN)
    records.bulk_change(
        tasks, by=by, verb="carried", batch=uuid.uuid4(),
        subject_type=subjects.label(targets[0]), subject_id=targets[0].pk,
    )  # fmt: skip


@transaction.atomic
def attach(about: Iterable[Record], upload, *, by: Member) -> Attachment:
    """Keep a checked copy of `upload` with the records; ValidationError when it may not be kept (A5)."""
    require(by, "file.add")
    about = _with_accounts(about, by)
    attachment = _keep(upload, about, by)
    data = {"attachment": attachment.pk, "name": attachment.name}
    records.note(about[0], by=by, verb="file_added", data=data)
    return attachment


def _keep(upload, about: list, by: Member) -> Attachment:
    attachment = records.create(Attachment, by=by, **storage.store(upload, by.tenant_id))
    _link(AttachmentLink, [attachment.pk], about, "attachment_id")
    return attachment


def add_task(subject: Record | None, *, by: Member, title: str, due_at: datetime, owner: Member | None = None,
             source: str = MANUAL) -> Task:  # fmt: skip
    """Plan something for `owner` (default `by`), about a record or none."""
    owner = owner or by
    require(by, "task.create", owner)
    if not owner.is_active:
        raise ValidationError({"owner": _("%(name)s has left. Choose somebody else.") % {"name": owner}})
    values = {"subject_type": subjects.label(subject), "subject_id": subject.pk} if subject else {}
    if subject:
        subjects.require_visible(subject, by)
    return records.create(Task, by=by, owner=owner, title=title, due_at=due_at, source=source, **values)


def update_task(task: Task, *, by: Member, expected: int | None = None, **values) -> Task:
    require(by, "task.create", task)
    if owner := values.get("owner"):
        require(by, "task.create", owner)
    return records.update(task, by=by, expected=expected, **values)


def reschedule_task(task: Task, *, by: Member, due_at: datetime, expected: int | None = None) -> Task:
    require(by, "task.create", task)
    return records.update(task, by=by, verb="rescheduled", expected=expected, due_at=due_at)


def complete_task(task: Task, *, by: Member) -> Task:
    require(by, "task.create", task)
    return records.move(task, Task.Status.DONE, by=by, verb="done", done_at=timezone.now())


def drop_task(task: Task, *, by: Member, reason: str = "") -> Task:
    require(by, "task.create", task)
    return records.move(task, Task.Status.DROPPED, by=by, verb="dropped", reason=reason)


def reopen_task(task: Task, *, by: Member) -> Task:
    require(by, "task.create", task)
    return records.move(task, Task.Status.OPEN, by=by, verb="reopened", done_at=None)
