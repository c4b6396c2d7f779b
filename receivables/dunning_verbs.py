"""What can be noted on a receivable about its reminders, as pages and API offer it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.reach import may

from . import dunning_forms as forms
from .actions import disputes, promises
from .models import Receivable


@dataclass(frozen=True)
class Verb:
    key: str
    label: str | Promise
    act: Callable
    form: type
    fits: Callable[[Receivable], bool]
    explains: str | Promise = ""


VERBS = {
    verb.key: verb
    for verb in (
        Verb("promise", _("Note a promise"), promises.promise, forms.PromiseForm, lambda one: one.balance > 0,
             _("No reminder goes out up to and including the promised day.")),
        Verb("dispute", _("Note a dispute"), disputes.raise_dispute, forms.GroundsForm, lambda one: not one.disputed,
             _("The customer does not agree. Reminders stop, the ageing goes on.")),
        Verb("clear", _("Clear the dispute"), disputes.clear_dispute, forms.GroundsForm, lambda one: one.disputed,
             _("Reminders go on where they stopped.")),
        Verb("hold", _("Stop for a complaint"), disputes.hold, forms.GroundsForm, lambda one: not one.on_hold,
             _("No reminder goes out while the complaint is open.")),
        Verb("release", _("Complaint settled"), disputes.release, forms.GroundsForm, lambda one: one.on_hold,
             _("Reminders go on where they stopped.")),
    )
}  # fmt: skip


def offered(receivable: Receivable, member: Member) -> list[Verb]:
    if not may(member, "receivable.dispute", receivable):
        return []
    return [verb for verb in VERBS.values() if verb.fits(receivable)]
