"""Forms whose relations offer only what the member may see."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.choices import BlankChoiceIterator
from django.utils.translation import gettext as _

from crm.core.errors import Refused
from crm.core.tenancy.fields import TenantForeignKey


class ScopedChoiceField(forms.ModelChoiceField):
    """A choice among the rows of `model` visible to the form's member; empty until bound to one."""

    def __init__(self, model, *, narrow=None, **kwargs):
        self.model, self.narrow = model, narrow
        super().__init__(model._base_manager.none(), **kwargs)

    def scope_to(self, member) -> None:
        rows = self.model.objects.visible_to(member)
        self.queryset = self.narrow(rows) if self.narrow else rows


class ScopedMultipleChoiceField(forms.ModelMultipleChoiceField):
    """Several among the rows of `model` visible to the form's member."""

    def __init__(self, model, **kwargs):
        self.model = model
        super().__init__(model._base_manager.none(), **kwargs)

    def scope_to(self, member) -> None:
        self.queryset = self.model.objects.visible_to(member)


class MemberForm(forms.Form):
    """A form filled in by `member` (required keyword)."""

    def __init__(self, *args, member, **kwargs):
        self.member = member
        super().__init__(*args, **kwargs)
        scope_fields(self, member)


class RecordForm(forms.ModelForm):
    """A ModelForm that never saves: views pass `cleaned_data` to an action.

    `version` travels as a hidden field, so that an edit of an old page is a conflict.
    """

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, member, **kwargs):
        self.member = member
        super().__init__(*args, **kwargs)
        if self.instance.pk and hasattr(self.instance, "version"):
            self.initial["version"] = self.instance.version
        else:
            del self.fields["version"]
        scope_fields(self, member)

    def _post_clean(self):
        """Leave the instance alone: records validates the locked row."""

    def validate_unique(self):
        """The database decides (records)."""

    def save(self, commit=True):
        raise NotImplementedError("Pass cleaned_data to an action.")

    @property
    def expected(self) -> int | None:
        return self.cleaned_data.get("version")

    @property
    def values(self) -> dict:
        """What the user entered, without the version."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


HYPHENS = "---------"  # what Django writes for an empty choice


def scope_fields(form, member) -> None:
    model = getattr(getattr(form, "_meta", None), "model", None)
    for name, field in form.fields.items():
        if isinstance(field, ScopedChoiceField | ScopedMultipleChoiceField):
            field.scope_to(member)
        elif isinstance(field, forms.ModelChoiceField) and model and _is_tenant_relation(model, name):
            field.queryset = field.queryset.model.objects.visible_to(member)
        if hasattr(field.widget, "scope_to"):
            field.widget.scope_to(member)
        _name_the_blank(field)


def _name_the_blank(field) -> None:
    """An empty choice asks to choose, or is a dash where nothing need be chosen."""
    blank = _("Choose…") if field.required else "—"
    if isinstance(field, forms.ModelChoiceField):
        field.empty_label = blank if field.empty_label == HYPHENS else field.empty_label
    elif isinstance(field, forms.ChoiceField) and isinstance(field.choices, list | BlankChoiceIterator):
        field.choices = [("", blank) if choice == ("", HYPHENS) else choice for choice in field.choices]


def _is_tenant_relation(model, name: str) -> bool:
    return isinstance(model._meta.get_field(name), TenantForeignKey)


def attempt(form, act):
    """Run `act` for a valid form; what it refuses becomes an error of the form, and None is returned.

    The caller's savepoint keeps half a write from staying: wrap `act` in `transaction.atomic()`.
    """
    from django.db import transaction

    if not form.is_valid():
        return None
    try:
        with transaction.atomic():
            return act()
    except Refused as refused:
        if refused.status == 403:
            raise
        form.add_error(None, str(refused))
        form.refused = refused
    except ValidationError as error:
        _add_errors(form, error)
    return None


def _add_errors(form, error: ValidationError) -> None:
    for name, messages in (error.message_dict if hasattr(error, "error_dict") else {None: error.messages}).items():
        for message in messages:
            form.add_error(name if name in form.fields else None, message)
