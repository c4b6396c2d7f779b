"""How a collection plan is typed: its mode and its lines, whose parts are worked out while one types."""

from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core.errors import Refused, ValidationError
from crm.core.web.forms import MemberForm
from crm.core.web.numbers import is_whole
from crm.core.web.rendering import DateInput
from receivables.due_dates import Shift, Term
from receivables.models import Plan, Receivable
from receivables.plan_lines import MAX_LINES, MAX_N, TEMPLATES, cleaned, part

Mode = Plan.Mode
PREFIX = "lines"
NEW_LINE = {"kind": "other", "trigger": "sign", "n": 7, "term": "net_days", "shift": "none"}


class PlanLineForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind of payment"), choices=Receivable.Kind, initial=Receivable.Kind.OTHER)
    percent = forms.DecimalField(
        label=_("Percent"), required=False, min_value=0, max_value=100, max_digits=9, decimal_places=6
    )
    amount = forms.DecimalField(label=_("Amount"), required=False, min_value=0, max_digits=18, decimal_places=2)
    trigger = forms.ChoiceField(label=_("Falls due"), choices=Receivable.Trigger, initial=Receivable.Trigger.SIGN)
    n = forms.IntegerField(label=_("Number"), required=False, min_value=0, max_value=MAX_N)
    term = forms.ChoiceField(label=_("Rule"), choices=Term, initial=Term.NET_DAYS)
    date = forms.DateField(label=_("Date"), required=False, widget=DateInput())
    shift = forms.ChoiceField(label=_("On a day without work"), choices=Shift, initial=Shift.NONE)

    @property
    def by_date(self) -> bool:
        """Whether the line asks for a date rather than for a rule."""
        return self["trigger"].value() == Receivable.Trigger.DATE

    def clean(self):
        if self.cleaned_data.get("trigger") == Receivable.Trigger.DATE and not self.cleaned_data.get("date"):
            self.add_error("date", _("Enter the date."))
        return self.cleaned_data

    @property
    def line(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


class PlanLineSet(BaseFormSet):
    def add_fields(self, form, index):
        """Inputs stand in a table, whose heads are no labels: each says by itself what it is."""
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs["aria-label"] = field.label


LINES = formset_factory(
    PlanLineForm, formset=PlanLineSet, extra=0, max_num=MAX_LINES, absolute_max=MAX_LINES + 1, validate_max=True
)


class PlanForm(MemberForm):
    """Holds the set of line forms too, so that a view sees one form."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    mode = forms.ChoiceField(label=_("How the amount is parted"), choices=Mode)

    def __init__(self, data=None, *, total: Decimal, lines: list[dict] | None = None, **kwargs):
        super().__init__(data, **kwargs)
        self.total = total
        self.lines = LINES(_turned(data), initial=lines or [{}], prefix=PREFIX)
        self.shown_mode = (data or self.initial).get("mode") or Mode.PERCENT

    def clean(self):
        if not self.lines.is_valid():
            self.add_error(None, _("Correct the lines first."))
        return super().clean()

    @property
    def expected(self) -> int | None:
        return self.cleaned_data["version"]

    @property
    def values(self) -> dict[str, Any]:
        return {"mode": self.cleaned_data["mode"], "lines": self.typed}

    @property
    def typed(self) -> list[dict]:
        """The lines, without what the mode does not ask for."""
        unused = {"amount": (Mode.PERCENT, Mode.EQUAL), "percent": (Mode.AMOUNT, Mode.EQUAL)}
        mode = self.shown_mode
        return [{k: v for k, v in row.line.items() if mode not in unused.get(k, ())} for row in self.lines]

    @property
    def asks_percent(self) -> bool:
        return self.shown_mode in (Mode.PERCENT, Mode.MIXED)

    @property
    def asks_amount(self) -> bool:
        return self.shown_mode in (Mode.AMOUNT, Mode.MIXED)

    def preview(self) -> dict[str, Any]:
        """{parts, refusal}: what each line comes to, or the sentence that says why it cannot be parted."""
        lines = self.typed if self.lines.is_bound and self.lines.is_valid() else self.lines.initial or []
        if self.lines.is_bound and not self.lines.is_valid():
            return {"parts": [], "refusal": _("Correct the lines first.")}
        try:
            return {"parts": part(self.total, self.shown_mode, cleaned(lines)), "refusal": ""}
        except Refused as refused:
            return {"parts": [], "refusal": str(refused)}
        except ValidationError as error:
            return {"parts": [], "refusal": " ".join(error.messages)}


def _turned(data):
    """What was typed, with one line more or less when a button asks for it."""
    if not data or not ("add" in data or "drop" in data):
        return data or None
    data = data.copy()
    total, dropped = data.get(f"{PREFIX}-TOTAL_FORMS"), data.get("drop")
    count = min(int(total), MAX_LINES) if is_whole(total) else 0
    gone = int(dropped) if is_whole(dropped) else None
    if gone is None:
        if count < MAX_LINES:
            data[f"{PREFIX}-TOTAL_FORMS"] = str(count + 1)
            data.update({f"{PREFIX}-{count}-{name}": str(value) for name, value in NEW_LINE.items()})
        return data
    if count > 1 and gone < count:
        for index in range(gone, count - 1):
            for name in PlanLineForm.base_fields:
                data[f"{PREFIX}-{index}-{name}"] = data.get(f"{PREFIX}-{index + 1}-{name}", "")
        data[f"{PREFIX}-TOTAL_FORMS"] = str(count - 1)
    return data


def started(contract: Contract, template: str) -> dict[str, Any]:
    """What a new plan begins with: a template, the standard one by default."""
    chosen = TEMPLATES.get(template) or TEMPLATES["standard"]
    return {"initial": {"mode": chosen.mode}, "lines": chosen.lines(contract)}
