"""What finance fills in at refunds, write-offs, months and provisions."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.entities.models import LegalEntity
from crm.core.money import round_half_up
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.rendering import DateInput
from receivables.heat import bucket_titles
from receivables.models import CreditClass, Receipt

LEAST = Decimal("0.01")
REASON: dict[str, Any] = {"label": _("Reason"), "widget": forms.Textarea({"rows": 3}), "max_length": 2000}


def amount_field() -> forms.DecimalField:
    return forms.DecimalField(label=_("Amount"), max_digits=18, decimal_places=2, min_value=LEAST)


class RefundForm(MemberForm):
    amount = amount_field()
    payee_account = forms.CharField(
        label=_("To account"), max_length=100, required=False,
        help_text=_("The payer's account unless you enter another one, which takes one more approval."),
    )  # fmt: skip
    reason = forms.CharField(**REASON)


class PayForm(MemberForm):
    payment_ref = forms.CharField(label=_("Bank reference of the payment"), max_length=60)
    paid_on = forms.DateField(label=_("Paid on"), widget=DateInput())


class WhyForm(MemberForm):
    reason = forms.CharField(**REASON)


class NothingForm(MemberForm):
    """A confirmation alone."""


class WriteOffForm(MemberForm):
    amount = amount_field()
    reason = forms.CharField(**REASON)


class RecoverForm(MemberForm):
    """Which receipt of the customer pays what was written off."""

    receipt = ScopedChoiceField(Receipt, label=_("Receipt"))
    amount = amount_field()

    def __init__(self, *args, write_off, **kwargs):
        super().__init__(*args, **kwargs)
        receivable = write_off.receivable
        field = self.fields["receipt"]
        field.queryset = field.queryset.filter(
            account=receivable.account_id, legal_entity=receivable.legal_entity_id, status=Receipt.Status.POSTED,
            unallocated__gt=0,
        )  # fmt: skip


class CreditForm(RecordForm):
    class Meta:
        model = CreditClass
        fields = ["letter", "limit", "days"]


class AssessmentForm(MemberForm):
    valid_from = forms.DateField(label=_("From"), widget=DateInput())
    percent = forms.DecimalField(
        label=_("Not expected to come in, in percent"), min_value=0, max_value=100, max_digits=7, decimal_places=4,
        required=False, help_text=_("Empty: back into the matrix."),
    )  # fmt: skip
    reason = forms.CharField(**REASON)

    @property
    def rate(self) -> Decimal | None:
        given = self.cleaned_data["percent"]
        return None if given is None else given / 100


class RunForm(MemberForm):
    """Month and legal entity of a provision run; an opening balance for an entity's first run."""

    legal_entity = ScopedChoiceField(LegalEntity, label=_("Legal entity"))
    month = forms.DateField(label=_("Month"), widget=DateInput(), help_text=_("Any day of the month."))
    opening = forms.DecimalField(
        label=_("Opening balance"), max_digits=18, decimal_places=2, min_value=0, required=False,
        help_text=_("Counts only for the first run of a legal entity."),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        """The default entity and the last month that is over."""
        super().__init__(*args, **kwargs)
        entities = self.fields["legal_entity"].queryset
        self.fields["legal_entity"].initial = entities.filter(is_default=True).first()
        self.fields["month"].initial = self.member.tenant.today().replace(day=1) - timedelta(days=1)


class MatrixForm(MemberForm):
    """Percentages by class and bucket: a class is either left out or filled in whole."""

    legal_entity = ScopedChoiceField(LegalEntity, label=_("Legal entity"))
    valid_from = forms.DateField(label=_("In force from"), widget=DateInput())

    def __init__(self, *args, bounds, **kwargs):
        super().__init__(*args, **kwargs)
        entities = self.fields["legal_entity"].queryset
        self.fields["legal_entity"].initial = entities.filter(is_default=True).first()
        self.titles = bucket_titles(bounds)
        for letter in CreditClass.Letter.values:
            for place, title in enumerate(self.titles):
                label = _("Class %(letter)s, %(bucket)s") % {"letter": letter, "bucket": title}
                self.fields[f"{letter}{place}"] = forms.DecimalField(
                    label=label, min_value=0, max_value=100, max_digits=7, decimal_places=4, required=False
                )

    @property
    def rows(self) -> list:
        """The fields by class with their buckets, for the table."""
        return [
            (letter, [(title, self[f"{letter}{place}"]) for place, title in enumerate(self.titles)])
            for letter in CreditClass.Letter.values
        ]

    @property
    def others(self) -> list:
        return [self["legal_entity"], self["valid_from"]]

    def clean(self):
        for letter, fields in self.rows:
            given = [self.cleaned_data.get(field.name) for _title, field in fields]
            if any(value is not None for value in given) and None in given and not self.errors:
                self.add_error(None, _("Enter a rate for every bucket of class %(letter)s.") % {"letter": letter})
        return self.cleaned_data

    @property
    def rates(self) -> dict[str, list[Decimal]]:
        """Shares from 0 to 1 of the classes filled in."""
        found = {letter: [self.cleaned_data[field.name] for _title, field in fields] for letter, fields in self.rows}
        return {letter: [round_half_up(value / 100, 6) for value in row] for letter, row in found.items()
                if None not in row}  # fmt: skip
