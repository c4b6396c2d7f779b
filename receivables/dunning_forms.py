"""What people type about reminders: the ladder, promises, disputes, requests."""

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.web.forms import MemberForm, RecordForm
from crm.core.web.rendering import DateInput
from receivables.dunning_rules import CUSTOMER, DEFAULT_STEPS, Level, Recipient, Step
from receivables.models import CreditClass, DunningPolicy


class PolicyForm(RecordForm):
    """A policy and its rungs: the day of each, empty to leave it out, and who hears of it."""

    credit_class = forms.ChoiceField(
        label=_("Credit class"), required=False,
        choices=[("", _("Everybody without a policy of their class")), *CreditClass.Letter.choices],
    )  # fmt: skip

    class Meta:
        model = DunningPolicy
        fields = ["name", "credit_class", "min_gap_days", "rep_lead_hours", "daily_rate", "is_active"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        steps = {step.level: step for step in (self.instance.ladder if self.instance.pk else DEFAULT_STEPS)}
        for level in Level:
            self._add_step(level, steps.get(level))

    def _add_step(self, level: Level, step: Step | None) -> None:
        offered = [one for one in Recipient.choices if level != Level.LEGAL or one[0] != CUSTOMER]
        self.fields[f"days_{level}"] = forms.IntegerField(
            label=_("%(step)s: day") % {"step": level.label}, required=False, min_value=-365, max_value=3650,
            initial=step.days if step else None,
        )  # fmt: skip
        self.fields[f"to_{level}"] = forms.MultipleChoiceField(
            label=_("%(step)s: to") % {"step": level.label}, required=False, choices=offered,
            widget=forms.CheckboxSelectMultiple, initial=list(step.to) if step else [],
        )  # fmt: skip

    @property
    def rungs(self) -> list[tuple]:
        """(label, field of the day, field of the readers) of each rung."""
        return [(level.label, self[f"days_{level}"], self[f"to_{level}"]) for level in Level]

    @property
    def plain_fields(self) -> list:
        return [self[name] for name in self._meta.fields]

    @property
    def values(self) -> dict:
        data = self.cleaned_data
        steps = [
            Step(int(level), data[f"days_{level}"], tuple(data[f"to_{level}"]))
            for level in Level
            if data.get(f"days_{level}") is not None
        ]
        return {**{name: data[name] for name in self._meta.fields}, "steps": steps}


class PromiseForm(MemberForm):
    promised_for = forms.DateField(label=_("Promised for"), widget=DateInput())
    amount = forms.DecimalField(
        label=_("Amount"), required=False, max_digits=18, decimal_places=2, help_text=_("Empty: the whole balance.")
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=300, help_text=_("Who said it, and how."))


class GroundsForm(MemberForm):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
