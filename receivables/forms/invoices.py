"""What is typed about invoices: a request over receivables, the number of what was issued, a red, a reason."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, TaxCode
from crm.core.web.forms import MemberForm, ScopedChoiceField
from crm.core.web.rendering import DateInput
from receivables.models import InvoiceRequest, Receivable
from receivables.models.invoices import Kind, Medium, Reason


class AmountsForm(MemberForm):
    """One amount field for each receivable, named a<id>; what is left is offered."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, offers: Sequence[tuple[Receivable, Decimal]], fill: bool = True, **kwargs):
        super().__init__(*args, **kwargs)
        self.offers = offers
        for receivable, left in offers:
            self.fields[f"a{receivable.pk}"] = forms.DecimalField(
                label=f"{receivable.line} · {receivable.get_kind_display()} ({receivable.number})", required=False,
                min_value=0, max_digits=18, decimal_places=2, initial=left if fill else None,
                help_text=_("%(left)s left") % {"left": f"{left:,.2f}"},
            )  # fmt: skip
        self.order_fields([f"a{receivable.pk}" for receivable, _left in offers])

    @property
    def amounts(self) -> dict[int, Decimal]:
        return {one.pk: self.cleaned_data[f"a{one.pk}"] or Decimal(0) for one, _left in self.offers}

    def rest(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return {name: value for name, value in kept.items() if not (name[0] == "a" and name[1:].isdigit())}


class RequestForm(AmountsForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=Kind)
    medium = forms.ChoiceField(label=_("Medium"), choices=Medium)
    buyer_name = forms.CharField(label=_("Buyer"), max_length=200)
    buyer_uscc = forms.CharField(
        label=_("Buyer's credit code"), max_length=40, required=False,
        help_text=_("18 characters; a special VAT invoice needs it."),
    )  # fmt: skip
    buyer_address = forms.CharField(label=_("Address and phone"), max_length=300, required=False)
    buyer_bank = forms.CharField(label=_("Bank and account"), max_length=300, required=False)
    tax_code = ScopedChoiceField(
        TaxCode, label=_("Tax"), required=False, empty_label=_("As in the contract's lines"),
        narrow=lambda rows: rows.filter(Q(valid_until=None) | Q(valid_until__gte=timezone.localdate())),
    )  # fmt: skip
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    @classmethod
    def start(cls, contract: Contract) -> dict[str, Any]:
        account = contract.account
        return {"buyer_name": account.name, "buyer_uscc": account.valid_uscc, "buyer_address": account.address}

    @property
    def values(self) -> dict[str, Any]:
        rest = self.rest()
        buyer = {name: rest.pop(f"buyer_{name}") for name in ("name", "uscc", "address", "bank")}
        return {**rest, "buyer": buyer}


class RedForm(AmountsForm):
    reason_code = forms.ChoiceField(label=_("Reason"), choices=Reason, initial=Reason.REDUCTION)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    @property
    def values(self) -> dict[str, Any]:
        return self.rest()


class IssueForm(MemberForm):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    number = forms.CharField(label=_("Invoice number"), max_length=20)
    date = forms.DateField(label=_("Date of issue"), widget=DateInput())

    @classmethod
    def start(cls, request: InvoiceRequest) -> dict[str, Any]:
        return {"version": request.version, "date": request.contract.tenant.today()}

    @property
    def values(self) -> dict[str, Any]:
        return {"number": self.cleaned_data["number"].strip(), "date": self.cleaned_data["date"]}


class WhyForm(MemberForm):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
