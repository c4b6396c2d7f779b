"""The next version of a pipeline: its name and mode, its open stages in order, and the name of the won one."""

from decimal import Decimal
from uuid import uuid4

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _

from crm.core.web.forms import MemberForm

from .models import Category, Pipeline

SPARE_ROWS = 2
OPEN_CATEGORIES = [(value, label) for value, label in Category.choices if value != Category.CLOSED]


class StageForm(forms.Form):
    key = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Stage"), max_length=100)
    percent = forms.DecimalField(
        label=_("Win probability, %"), min_value=Decimal("0.01"), max_value=Decimal("99.99"), decimal_places=2
    )
    category = forms.ChoiceField(label=_("Forecast category"), choices=OPEN_CATEGORIES, initial=Category.PIPELINE)
    reference_days = forms.IntegerField(label=_("Usual days"), min_value=1, max_value=3650, required=False)
    buyer_stage = forms.CharField(label=_("The buyer's step"), max_length=100, required=False)

    @property
    def columns(self) -> dict:
        """Of Stage; a new stage gets a key of its own, a kept one keeps the key that ties the versions together."""
        values = {name: self.cleaned_data[name] for name in ("name", "category", "reference_days", "buyer_stage")}
        key = self.cleaned_data["key"] or f"s{uuid4().hex[:12]}"
        return {"key": key, "probability": self.cleaned_data["percent"] / 100, **values}


class StageFormSet(BaseFormSet):
    def add_fields(self, form, index):
        """Inputs stand in a table, whose heads are no labels: each says by itself what it is."""
        super().add_fields(form, index)
        form.fields["ORDER"].label, form.fields["DELETE"].label = _("Order"), _("Remove")
        for field in form.fields.values():
            field.widget.attrs["aria-label"] = field.label

    def stages(self) -> list[dict]:
        """The rows that stay, in their order; those without a number last."""
        return [form.columns for form in self.ordered_forms]


Stages = formset_factory(StageForm, formset=StageFormSet, extra=SPARE_ROWS, can_order=True, can_delete=True, max_num=30)


class PipelineForm(MemberForm):
    """Holds the set of stage forms too, so that a view sees one form."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=100)
    mode = forms.ChoiceField(
        label=_("Order of the stages"), choices=Pipeline.Mode,
        help_text=_("Strict: one stage forward at a time, back only with a reason."),
    )  # fmt: skip
    won_name = forms.CharField(label=_("Name of the won stage"), max_length=100)

    def __init__(self, data=None, *, pipeline: Pipeline, member):
        *open_stages, won = pipeline.stages.order_by("order")
        initial = {"name": pipeline.name, "mode": pipeline.mode, "won_name": won.name, "version": pipeline.version}
        super().__init__(data, member=member, initial=initial)
        self.won = won
        self.stages = Stages(data, prefix="stages", initial=[_row(stage) for stage in open_stages])

    def is_valid(self):
        fine = super().is_valid()
        if self.is_bound and not self.stages.is_valid():
            self.add_error(None, _("Correct the stages below."))
            return False
        return fine

    @property
    def values(self) -> dict:
        won = {"key": self.won.key, "name": self.cleaned_data["won_name"], "probability": Decimal(1),
               "buyer_stage": self.won.buyer_stage}  # fmt: skip
        return {
            "name": self.cleaned_data["name"], "mode": self.cleaned_data["mode"],
            "expected": self.cleaned_data["version"], "stages": [*self.stages.stages(), won],
        }  # fmt: skip


def _row(stage) -> dict:
    shown = ("key", "name", "category", "reference_days", "buyer_stage")
    percent = f"{(stage.probability * 100).normalize():f}"
    return {**{name: getattr(stage, name) for name in shown}, "percent": percent, "ORDER": stage.order}
