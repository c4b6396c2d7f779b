"""What is done with a contract that comes to its end: its verbs and their questions."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.people.models import Member
from crm.core.people.reach import may
from crm.core.web.rendering import DateInput

from .actions import renewals
from .metrics.renewals import OPEN, RENEWED
from .models import Contract, Renewal
from .order_forms import VerbForm
from .order_verbs import Verb


class RenewForm(VerbForm):
    start_date = forms.DateField(label=_("From"), required=False, widget=DateInput)
    end_date = forms.DateField(label=_("Until"), required=False, widget=DateInput)


class LoseRenewalForm(VerbForm):
    loss = forms.ChoiceField(label=_("Why is it lost?"), choices=Renewal.Loss, widget=forms.RadioSelect)
    detail = forms.CharField(label=_("Details"), max_length=300, required=False)


class AssessForm(VerbForm):
    risk = forms.ChoiceField(label=_("Risk"), choices=[("", "—"), *Renewal.Risk.choices], required=False)
    forecast_amount = forms.DecimalField(
        label=_("Expected amount"), max_digits=18, decimal_places=2, min_value=Decimal(0), required=False,
        help_text=_("Leave empty to expect what the contract is worth now."),
    )  # fmt: skip
    note = forms.CharField(label=_("Note"), max_length=300, required=False)


def _renewable(contract: Contract, member: Member) -> bool:
    return contract.outcome != RENEWED and contract.next_pk is None and may(member, "contract.create", contract)


def _open(contract: Contract, member: Member) -> bool:
    return contract.outcome == OPEN and may(member, "contract.update", contract)


def _dates(contract: Contract) -> dict:
    return dict(zip(("start_date", "end_date"), renewals.next_dates(contract), strict=True))


def _seen(contract: Contract) -> dict:
    view = contract.outlooks.first()
    return {name: getattr(view, name) for name in ("risk", "forecast_amount", "note")} if view else {}


def _without_version(act):
    """These verbs add something new or keep their own row: the contract they are about does not change."""
    return lambda contract, *, expected=None, **values: act(contract, **values)


VERBS = {
    verb.key: verb
    for verb in (
        Verb("renew", _("Renew"), _without_version(renewals.renew), RenewForm, _renewable, "rotate", "primary",
             _("A draft with the same lines and terms for the next term; edit it before you send it for approval."),
             _dates),
        Verb("assess", _("Assess"), _without_version(renewals.assess), AssessForm, _open, "flag", "",
             _("How sure is it, and with what amount?"), _seen),
        Verb("lose", pgettext_lazy("renewal", "Lost"), _without_version(renewals.lose), LoseRenewalForm, _open,
             "thumb-down", "", _("The customer does not go on. It leaves the list and counts as not renewed.")),
    )
}  # fmt: skip
