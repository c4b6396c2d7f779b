"""A change order as people type it: why, the lines as they shall be, and what moves of each receivable."""

from decimal import Decimal
from typing import Any

from django import forms
from django.forms import formset_factory
from django.utils.translation import gettext_lazy as _

from contracts import change_lines
from contracts.actions.changes import targets
from contracts.actions.contracts import TERMS
from contracts.models import ChangeOrder, Contract, TaxCode
from contracts.spreading import Spread
from crm.core.web.forms import MemberForm, ScopedChoiceField
from crm.core.web.rendering import DateInput

SIGNED: dict[str, Any] = {"max_digits": 18, "decimal_places": 2}
UNSIGNED: dict[str, Any] = {**SIGNED, "min_value": Decimal(0)}
LINE = ("quantity", "unit_price", "amount")
NEW_KINDS = [
    ("advance", _("Advance")), ("progress", _("Progress")), ("acceptance", _("Acceptance")),
    ("retention", _("Retention")), ("service", _("Service")), ("other", _("Other")),
]  # fmt: skip


class _Row(MemberForm):
    """A row of a table, whose heads are no labels: each input says by itself what it is."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name = self.initial.get("name", "")
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label} · {name}" if name else field.label
            if not self.initial.get("now"):
                field.widget.attrs["placeholder"] = field.label


class LineChangeForm(_Row):
    line = forms.IntegerField(widget=forms.HiddenInput)
    quantity = forms.DecimalField(label=_("Quantity"), max_digits=14, decimal_places=3, min_value=Decimal(0))
    unit_price = forms.DecimalField(label=_("Unit price"), **UNSIGNED)
    amount = forms.DecimalField(label=_("Amount"), **UNSIGNED)

    @property
    def change(self) -> dict:
        """What differs from the contract; an amount that was left alone follows quantity and price."""
        now, given = self.initial["now"], self.cleaned_data
        differs = {name: given[name] for name in LINE if given[name] != getattr(now, name)}
        if {"quantity", "unit_price"} & set(self.changed_data) and "amount" not in self.changed_data:
            differs.pop("amount", None)
        return {"line": now.pk, **differs}


class NewLineForm(_Row):
    description = forms.CharField(label=_("New line"), max_length=300, required=False)
    tax_code = ScopedChoiceField(TaxCode, label=_("Tax"), required=False, empty_label=_("Choose"))
    quantity = forms.DecimalField(
        label=_("Quantity"), max_digits=14, decimal_places=3, min_value=Decimal(0), required=False
    )
    unit_price = forms.DecimalField(label=_("Unit price"), required=False, **UNSIGNED)

    @property
    def change(self) -> dict:
        return {**self.cleaned_data, "line": None}


class EffectForm(_Row):
    receivable = forms.IntegerField(widget=forms.HiddenInput)
    delta = forms.DecimalField(label=_("Change"), required=False, **SIGNED)
    due_date = forms.DateField(label=_("New due date"), required=False, widget=DateInput())

    @property
    def effect(self) -> dict:
        return {**self.cleaned_data, "receivable": self.initial["receivable"]}


class NewEffectForm(_Row):
    delta = forms.DecimalField(label=_("New receivable"), required=False, **UNSIGNED)
    kind = forms.ChoiceField(label=_("Kind"), choices=NEW_KINDS, initial="other", required=False)
    due_date = forms.DateField(label=_("Due"), required=False, widget=DateInput())

    @property
    def effect(self) -> dict:
        return {**self.cleaned_data, "receivable": None}


class ChangeForm(MemberForm):
    """Holds the tables of lines and receivables too, so that a view sees one form."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Kind"), choices=ChangeOrder.Kind)
    grounds = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    delta = forms.DecimalField(
        label=_("Change of the amount"), required=False, **SIGNED,
        help_text=_("Negative for a reduction. Leave it empty when you edit the lines below; otherwise it is spread "
                    "over them in proportion."),
    )  # fmt: skip
    new_end_date = forms.DateField(label=_("New end"), required=False, widget=DateInput())
    how = forms.ChoiceField(
        label=_("Spread over the receivables"), choices=Spread, widget=forms.RadioSelect, initial=Spread.PRO_RATA
    )
    target = forms.TypedChoiceField(label=_("The one line"), coerce=int, empty_value=None, required=False)
    excess = forms.ChoiceField(
        label=_("Money that is freed"), choices=ChangeOrder.Excess, widget=forms.RadioSelect,
        initial=ChangeOrder.Excess.CREDIT,
    )  # fmt: skip
    refund_account = forms.CharField(
        label=_("Refund to account"), max_length=100, required=False,
        help_text=_("Empty: the account the money came from."),
    )  # fmt: skip

    def __init__(self, data=None, *, contract: Contract, member, change: ChangeOrder | None = None):
        self.contract, self.targets = contract, targets(contract)
        super().__init__(data, member=member, initial=_start(change))
        self.fields["target"].choices = [("", _("Choose")), *((row["id"], row["label"]) for row in self.targets)]
        for name in TERMS:
            label = Contract._meta.get_field(name).verbose_name
            text = change.terms.get(name, "") if change else ""
            self.fields[name] = forms.CharField(
                label=label, required=False, initial=text or getattr(contract, name),
                widget=forms.Textarea(attrs={"rows": 2}),
            )  # fmt: skip
        common: dict[str, Any] = {"form_kwargs": {"member": member}}
        self.lines = formset_factory(LineChangeForm, extra=0)(
            data, prefix="lines", initial=_lines(contract, change), **common
        )
        self.effects = formset_factory(EffectForm, extra=0)(
            data, prefix="effects", initial=_effects(self.targets, change), **common
        )
        self.new_line = NewLineForm(data, prefix="new_line", member=member, initial=_new_line(change))
        self.new_effect = NewEffectForm(data, prefix="new_effect", member=member, initial=_new_effect(change))

    @property
    def parts(self) -> list:
        return [self.lines, self.effects, self.new_line, self.new_effect]

    @property
    def terms_fields(self):
        return [self[name] for name in TERMS]

    def is_valid(self):
        fine = super().is_valid()
        valid = [part.is_valid() for part in self.parts] if self.is_bound else []
        if not all(valid):
            self.add_error(None, _("Correct the tables below."))
            return False
        return fine

    @property
    def expected(self) -> int | None:
        return self.cleaned_data["version"]

    @property
    def values(self) -> dict:
        """What actions.changes.contents reads."""
        kept = ("kind", "grounds", "delta", "new_end_date", "how", "target", "excess", "refund_account")
        values = {name: self.cleaned_data[name] for name in kept}
        return {**values, "lines": self._lines(), "effects": self._effects(), "terms": self._terms()}

    def _lines(self) -> list[dict] | None:
        """What the table says of the lines; None when an amount was entered instead."""
        touched = any(form.has_changed() for form in self.lines)
        if self.cleaned_data["delta"] is not None and not touched:
            return None
        new = [self.new_line.change] if self.new_line.cleaned_data.get("description") else []
        changed = (form.change for form in self.lines)
        return [*(change for change in changed if len(change) > 1), *new]

    def _effects(self) -> list[dict] | None:
        """What was entered by hand; None when a helper spreads the change."""
        new = [self.new_effect.effect] if self.new_effect.cleaned_data.get("delta") else []
        by_hand = self.cleaned_data["how"] == Spread.HAND or new
        dates = any(form.cleaned_data.get("due_date") for form in self.effects)
        return [*(form.effect for form in self.effects), *new] if by_hand or dates else None

    def _terms(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in TERMS if self.cleaned_data[name]}


def _start(change: ChangeOrder | None) -> dict:
    if change is None:
        return {}
    names = ("version", "kind", "grounds", "new_end_date", "excess", "refund_account")
    return {**{name: getattr(change, name) for name in names}, "how": Spread.HAND}


def _lines(contract: Contract, change: ChangeOrder | None) -> list[dict]:
    """The lines as the draft has them, each with its name and what it is now."""
    rows = {row.pk: row for row in contract.lines.select_related("product")}
    wanted = {line["line"]: line for line in change.lines} if change else {}
    found = []
    for now in change_lines.current(contract):
        values = {name: Decimal(wanted.get(now["line"], now)[name]) for name in LINE}
        row = rows[now["line"]]
        found.append({"line": row.pk, "name": row.description or str(row.product), "now": row, **values})
    return found


def _effects(rows: list[dict], change: ChangeOrder | None) -> list[dict]:
    moved = {effect["receivable"]: effect for effect in change.effects} if change else {}
    return [
        {
            "receivable": row["id"], "name": row["label"], "now": row,
            "delta": Decimal(moved[row["id"]]["delta"]) if row["id"] in moved else None,
            "due_date": moved.get(row["id"], {}).get("due_date") or None,
        }
        for row in rows
    ]  # fmt: skip


def _new_line(change: ChangeOrder | None) -> dict:
    new = next((line for line in change.lines if line["line"] is None), None) if change else None
    return {name: new[name] for name in ("description", "tax_code", "quantity", "unit_price")} if new else {}


def _new_effect(change: ChangeOrder | None) -> dict:
    return next((effect for effect in change.effects if effect["receivable"] is None), {}) if change else {}
