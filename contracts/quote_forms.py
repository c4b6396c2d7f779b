"""The editor of a quote: its head, and its lines as rows of small forms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from contracts.actions.prices import current_list, tax_codes_on, usual_tax_code, valid_on
from contracts.actions.quotes import LINE, MOST_LINES, VALID_DAYS
from contracts.models import PriceList, Quote, QuoteLine, TaxCode
from crm.core.catalog.models import Product
from crm.core.entities.actions import default_entity
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.numbers import is_whole
from crm.core.web.rendering import DateInput, PickerSelect
from opportunities.models import Opportunity

TERMS = ("payment_terms", "delivery_terms", "acceptance_terms", "warranty_terms", "penalty_terms")
ROW = "row"


class LineForm(MemberForm):
    """One row. A row left as it came is no line."""

    product = ScopedChoiceField(
        Product, label=_("Product"), required=False, widget=PickerSelect("catalog:options")
    )  # fmt: skip
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    quantity = forms.DecimalField(label=_("Quantity"), max_digits=14, decimal_places=3, min_value=0)
    unit_price = forms.DecimalField(label=_("Unit price"), max_digits=18, decimal_places=2, min_value=0)
    discount = forms.DecimalField(label=_("Discount %"), max_digits=5, decimal_places=2, min_value=0, max_value=100)
    tax_code = forms.ChoiceField(label=_("Tax"))
    is_gift = forms.BooleanField(label=_("Free of charge"), required=False)

    def __init__(self, *args, row: int, codes: dict[int, TaxCode], **kwargs):
        super().__init__(*args, prefix=f"line-{row}", empty_permitted=True, use_required_attribute=False, **kwargs)
        self.row, self.codes = row, codes
        self.fields["tax_code"].choices = [(pk, str(code)) for pk, code in codes.items()]
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label
        self.fields["description"].widget.attrs["placeholder"] = self.fields["description"].label

    def clean_tax_code(self) -> TaxCode:
        return self.codes[int(self.cleaned_data["tax_code"])]

    def clean(self):
        given = super().clean()
        if not given.get("product") and not given.get("description", "").strip() and "product" not in self.errors:
            self.add_error("product", _("Choose a product or describe what is sold."))
        return given

    @property
    def values(self) -> dict:
        return {name: self.cleaned_data[name] for name in self.fields}


class LineSheet:
    """The rows of the editor, in order: `row` lists their numbers, `line-<row>-…` are their fields."""

    def __init__(self, data: QueryDict | None, *, member: Member, lines: Iterable[QuoteLine] = ()):
        self.data, self.member, self.kept = data, member, list(lines)
        self.today = member.tenant.today()

    @cached_property
    def codes(self) -> dict[int, TaxCode]:
        """The tax rates to choose from: those in force, and those the quote has."""
        kept = [row.tax_code_id for row in self.kept]
        rows = TaxCode.objects.of(self.member.tenant_id)
        in_force = tax_codes_on(self.member.tenant_id, self.today).values("pk")
        return {code.pk: code for code in rows.filter(Q(pk__in=in_force) | Q(pk__in=kept))}

    @cached_property
    def blank(self) -> dict:
        """What a new row holds."""
        usual = usual_tax_code(default_entity(self.member.tenant_id), self.today)
        return {"quantity": Decimal(1), "discount": Decimal(0), "tax_code": str(usual.pk) if usual else ""}

    @cached_property
    def forms(self) -> list[LineForm]:
        if self.data is None:
            kept = [self._form(n, initial=_initial(line)) for n, line in enumerate(self.kept)]
            return kept or [self._form(0, initial=self.blank)]
        return [self._form(row, data=self.data, initial=self.blank) for row in self.rows]

    def _form(self, row: int, **how) -> LineForm:
        return LineForm(how.pop("data", None), row=row, codes=self.codes, member=self.member, **how)

    @property
    def rows(self) -> list[int]:
        numbers = self.data.getlist(ROW) if self.data else []
        return [int(number) for number in numbers if number.isascii() and number.isdigit()][: MOST_LINES + 1]

    def is_valid(self) -> bool:
        """Every row is looked at, so that all faults show at once."""
        return not [form for form in self.forms if not form.is_valid()]

    @property
    def filled(self) -> list[LineForm]:
        return [form for form in self.forms if form.has_changed()]

    @property
    def values(self) -> list[dict]:
        return [form.values for form in self.filled]


def _initial(line: QuoteLine) -> dict:
    values = {name.removesuffix("_id"): getattr(line, name) for name in LINE}
    return {**values, "quantity": f"{line.quantity.normalize():f}", "discount": f"{line.discount.normalize():f}"}


class QuoteForm(RecordForm):
    """The head of a quote; `sheet` holds its lines."""

    class Meta:
        model = Quote
        fields = ["title", "contact", "price_list", "valid_until", "discount_reason", *TERMS, "nonstandard"]
        widgets = {"valid_until": DateInput(), **{name: forms.Textarea(attrs={"rows": 2}) for name in TERMS}}
        help_texts = {
            "price_list": _("Products take their price, tax and floor from it."),
            "discount_reason": _("Needed when a line is below its floor or free. The customer does not see it."),
            "nonstandard": _("Quotes with such terms need approval."),
        }

    def __init__(self, data=None, *, member: Member, lines: Iterable[QuoteLine] = (), **kwargs):
        super().__init__(data, member=member, **kwargs)
        self.sheet = LineSheet(data, member=member, lines=lines)
        account = self.account_id
        self.fields["contact"].queryset = self.fields["contact"].queryset.filter(account=account, has_left=False)
        lists = valid_on(PriceList.objects.of(member.tenant_id), self.sheet.today).values("pk")
        narrowed = Q(pk__in=lists) | Q(pk=self.instance.price_list_id)
        self.fields["price_list"].queryset = self.fields["price_list"].queryset.filter(narrowed)

    @property
    def account_id(self) -> int | None:
        return self.instance.account_id

    def clean(self):
        given = super().clean()
        if not self.sheet.is_valid():
            raise forms.ValidationError(_("Some lines are not right yet: see the marked fields."))
        return given

    @property
    def values(self) -> dict:
        return {**super().values, "lines": self.sheet.values}

    @property
    def price_list(self) -> PriceList | None:
        """The list chosen at the moment, also while the rest is not filled in."""
        chosen = (self.data if self.is_bound else self.initial).get("price_list")
        chosen = str(getattr(chosen, "pk", chosen) or "")
        rows = self.fields["price_list"].queryset
        return rows.filter(pk=chosen).first() if is_whole(chosen) else None


class NewQuoteForm(QuoteForm):
    opportunity = ScopedChoiceField(
        Opportunity, label=_("Deal"), widget=PickerSelect("quotes:deals"),
        narrow=lambda rows: rows.exclude(status=Opportunity.Status.LOST),
    )  # fmt: skip
    legal_entity = ScopedChoiceField(
        LegalEntity, label=_("Legal entity"), empty_label=None, narrow=lambda rows: rows.filter(is_active=True)
    )

    field_order = ["opportunity", "title", "contact", "legal_entity", "price_list", "valid_until"]

    def __init__(self, data=None, *, member: Member, deal: Opportunity | None = None, **kwargs):
        self.deal = deal
        super().__init__(data, member=member, **kwargs)
        today = self.sheet.today
        usual = {"price_list": current_list(member.tenant_id, today), "legal_entity": default_entity(member.tenant_id)}
        usual["valid_until"] = today + timedelta(days=VALID_DAYS)
        self.initial = {**usual, "opportunity": deal, "title": deal.name if deal else "", **self.initial}
        self.fields["title"].required = self.fields["valid_until"].required = False

    @property
    def account_id(self) -> int | None:
        return self.deal.account_id if self.deal else None
