"""What finance types about tax codes and price lists."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from contracts.models import Price, PriceList, TaxCode
from crm.core.web.forms import RecordForm, ScopedChoiceField
from crm.core.web.rendering import DateInput, PickerSelect

HUNDRED = Decimal(100)


class TaxCodeForm(RecordForm):
    """An existing row: its name and its end."""

    class Meta:
        model = TaxCode
        fields = ["name", "valid_until"]
        widgets = {"valid_until": DateInput()}


class NewTaxCodeForm(TaxCodeForm):
    percent = forms.DecimalField(
        label=_("Rate in percent"), min_value=0, max_value=99, max_digits=7, decimal_places=4,
        help_text=_("An open-ended row of the same code ends the day before this one starts."),
    )  # fmt: skip

    class Meta(TaxCodeForm.Meta):
        fields = ["code", "name", "valid_from", "valid_until"]
        widgets = {"valid_from": DateInput(), "valid_until": DateInput()}

    field_order = ["code", "name", "percent", "valid_from", "valid_until"]

    @property
    def values(self) -> dict:
        values = super().values
        percent = values.pop("percent")
        return {**values, "rate": percent / HUNDRED}


class PriceListForm(RecordForm):
    class Meta:
        model = PriceList
        fields = ["name", "valid_from", "valid_until", "is_default"]
        widgets = {"valid_from": DateInput(), "valid_until": DateInput()}


class NewPriceListForm(PriceListForm):
    copy_of = ScopedChoiceField(
        PriceList, label=_("Start with the prices of"), required=False, empty_label=_("An empty list")
    )


class PriceForm(RecordForm):
    class Meta:
        model = Price
        fields = ["product", "price", "floor", "tax_code"]
        widgets = {"product": PickerSelect("catalog:options")}
        help_texts = {
            "price": _("Tax included."),
            "floor": _("Tax included. A quote below it needs approval."),
            "tax_code": _("Empty: the usual rate of the legal entity."),
        }


class KeptPriceForm(PriceForm):
    """The price of a product already in the list."""

    class Meta(PriceForm.Meta):
        fields = ["price", "floor", "tax_code"]
