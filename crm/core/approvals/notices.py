"""Who is told what about requests, and in which words. Each notice opens the card: one more tap decides."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.events.models import Event
from crm.core.events.outbox import on
from crm.core.notifications.actions import notice, notify_many
from crm.core.notifications.texts import Text, kind
from crm.core.people.models import Member
from crm.core.people.roles import Role

from .models import ApprovalTask, Delegation, Instance


@on("approvaltask.opened", "approvaltask.transferred", "approvaltask.assigned")
def tell_asked(event: Event) -> None:
    """Whoever must decide; administrators when nobody was found."""
    task = _task(event)
    if task and task.status == ApprovalTask.Status.OPEN:
        _tell(_asked(task), "asked" if task.assignee else "stuck", task.instance, event)


@on("approvaltask.urged")
def tell_urged(event: Event) -> None:
    task = _task(event)
    if task and task.status == ApprovalTask.Status.OPEN:
        _tell(_asked(task), "urged", task.instance, event)


@on("approvaltask.returned")
def tell_returned(event: Event) -> None:
    """The submitter hears of a step back too; a return to himself is told as the end of the request."""
    task = _task(event)
    if task and task.instance.is_pending:
        _tell([task.instance.submitter], "stepped_back", task.instance, event)


@on("instance.approved", "instance.rejected", "instance.returned", "instance.voided")
def tell_decided(event: Event) -> None:
    """The submitter, and the document's owner when that is somebody else."""
    if instance := _instance(event):
        _tell([instance.submitter, instance.owner], event.kind.split(".")[1], instance, event)


@on("instance.copied")
def tell_copied(event: Event) -> None:
    if instance := _instance(event):
        readers = Member.objects.of(event.tenant_id).filter(pk=event.data.get("to"))
        _tell(readers, "copied", instance, event)


@on("delegation.created")
def tell_deputy(event: Event) -> None:
    rows = Delegation.objects.of(event.tenant_id).select_related("principal", "deputy")
    if delegation := rows.filter(pk=event.subject_id).first():
        days = {"start": delegation.start, "end": delegation.end}
        notify_many([
            notice(delegation.deputy, "approval.deputy", subject=delegation, dedupe_key=f"approval.deputy:{event.pk}",
                   name=delegation.principal.name, **days)
        ])  # fmt: skip


def _task(event: Event) -> ApprovalTask | None:
    rows = ApprovalTask.objects.of(event.tenant_id).filter(pk=event.subject_id)
    return rows.select_related("instance__submitter", "assignee", "principal").first()


def _instance(event: Event) -> Instance | None:
    rows = Instance.objects.of(event.tenant_id).filter(pk=event.subject_id)
    return rows.select_related("submitter", "owner").first()


def _asked(task: ApprovalTask) -> Iterable[Member]:
    if task.assignee is None:
        return Member.objects.of(task.tenant_id).filter(roles__contains=[Role.ADMIN], is_active=True)
    return [member for member in (task.assignee, task.principal) if member]


def _tell(people: Iterable[Member], name: str, instance: Instance, event: Event) -> None:
    """Each once, and not the one who did it."""
    heard = {member.pk: member for member in people if member.pk != event.actor_id or name == "asked"}
    said = {"title": instance.subject_label, "who": instance.submitter.name, "money": instance.summary.get("money", ""),
            "by": event.actor.name if event.actor else "", "comment": event.reason}  # fmt: skip
    key = f"approval.{name}:{event.pk}"
    notify_many(notice(each, f"approval.{name}", subject=instance, dedupe_key=key, **said) for each in heard.values())


def _card(notice) -> str:
    return reverse("approvals:detail", kwargs={"tenant": notice.tenant.slug, "pk": notice.subject_id})


def _why(notice) -> str:
    return notice.params.get("comment", "")


@kind("approval.asked")
def asked(notice) -> Text:
    return Text(_("%(who)s asks you to approve “%(title)s”") % notice.params, notice.params["money"], _card(notice))


@kind("approval.stuck")
def stuck(notice) -> Text:
    return Text(
        _("“%(title)s” has no approver") % notice.params, _("Choose who decides."), _card(notice)
    )  # fmt: skip


@kind("approval.urged")
def urged(notice) -> Text:
    return Text(_("%(by)s reminds you: “%(title)s” waits for you") % notice.params, notice.params["money"],
                _card(notice))  # fmt: skip


@kind("approval.stepped_back")
def stepped_back(notice) -> Text:
    return Text(_("%(by)s sent “%(title)s” back to an earlier step") % notice.params, _why(notice), _card(notice))


@kind("approval.approved")
def approved(notice) -> Text:
    return Text(_("“%(title)s” is approved") % notice.params, _why(notice), _card(notice))


@kind("approval.rejected")
def rejected(notice) -> Text:
    return Text(_("%(by)s rejected “%(title)s”") % notice.params, _why(notice), _card(notice))


@kind("approval.returned")
def returned(notice) -> Text:
    return Text(_("%(by)s returned “%(title)s” to you") % notice.params, _why(notice), _card(notice))


@kind("approval.voided")
def voided(notice) -> Text:
    return Text(
        _("The approval of “%(title)s” is void") % notice.params,
        _("The document was changed after it was submitted. Submit it again."),
        _card(notice),
    )


@kind("approval.copied")
def copied(notice) -> Text:
    return Text(_("%(who)s sends you a copy of “%(title)s”") % notice.params, notice.params["money"], _card(notice))


@kind("approval.deputy")
def deputy(notice) -> Text:
    said = notice.params
    return Text(_("You decide for %(name)s from %(start)s to %(end)s") % said, "",
                reverse("approvals:delegations", kwargs={"tenant": notice.tenant.slug}))  # fmt: skip
