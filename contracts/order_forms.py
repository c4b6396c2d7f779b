"""What people type about orders and deliveries; quantities are asked line by line."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.roles import GRANTS
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.rendering import DateInput

from .models import Batch, Order


@dataclass(frozen=True)
class Asked:
    """One line of which a quantity is asked."""

    pk: int
    label: str
    start: Decimal | None
    hint: str = ""
    most: Decimal | None = None


class VerbForm(MemberForm):
    """The answers that a verb asks for; `values` go to its action, `expected` is the version that was seen."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def expected(self) -> int | None:
        return self.cleaned_data["version"]

    @property
    def values(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class QuantityForm(VerbForm):
    """A verb that asks for quantities beside its other questions; `asked` are the lines."""

    PREFIX = "quantity_"

    def __init__(self, *args, asked: Iterable[Asked] = (), **kwargs):
        super().__init__(*args, **kwargs)
        for line in asked:
            self.fields[f"{self.PREFIX}{line.pk}"] = forms.DecimalField(
                label=line.label, help_text=line.hint, min_value=Decimal(0), max_value=line.most, max_digits=14,
                decimal_places=3, required=False, initial=plain(line.start),
                widget=forms.NumberInput(attrs={"step": "any"}),
            )  # fmt: skip

    @property
    def values(self) -> dict:
        given = super().values
        quantities = {
            int(name.removeprefix(self.PREFIX)): given.pop(name) or Decimal(0)
            for name in list(given)
            if name.startswith(self.PREFIX)
        }
        return {**given, "quantities": quantities}


def plain(quantity: Decimal | None) -> str | None:
    """12.000 → 12, 0.500 → 0.5: as people write it."""
    return None if quantity is None else f"{quantity.normalize():f}"


class NewOrderForm(QuantityForm):
    promised_on = forms.DateField(label=_("Promised for"), required=False, widget=DateInput)
    erp_ref = forms.CharField(label=_("Number in the ERP"), max_length=60, required=False)


class OrderForm(RecordForm):
    class Meta:
        model = Order
        fields = ["promised_on", "erp_ref"]
        widgets = {"promised_on": DateInput}


class ReasonForm(VerbForm):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class PlanForm(QuantityForm):
    planned_on = forms.DateField(label=_("Planned for"), widget=DateInput)
    delivery_note = forms.CharField(label=_("Delivery note"), max_length=60, required=False)
    is_final = forms.BooleanField(label=_("Final acceptance"), required=False)


class BatchForm(RecordForm):
    class Meta:
        model = Batch
        fields = ["planned_on", "delivery_note", "is_final"]
        widgets = {"planned_on": DateInput}


class DayForm(QuantityForm):
    """When it happened; today unless another day is chosen."""

    on = forms.DateField(label=_("Day"), required=False, widget=DateInput)


class ShipForm(DayForm):
    on = forms.DateField(label=_("Shipped on"), required=False, widget=DateInput)
    delivery_note = forms.CharField(label=_("Delivery note"), max_length=60, required=False)


class DeliverForm(DayForm):
    on = forms.DateField(label=_("Delivered on"), required=False, widget=DateInput)


class AcceptForm(DayForm):
    accepted_by = forms.CharField(label=_("Accepted for the customer by"), max_length=100)
    on = forms.DateField(label=_("Accepted on"), required=False, widget=DateInput)
    is_final = forms.BooleanField(
        label=_("Final acceptance"), required=False,
        help_text=_("The last delivery of this order: what waits for acceptance falls due, the warranty begins."),
    )  # fmt: skip
    file = forms.FileField(label=_("Signed note or photo"), required=False)


class RejectForm(VerbForm):
    grounds = forms.CharField(label=_("Why was it rejected?"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    on = forms.DateField(label=_("Rejected on"), required=False, widget=DateInput)


class ReworkForm(VerbForm):
    planned_on = forms.DateField(label=_("Planned for"), widget=DateInput)


class OfferForm(VerbForm):
    """To whom a signed contract is handed; only people who may take contracts over."""

    to = ScopedChoiceField(
        Member, label=_("Who shall deliver it"),
        narrow=lambda rows: rows.filter(
            is_active=True, is_system=False, roles__overlap=list(GRANTS["handover.decide"])
        ),
    )  # fmt: skip
