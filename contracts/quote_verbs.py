"""The verbs of a quote as its page offers them: who may, when, with which questions."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contracts.actions import quotes as actions
from contracts.models import Quote
from crm.core.people.models import Member
from crm.core.people.reach import may
from crm.core.web.forms import MemberForm

DRAFT, IN_APPROVAL, APPROVED, SENT, ACCEPTED, DECLINED, SUPERSEDED = Quote.Status.values


class VerbForm(MemberForm):
    """The answers that a verb asks for; `values` go to its action."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def expected(self) -> int | None:
        return self.cleaned_data["version"]

    @property
    def values(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}

    @classmethod
    def start(cls, quote: Quote) -> dict:
        return {"version": quote.version}


class SubmitForm(VerbForm):
    grounds = forms.CharField(
        label=_("Why should the customer get it?"), max_length=300, required=False,
        widget=forms.Textarea(attrs={"rows": 2}), help_text=_("Approvers read this beside the money it costs."),
    )  # fmt: skip

    @classmethod
    def start(cls, quote):
        return {**super().start(quote), "grounds": quote.discount_reason}


class AcceptForm(VerbForm):
    name = forms.CharField(label=_("Who accepted?"), max_length=100)

    @classmethod
    def start(cls, quote):
        return {**super().start(quote), "name": quote.contact.name if quote.contact else ""}


class DeclineForm(VerbForm):
    grounds = forms.CharField(label=_("Why?"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


def make_contract(quote: Quote, *, by: Member, expected: int | None = None):
    """A second click is not a conflict: it leads to the same contract."""
    return actions.to_contract(quote, by=by)


@dataclass(frozen=True)
class Verb:
    key: str
    label: str | Promise
    icon: str
    act: Callable
    form: type[VerbForm]
    states: tuple[str, ...]
    kind: str = ""
    explains: str | Promise = ""
    permission: str = "quote.update"

    def fits(self, quote: Quote, member: Member) -> bool:
        if self.key == "send" and quote.has_expired(member.tenant.today()):
            return False
        return quote.status in self.states and may(member, self.permission, quote)


VERBS = {
    verb.key: verb
    for verb in (
        Verb("submit", _("Submit for approval"), "check", actions.submit_quote, SubmitForm, (DRAFT,), "primary",
             _("Something here is below the floor, free, or not on our standard terms: people decide first.")),
        Verb("ready", _("Finish"), "check", actions.submit_quote, VerbForm, (DRAFT,), "primary",
             _("Everything is within the floors: the quote can be sent at once.")),
        Verb("send", _("Send"), "send", actions.send_quote, VerbForm, (APPROVED,), "primary",
             _("The quote gets a link for the customer. Copy it into your mail or chat.")),
        Verb("accept", _("Customer accepts"), "circle-check", actions.accept_quote, AcceptForm, (APPROVED, SENT), "",
             _("When the customer said so by phone or mail instead of the link.")),
        Verb("decline", _("Customer declines"), "thumb-down", actions.decline_quote, DeclineForm, (APPROVED, SENT)),
        Verb("to-contract", _("Make a contract"), "file-text", make_contract, VerbForm, (ACCEPTED,), "primary",
             _("Lines, terms, customer and deal go into a draft contract."), "contract.create"),
        Verb("new-version", _("New version"), "copy", actions.new_version, VerbForm, actions.REPLACEABLE, "",
             _("A draft with the same lines takes its place; the customer's link to this version ends.")),
        Verb("reopen", _("Edit again"), "arrow-back-up", actions.reopen_quote, VerbForm, (APPROVED,), "",
             _("The quote is a draft again. What was approved is approved anew.")),
    )
}  # fmt: skip


def offered(quote: Quote, member: Member) -> dict[str, Verb]:
    """The verbs that fit the quote now; a draft is submitted or finished, as its floors say."""
    other = "ready" if actions.needs_approval(quote) else "submit"
    return {key: verb for key, verb in VERBS.items() if key != other and verb.fits(quote, member)}
