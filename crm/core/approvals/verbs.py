"""The verbs as pages and API offer them: about a task or a request, when, and with which questions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import may

from . import actions, forms
from .models import ApprovalTask, Instance


@dataclass(frozen=True)
class Verb:
    key: str
    label: str | Promise
    act: Callable[..., Any]
    form: type[forms.AboutForm]
    icon: str
    explains: str | Promise = ""


TASK = {
    verb.key: verb
    for verb in (
        Verb("approve", _("Approve"), actions.approve, forms.ApproveForm, "check"),
        Verb("reject", _("Reject"), actions.reject, forms.RejectForm, "x",
             _("The request ends at once. The submitter can change it and ask again.")),
        Verb("return", _("Return"), actions.give_back, forms.ReturnForm, "arrow-back-up",
             _("The step you choose and all after it are decided again.")),
        Verb("transfer", _("Pass on"), actions.transfer, forms.TransferForm, "arrows-exchange",
             _("Somebody else decides instead of you.")),
        Verb("add", _("Add approver"), actions.add_approver, forms.AddForm, "user-plus",
             _("One more person decides in this step.")),
        Verb("assign", _("Choose who decides"), actions.assign, forms.TransferForm, "user-check",
             _("You choose who decides; the decision is theirs.")),
    )
}  # fmt: skip
INSTANCE = {
    verb.key: verb
    for verb in (
        Verb("withdraw", _("Withdraw"), actions.withdraw, forms.NothingForm, "arrow-back-up",
             _("The document becomes a draft again; nothing that was approved so far counts.")),
        Verb("urge", _("Remind"), actions.urge, forms.NothingForm, "bell"),
        Verb("copy", _("Send a copy"), actions.send_copy, forms.CopyForm, "send",
             _("A colleague is told and may read this request.")),
    )
}  # fmt: skip


def of_task(task: ApprovalTask, member: Member) -> list[Verb]:
    """What the member may do about an undecided task now."""
    if not task.instance.is_pending or task.status not in (ApprovalTask.Status.OPEN, ApprovalTask.Status.WAITING):
        return []
    keys = []
    if task.status == ApprovalTask.Status.OPEN and member.pk in task.holder_ids:
        keys = ["approve", "reject", "return", "transfer", "add"]
    elif may(member, "approval.reassign"):
        keys = ["assign"]
    return [TASK[key] for key in keys]


def of_instance(instance: Instance, member: Member) -> list[Verb]:
    keys = []
    if instance.is_pending and member.pk == instance.submitter_id:
        keys.append("withdraw")
    if instance.is_pending and member.pk in instance.holder_ids:
        keys.append("urge")
    return [INSTANCE[key] for key in [*keys, "copy"]]


def run(verb: Verb, about, *, by: Member, **values):
    """Do it. A refusal that voided the request comes back as a value, so that the void is kept."""
    try:
        return verb.act(about, by=by, **values)
    except Refused as refused:
        if refused.code != "CONTENT_CHANGED":
            raise
        return refused
