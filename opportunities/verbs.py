"""The verbs of a deal as its pages and its API offer them: who may, when, with which questions."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.reach import may

from . import actions, forms
from .models import Opportunity

OPEN, WON, LOST, SUSPENDED = Opportunity.Status.values


@dataclass(frozen=True)
class Verb:
    key: str
    label: str | Promise
    act: Callable
    form: type[forms.VerbForm]
    permission: str
    states: tuple[str, ...]
    kind: str = ""
    explains: str | Promise = ""

    def permission_for(self, deal: Opportunity) -> str:
        """A won deal is reopened by another role than a lost one (domain.md 4.4)."""
        return "opportunity.reopen_won" if self.key == "reopen" and deal.status == WON else self.permission

    def fits(self, deal: Opportunity, member: Member) -> bool:
        """Whether the deal's state and the member's roles allow it."""
        if self.key == "clear-override" and deal.probability_override is None:
            return False
        if self.key == "move-back" and not (deal.pipeline.is_strict and deal.stage.order > 1):
            return False
        return deal.status in self.states and may(member, self.permission_for(deal), deal)


def move(deal: Opportunity, *, stage: str, **values) -> Opportunity:
    """Move by the key of a stage, which is the same in every version of a pipeline."""
    return actions.move_stage(deal, actions.stage_of(deal, stage), **values)


VERBS = {
    verb.key: verb
    for verb in (
        Verb("win", _("Win"), actions.win, forms.WinForm, "opportunity.close", (OPEN,), "primary",
             _("The deal counts as won today, with this amount.")),
        Verb("lose", _("Lose"), actions.lose, forms.LoseForm, "opportunity.close", (OPEN,), "",
             _("The deal leaves the funnel. Your manager can reopen it.")),
        Verb("suspend", _("Suspend"), actions.suspend, forms.ReasonForm, "opportunity.close", (OPEN,), "",
             _("The deal leaves the funnel until you resume it.")),
        Verb("resume", _("Resume"), actions.resume, forms.VerbForm, "opportunity.close", (SUSPENDED,), "primary",
             _("The deal returns to the funnel in the stage where it stood.")),
        Verb("reopen", _("Reopen"), actions.reopen, forms.ReasonForm, "opportunity.reopen", (WON, LOST), "",
             _("The deal is open again in its last stage, and counted as reopened.")),
        Verb("move-back", _("Move back"), move, forms.BackForm, "opportunity.move", (OPEN,), "",
             _("This pipeline goes step by step: say why the deal goes back.")),
        Verb("override-probability", _("Own estimate"), actions.override_probability, forms.OverrideForm,
             "opportunity.override", (OPEN,)),
        Verb("clear-override", _("Back to the stage's probability"), actions.clear_override, forms.VerbForm,
             "opportunity.override", (OPEN,)),
        Verb("transfer", _("Transfer"), actions.transfer, forms.TransferForm, "opportunity.transfer",
             (OPEN, SUSPENDED, WON, LOST), "", _("The new owner sees the deal and everything logged about it.")),
    )
}  # fmt: skip


def offered(deal: Opportunity, member: Member) -> dict[str, Verb]:
    """The verbs that fit the deal now."""
    return {key: verb for key, verb in VERBS.items() if verb.fits(deal, member)}
