"""The lines of a contract as rows of a form; a row left empty counts for nothing."""

from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, TaxCode
from crm.core.catalog.models import Product
from crm.core.web.forms import MemberForm, ScopedChoiceField
from crm.core.web.rendering import PickerSelect

PREFIX, SPARE_ROWS, MOST_ROWS = "lines", 2, 200
AMOUNT: dict[str, Any] = {"max_digits": 18, "decimal_places": 2, "min_value": Decimal(0)}
QUANTITY: dict[str, Any] = {"max_digits": 14, "decimal_places": 3, "min_value": Decimal(0)}
COLUMNS = ("product", "description", "quantity", "unit_price", "discount", "tax_code")


class LineForm(MemberForm):
    product = ScopedChoiceField(Product, label=_("Product"), required=False, widget=PickerSelect("catalog:options"))
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    quantity = forms.DecimalField(label=_("Quantity"), initial=1, **QUANTITY)
    unit_price = forms.DecimalField(label=_("Unit price, tax included"), **AMOUNT)
    discount = forms.DecimalField(
        label=_("Discount %"), max_digits=5, decimal_places=2, min_value=Decimal(0), max_value=Decimal(100),
        required=False,
    )  # fmt: skip
    tax_code = ScopedChoiceField(TaxCode, label=_("Tax"), empty_label=_("Choose"))

    def clean_discount(self):
        return self.cleaned_data["discount"] or Decimal(0)

    @property
    def columns(self) -> dict:
        return {name: self.cleaned_data[name] for name in COLUMNS}


class LineFormSet(BaseFormSet):
    def add_fields(self, form, index):
        """Inputs stand in a table, whose heads are no labels: each says by itself what it is."""
        super().add_fields(form, index)
        form.fields["DELETE"].label = _("Remove")
        for field in form.fields.values():
            field.widget.attrs["aria-label"] = field.label

    def rows(self) -> list[dict]:
        """The columns of the rows that were filled in and not removed, in order."""
        filled = [*self.initial_forms, *(form for form in self.extra_forms if form.has_changed())]
        return [form.columns for form in filled if not form.cleaned_data.get("DELETE")]


Lines = formset_factory(LineForm, formset=LineFormSet, extra=SPARE_ROWS, can_delete=True, max_num=MOST_ROWS)


def line_forms(data, member, contract: Contract | None = None):
    """The lines of a contract, and some empty rows."""
    rows = contract.lines.select_related("product", "tax_code") if contract else ()
    initial = [_as_typed(row) for row in rows]
    return Lines(data, prefix=PREFIX, initial=initial, form_kwargs={"member": member})


def _as_typed(row) -> dict:
    """The columns of a line as one would type them: 1.000 pieces are 1."""
    typed = {name: getattr(row, name) for name in COLUMNS}
    plain = {name: Decimal(f"{typed[name].normalize():f}") for name in ("quantity", "discount")}
    return {**typed, **plain, "product": row.product_id, "tax_code": row.tax_code_id}


def empty_line(member, index: int) -> LineForm:
    """The row with this index, to be added to a form that is open in a browser."""
    formset = Lines(None, prefix=PREFIX, form_kwargs={"member": member})
    form = LineForm(prefix=f"{PREFIX}-{index}", member=member, use_required_attribute=False, empty_permitted=True)
    formset.add_fields(form, index)
    return form
