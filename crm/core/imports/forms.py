"""What the wizard asks."""

import io
from collections.abc import Mapping

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.core.web.forms import MemberForm

from .columns import UNIT_CHOICES
from .importer import CREATE, SKIP, UPDATE, Importer
from .models import Import
from .registry import offered_to

POLICIES = {
    SKIP: _("Leave them as they are"),
    UPDATE: _("Update them with the file"),
    CREATE: _("Create further ones"),
}
UNITS = {
    1: _("as written"),
    1_000: _("in thousands"),
    10_000: _("in 10,000s (万)"),
    1_000_000: _("in millions"),
    100_000_000: _("in 100 millions (亿)"),
}
DATE_ORDERS = [("", _("by themselves, or refuse")), ("dmy", _("day first (22/11/2026)")),
               ("mdy", _("month first (11/22/2026)"))]  # fmt: skip
ERROR_CHOICE, EMPTY_CHOICE = "!error", "!empty"
FEW = 300  # known names that a select can hold


class UploadForm(MemberForm):
    """A file, or rows pasted from a spreadsheet."""

    object = forms.ChoiceField(label=_("What is in the file?"), widget=forms.RadioSelect)
    file = forms.FileField(label=_("File"), required=False)
    text = forms.CharField(
        label=_("Or paste rows with their headers"), required=False, max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip

    def __init__(self, *args, member, **kwargs):
        super().__init__(*args, member=member, **kwargs)
        self.fields["object"].choices = [(importer.key, importer.label) for importer in offered_to(member)]

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("file") and cleaned.get("text", "").strip():
            cleaned["file"] = pasted(cleaned["text"])
        if not cleaned.get("file") and "file" not in self.errors:
            self.add_error("file", _("Choose a file, or paste rows."))
        return cleaned


def pasted(text: str):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(str(_("pasted rows")) + ".csv", io.BytesIO(text.encode("utf-8-sig", "replace")).read())


class OptionsForm(MemberForm):
    """What to do with records that are there already, and with names that are not."""

    policy = forms.ChoiceField(label=_("Records that are there already"), initial=SKIP, required=False)
    create = forms.MultipleChoiceField(
        label=_("Create what is missing"), required=False, widget=forms.CheckboxSelectMultiple
    )
    date_order = forms.ChoiceField(label=_("Dates such as 03/04/2026"), choices=DATE_ORDERS, required=False)

    def __init__(self, *args, importer: type[Importer], **kwargs):
        super().__init__(*args, **kwargs)
        self.importer = importer
        self.fields["policy"].choices = [(policy, POLICIES[policy]) for policy in importer.policies]
        self.fields["create"].choices = [(c.key, c.label) for c in importer.columns if c.creates]
        if not self.fields["create"].choices:
            del self.fields["create"]
        if not any(column.kind == "date" for column in importer.columns):
            del self.fields["date_order"]
        self.fields.update(importer.option_fields(self.member))
        for column in importer.columns:
            if column.kind == "money":
                self.fields[f"unit_{column.key}"] = _unit_field(column)

    def clean(self):
        cleaned = super().clean()
        cleaned["policy"] = cleaned.get("policy") or SKIP
        return cleaned

    @property
    def options(self) -> dict:
        """What Import.options keeps: text, lists and whole numbers only."""
        units = {name[5:]: int(value) for name, value in self.cleaned_data.items() if name[:5] == "unit_" and value}
        plain = {name: _plain(value) for name, value in self.cleaned_data.items() if name[:5] != "unit_"}
        return {**plain, "units": units}

    @classmethod
    def cleaned(cls, importer: type[Importer], by, options: Mapping) -> dict:
        """Options from elsewhere (API, command, an earlier import), checked as the form checks them."""
        if not isinstance(options, Mapping):
            raise ValidationError({"options": _("Send an object: option → value.")})
        form = cls(as_form_data(options), importer=importer, member=by)
        if unknown := sorted(set(form.data) - set(form.fields)):
            raise ValidationError({"options": _("There is no option “%s”.") % unknown[0]})
        if not form.is_valid():
            texts = [f"{name}: {' '.join(errors)}" for name, errors in form.errors.items()]
            raise ValidationError({"options": texts})
        return form.options


def as_form_data(options: Mapping) -> dict:
    """Stored options as the form's own fields."""
    units = options.get("units") or {}
    data = {name: value for name, value in options.items() if name != "units"}
    return {**data, **{f"unit_{key}": value for key, value in dict(units).items()}}


def _unit_field(column) -> forms.Field:
    choices = [("", _("as the header says")), *((str(unit), UNITS[unit]) for unit in UNIT_CHOICES)]
    return forms.ChoiceField(label=_("Amounts: %s") % column.label, choices=choices, required=False)


def _plain(value):
    return str(value.pk) if hasattr(value, "pk") else value.isoformat() if hasattr(value, "isoformat") else value


class ColumnsForm(forms.Form):
    """For each column of the file, the field it fills. Fields are c0, c1, … in the order of the file."""

    def __init__(self, *args, importer: type[Importer], headers: list[str], mapping: Mapping | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.headers = headers
        chosen = {header: key for key, header in (mapping or {}).items()}
        labels = [(c.key, f"{c.label} *" if c.required else c.label) for c in importer.columns]
        for index, header in enumerate(headers):
            self.fields[f"c{index}"] = forms.ChoiceField(
                label=header, required=False, choices=[("", _("— leave out —")), *labels],
                initial=chosen.get(header, ""),
            )  # fmt: skip

    @property
    def mapping(self) -> dict[str, str]:
        """Column key → header. ValidationError when two columns of the file fill one field."""
        mapping: dict[str, str] = {}
        for index, header in enumerate(self.headers):
            if key := self.cleaned_data.get(f"c{index}"):
                if key in mapping:
                    raise ValidationError(
                        _("“%(first)s” and “%(second)s” fill the same field. Leave one of them out.")
                        % {"first": mapping[key], "second": header}
                    )
                mapping[key] = header
        return mapping


class ValuesForm(forms.Form):
    """For each text of the file that nobody knows, the known name it stands for."""

    def __init__(self, *args, importer: Importer, batch: Import, **kwargs):
        super().__init__(*args, **kwargs)
        self.entries: list[tuple[str, str, str]] = []
        for column in importer.columns:
            for text, found in batch.check_report.get("unknown", {}).get(column.key, {}).items():
                self._ask(importer, column, text, found)

    def _ask(self, importer: Importer, column, text: str, found: dict) -> None:
        name = f"v{len(self.entries)}"
        self.entries.append((name, column.key, text))
        known = importer.known_words(column)
        choices = [(ERROR_CHOICE, _("Leave these rows out")), (EMPTY_CHOICE, _("Leave the cell empty")),
                   *((word, word) for word in known)]  # fmt: skip
        few = len(known) <= FEW
        field = forms.ChoiceField(choices=choices) if few else forms.CharField(max_length=200)
        field.label, field.required, field.initial = text, False, found["suggestion"] or (ERROR_CHOICE if few else "")
        field.column, field.count, field.row = column.label, found["count"], found["row"]
        self.fields[name] = field

    @property
    def values(self) -> dict[str, dict[str, str]]:
        chosen: dict[str, dict[str, str]] = {}
        for name, key, text in self.entries:
            meant = self.cleaned_data.get(name) or ERROR_CHOICE
            if meant != ERROR_CHOICE:
                chosen.setdefault(key, {})[text] = "" if meant == EMPTY_CHOICE else meant
        return chosen
