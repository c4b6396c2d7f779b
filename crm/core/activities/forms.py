"""What a person types after a call or a visit: short, and it ends with the next step."""

from datetime import datetime, time, timedelta

from django import forms
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.web.forms import MemberForm
from crm.core.web.rendering import DateInput

from .models import Activity

# When on the day of the next step its task falls due, in the company's zone.
MORNING = time(9)


class Next(TextChoices):
    """When to come back: days from today."""

    TOMORROW = "tomorrow", _("Tomorrow")
    THREE_DAYS = "three_days", _("In 3 days")
    NEXT_WEEK = "next_week", _("Next week")


DAYS = {Next.TOMORROW: 1, Next.THREE_DAYS: 3, Next.NEXT_WEEK: 7}


class MomentInput(forms.DateTimeInput):
    """The browser's own field for date and time; read in the company's zone."""

    def __init__(self):
        super().__init__({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class SeveralFiles(forms.FileField):
    """Any number of files; `clean` gives a list."""

    widget = forms.FileInput()

    def clean(self, data, initial=None):
        return [super(SeveralFiles, self).clean(one) for one in data or []]


class FilesInput(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data, files, name):
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name, [])


class NextStepForm(MemberForm):
    """The end of every entry: what comes next, and when."""

    next = forms.ChoiceField(label=_("Next step"), choices=Next, required=False, widget=forms.RadioSelect)
    next_date = forms.DateField(label=_("or on"), required=False, widget=DateInput)
    next_step = forms.CharField(label=_("What is to be done"), max_length=200, required=False)

    def clean(self):
        values = super().clean()
        if (day := self._day(values)) and day <= timezone.localdate():
            self.add_error("next_date", _("Choose a day after today."))
        return values

    def _day(self, values):
        """The date if one is given, else what the chip says."""
        days = DAYS.get(values.get("next"))
        return values.get("next_date") or (timezone.localdate() + timedelta(days=days) if days else None)

    @property
    def next_at(self) -> datetime | None:
        """The morning of the chosen day in the company's zone, or None."""
        day = self._day(self.cleaned_data)
        return timezone.make_aware(datetime.combine(day, MORNING)) if day else None


class ActivityForm(NextStepForm):
    type = forms.ChoiceField(label=_("Type"), choices=Activity.Type, initial=Activity.Type.CALL)
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    outcome = forms.ChoiceField(label=_("Outcome"), choices=[("", "—"), *Activity.Outcome.choices], required=False)
    occurred_at = forms.DateTimeField(
        label=_("When"), required=False, widget=MomentInput, help_text=_("Leave empty for now.")
    )
    files = SeveralFiles(label=_("Files"), required=False, widget=FilesInput)

    field_order = ["type", "outcome", "note", "occurred_at", "next", "next_date", "next_step", "files"]

    @property
    def values(self) -> dict:
        """The arguments of `actions.log`."""
        chosen = {name: self.cleaned_data[name] for name in ("type", "note", "outcome", "occurred_at", "files")}
        return {**chosen, "next_step": self.cleaned_data["next_step"], "next_at": self.next_at}


class TaskForm(MemberForm):
    title = forms.CharField(label=_("Task"), max_length=200)
    due_at = forms.DateTimeField(label=_("Due"), widget=MomentInput)

    @property
    def values(self) -> dict:
        return self.cleaned_data


class FileForm(MemberForm):
    file = forms.FileField(label=_("File"))
