"""What the pages offer to do with a lead: one row for each verb. The actions decide; this only offers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.reach import may
from crm.core.web.forms import MemberForm

from . import actions, forms
from .models import Lead

Status = Lead.Status


@dataclass(frozen=True)
class Act:
    """`run(lead, by=member, **cleaned_data)`; an act without fields is one press of a button."""

    name: str
    label: str | Promise
    icon: str
    run: Callable
    offered: Callable[[Lead, Member], bool]
    form: type[MemberForm] = forms.NothingForm
    help: str | Promise = ""
    primary: bool = False

    @property
    def url_name(self) -> str:
        return f"leads:{self.name}"

    @property
    def asks(self) -> bool:
        return self.form is not forms.NothingForm


def _in_pool(action: str, in_review: bool | None = None):
    def offered(lead: Lead, member: Member) -> bool:
        return lead.status == Status.POOLED and in_review in (None, lead.in_review) and may(member, action)

    return offered


def _held(action: str, *, own: bool | None = None):
    def offered(lead: Lead, member: Member) -> bool:
        is_own = lead.owner_id == member.pk
        return lead.status in Lead.OWNED and own in (None, is_own) and may(member, action, lead)

    return offered


def _towards(state: str, action: str):
    def offered(lead: Lead, member: Member) -> bool:
        return lead.status in Lead.OWNED and state in lead.MOVES[lead.status] and may(member, action, lead)

    return offered


ACTS = (
    Act("claim", _("Claim"), "hand-grab", actions.claim, _in_pool("lead.claim", in_review=False), primary=True),
    Act("approve", _("Back to the pool"), "check", actions.approve_return, _in_pool("lead.assign", in_review=True),
        primary=True),
    Act("assign", _("Assign"), "user-plus", actions.assign, _in_pool("lead.assign"), forms.HandForm),
    Act("move", _("Move to another pool"), "arrows-exchange", actions.move_to_pool, _in_pool("lead.assign"),
        forms.MoveForm),
    Act("qualify", _("Qualify"), "circle-check", actions.qualify, _towards(Status.QUALIFIED, "lead.update")),
    Act("resume", _("Resume"), "player-play", actions.resume,
        lambda lead, member: lead.status in (Status.NURTURING, Status.QUALIFIED) and may(member, "lead.update", lead)),
    Act("nurture", _("Nurture"), "player-pause", actions.nurture, _towards(Status.NURTURING, "lead.update"),
        forms.NoteForm, _("For a lead that is not ready yet. Its clock rests until you resume it.")),
    Act("return", _("Return to the pool"), "arrow-back-up", actions.return_to_pool, _held("lead.return", own=True),
        forms.ReasonForm, _("Others may claim it then; you may again after the cool-off.")),
    Act("reclaim", _("Take back into the pool"), "arrow-back-up", actions.reclaim, _held("lead.assign", own=False),
        forms.ReasonForm),
    Act("transfer", _("Transfer"), "arrows-exchange", actions.transfer, _held("lead.transfer"), forms.HandForm),
    Act("protect", _("Protect"), "lock", actions.protect, _held("lead.protect"), forms.ProtectForm,
        _("A protected lead does not go back by the clock. Leave both empty to end the protection.")),
    Act("disqualify", _("Disqualify"), "ban", actions.disqualify,
        lambda lead, member: Status.DISQUALIFIED in lead.MOVES[lead.status] and may(member, "lead.disqualify", lead),
        forms.ReasonForm),
    Act("revive", _("Revive"), "recycle", actions.revive,
        lambda lead, member: lead.status == Status.DISQUALIFIED and may(member, "lead.revive", lead)),
)  # fmt: skip
BY_NAME = {act.name: act for act in ACTS}


def offered(lead: Lead, member: Member) -> Iterator[Act]:
    return (act for act in ACTS if act.offered(lead, member))


def may_convert(lead: Lead, member: Member) -> bool:
    return Status.CONVERTED in lead.MOVES[lead.status] and may(member, "lead.convert", lead)


def may_edit(lead: Lead, member: Member) -> bool:
    return may(member, "lead.update", lead) and not lead.hides_contact_from(member)
