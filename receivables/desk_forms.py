"""What the pages of bank accounts, statements, receipts and the desk ask."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts.models import Contract
from crm.core.entities.models import LegalEntity
from crm.core.imports.forms import pasted
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.numbers import is_whole
from crm.core.web.rendering import DateInput, PickerSelect

from .actions.periods import is_finance_lead
from .models import BankAccount, BankLine, DeskRules, Receipt, Receivable
from .statements.profiles import FIELDS

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 2}


class BankAccountForm(RecordForm):
    class Meta:
        model = BankAccount
        fields = ["legal_entity", "name", "bank", "number", "currency", "is_active"]


class StatementForm(MemberForm):
    """A statement as a file, or its rows pasted."""

    bank_account = ScopedChoiceField(
        BankAccount, label=_("Bank account"), narrow=lambda rows: rows.filter(is_active=True)
    )
    file = forms.FileField(label=_("File"), required=False)
    text = forms.CharField(
        label=_("Or paste rows with their headers"), required=False, max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        first, *others = self.fields["bank_account"].queryset[:2] or (None,)
        self.fields["bank_account"].initial = None if others else first

    def clean(self):
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("file") and cleaned.get("text", "").strip():
            cleaned["file"] = pasted(cleaned["text"])
        if not cleaned.get("file") and "file" not in self.errors:
            self.add_error("file", _("Choose a file, or paste rows."))
        return cleaned


class ColumnForm(forms.Form):
    """Which header of a statement is which field."""

    def __init__(self, *args, headers, columns, **kwargs):
        super().__init__(*args, **kwargs)
        for name, label in FIELDS.items():
            self.fields[name] = forms.ChoiceField(
                label=str(label), choices=[("", "—"), *((header, header) for header in headers)], required=False,
                initial=columns.get(name, ""),
            )  # fmt: skip

    @property
    def columns(self) -> dict[str, str]:
        return {name: header for name, header in self.cleaned_data.items() if header}


class ReceiptForm(MemberForm):
    """Money that came in otherwise than by a bank line: cash, a cheque, a bank acceptance bill."""

    legal_entity = ScopedChoiceField(LegalEntity, label=_("Legal entity"))
    account = ScopedChoiceField(Account, label=_("Customer"), widget=PickerSelect("accounts:options"))
    contract = ScopedChoiceField(Contract, label=_("For contract"), required=False)
    method = forms.ChoiceField(label=_("Method"), choices=Receipt.Method, initial=Receipt.Method.TRANSFER)
    amount = forms.DecimalField(label=_("Amount"), min_value=Decimal("0.01"), **MONEY)
    received_on = forms.DateField(label=_("Received on"), widget=DateInput)
    payer = forms.CharField(label=_("Payer, if not the customer"), max_length=200, required=False)
    approve_payer = forms.BooleanField(label=_("This payer may pay for the customer"), required=False)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)
    automatic = forms.BooleanField(label=_("Allocate at once"), required=False, initial=True)
    late_reason = forms.CharField(
        label=_("Reason for posting into a soft-closed month"), max_length=300, required=False,
        help_text=_("Only when the day lies in such a month; the month's history keeps it."),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not is_finance_lead(self.member):
            del self.fields["late_reason"]
        self.fields["legal_entity"].initial = self.fields["legal_entity"].queryset.filter(is_default=True).first()
        self.fields["received_on"].initial = self.member.tenant.today()
        asked = self.data.get("account") or self.initial.get("account")
        contracts = self.fields["contract"].queryset.filter(status__in=Contract.LIVE)
        known = is_whole(asked)
        self.fields["contract"].queryset = contracts.filter(account_id=asked) if known else contracts.none()


class ReverseForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300)
    release = forms.BooleanField(label=_("Take back its allocations too"), required=False)


class SharesForm(MemberForm):
    """Amounts for receivables of one customer: a field for each that is open; what is left over stays on account."""

    def __init__(self, *args, owed, shares=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.owed: list[Receivable] = list(owed)
        for one in self.owed:
            self.fields[f"r{one.pk}"] = forms.DecimalField(
                label=one.number, required=False, min_value=0, initial=(shares or {}).get(one.pk), **MONEY,
                widget=forms.NumberInput(attrs={"step": "0.01", "data-share": str(one.balance)}),
            )  # fmt: skip

    @cached_property
    def shares(self) -> dict[int, Decimal]:
        values = {one.pk: self.cleaned_data.get(f"r{one.pk}") for one in self.owed}
        return {pk: amount for pk, amount in values.items() if amount}

    @property
    def rows(self):
        """(receivable, its field) in the order of the list."""
        return [(one, self[f"r{one.pk}"]) for one in self.owed]


class SplitForm(SharesForm):
    """The same for bank lines: how much of the line, and what comes with the customer."""

    amount = forms.DecimalField(label=_("Book"), min_value=Decimal("0.01"), required=False, **MONEY)
    approve_payer = forms.BooleanField(label=_("This payer may pay for the customer"), required=False)
    drop_difference = forms.BooleanField(label=_("Drop a small difference"), required=False)


class AcceptForm(MemberForm):
    """One proposal as it stood on the desk: lines, customer and receivable:amount pairs."""

    account = ScopedChoiceField(Account)
    contract = ScopedChoiceField(Contract, required=False)
    rule = forms.ChoiceField(choices=[("reference", ""), ("exact", ""), ("oldest", ""), ("manual", "")], required=False)
    seen = forms.DecimalField(required=False, **MONEY)
    approve_payer = forms.BooleanField(required=False)
    drop_difference = forms.BooleanField(required=False)
    share = forms.CharField(required=False)

    def clean_share(self) -> dict[int, Decimal]:
        return shares_in(self.data.getlist("share"))


class LinesForm(MemberForm):
    """Bank lines by their ids; others' do not exist."""

    line = forms.CharField()

    def clean_line(self) -> list[BankLine]:
        ids = [int(text) for text in self.data.getlist("line")[:200] if text.isascii() and text.isdigit()]
        found = list(BankLine.objects.visible_to(self.member).filter(pk__in=[pk for pk in ids if pk < 2**63]))
        if len(found) != len(set(ids)) or not found:
            raise forms.ValidationError(_("Choose lines of the desk."))
        return found


class AsideForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300)


class DeskRulesForm(RecordForm):
    class Meta:
        model = DeskRules
        fields = ["posts_itself", "small_difference", "advances"]


def shares_in(texts) -> dict[int, Decimal]:
    """“7:100.00” as receivable → amount."""
    shares = {}
    for text in texts:
        pk, _colon, amount = text.partition(":")
        field = forms.DecimalField(min_value=Decimal("0.01"), **MONEY)
        if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
            raise forms.ValidationError(_("Reload the desk and choose again."))
        shares[int(pk)] = field.clean(amount)
    return shares
