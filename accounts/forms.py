"""What people type about customers, contacts and visits."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from crm.core.activities.forms import FilesInput, MomentInput, NextStepForm, SeveralFiles
from crm.core.activities.models import Activity
from crm.core.people.models import Member
from crm.core.people.reach import owners_covered
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.idempotency import fingerprint
from crm.core.web.rendering import PickerSelect

from .models import Account, Contact

TEL = forms.TextInput(attrs={"type": "tel"})


class AccountForm(RecordForm):
    class Meta:
        model = Account
        fields = [
            "name", "uscc", "kind", "region", "industry", "size_band", "phone", "website", "address", "parent",
            "employees", "annual_revenue", "founded_year", "description",
        ]  # fmt: skip
        widgets = {"phone": TEL, "parent": PickerSelect("accounts:options"),
                   "description": forms.Textarea(attrs={"rows": 3})}  # fmt: skip


class NewAccountForm(AccountForm):
    """A new customer; who may create for others chooses the owner."""

    owner = ScopedChoiceField(Member, label=_("Owner"), required=False)
    decided = forms.BooleanField(label=_("I have looked: this is another company"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        covered = owners_covered(self.member, "account.create")
        rows = self.fields["owner"].queryset.filter(is_active=True, is_system=False)
        self.fields["owner"].queryset = rows if covered is None else rows.filter(pk__in=covered)
        self.initial.setdefault("owner", self.member.pk)
        if covered is not None and len(covered) <= 1:
            del self.fields["owner"]

    @property
    def known(self) -> list:
        """The records that made the action ask."""
        return getattr(getattr(self, "refused", None), "hits", [])


class ContactForm(RecordForm):
    class Meta:
        model = Contact
        fields = ["name", "title", "phone", "email", "wechat", "note", "has_left"]
        widgets = {"phone": TEL, "note": forms.Textarea(attrs={"rows": 3})}


class TransferForm(MemberForm):
    to = ScopedChoiceField(
        Member, narrow=lambda rows: rows.filter(is_active=True, is_system=False), label=_("New owner")
    )
    reason = forms.CharField(label=_("Reason"), max_length=300)


class CollaboratorForm(MemberForm):
    member = ScopedChoiceField(
        Member, narrow=lambda rows: rows.filter(is_active=True, is_system=False), label=_("Member")
    )


class VisitForm(NextStepForm):
    """A visit in a few taps: two mandatory fields; the position is what the device gave, or nothing."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    account = ScopedChoiceField(
        Account, narrow=lambda rows: rows.exclude(status=Account.Status.MERGED), label=_("Customer"),
        error_messages={"required": _("Choose the customer you visited.")},
    )  # fmt: skip
    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=Activity.Outcome, error_messages={"required": _("Tap how it went.")}
    )
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    photos = SeveralFiles(label=_("Photo"), required=False, widget=FilesInput)
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    occurred_at = forms.DateTimeField(
        label=_("When"), required=False, widget=MomentInput, help_text=_("Leave empty for now.")
    )
    latitude = forms.CharField(widget=forms.HiddenInput, required=False)
    longitude = forms.CharField(widget=forms.HiddenInput, required=False)
    accuracy = forms.CharField(widget=forms.HiddenInput, required=False)
    device_time = forms.CharField(widget=forms.HiddenInput, required=False)

    @property
    def values(self) -> dict:
        """The arguments of `activities.actions.log`."""
        chosen = {name: self.cleaned_data[name] for name in ("outcome", "note", "place", "occurred_at", "next_step")}
        return {**chosen, **self._device(), "files": self.cleaned_data["photos"], "next_at": self.next_at}

    @property
    def print(self) -> str:
        """Tells two visits of one opened page apart: a double tap is the same, a changed text is another."""
        return fingerprint(*(self.cleaned_data[name] for name in ("account", "outcome", "note", "occurred_at")))[:32]

    def _device(self) -> dict:
        """Place and time of the device; a visit is kept without them when they make no sense."""
        latitude, longitude = self._degrees("latitude", 90), self._degrees("longitude", 180)
        told = {"device_time": parse_moment(self.cleaned_data["device_time"])}
        if latitude is None or longitude is None:
            return told
        accuracy = self.cleaned_data["accuracy"]
        metres = int(accuracy) if accuracy.isascii() and accuracy.isdigit() and len(accuracy) < 8 else None
        return {**told, "latitude": latitude, "longitude": longitude, "accuracy_m": metres}

    def _degrees(self, name: str, limit: int) -> Decimal | None:
        return degrees(self.cleaned_data[name], limit)


def degrees(text: str, limit: int) -> Decimal | None:
    """A WGS-84 angle with six places, or None when the text is none within ±limit."""
    try:
        value = Decimal(text[:20]).quantize(Decimal("0.000001"))
        return value if abs(value) <= limit else None
    except InvalidOperation:  # no number, or one too large to round
        return None


def parse_moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
