"""How Django's forms become HTML: our templates, the phone keyboard that fits, and selects that search."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.urls import reverse
from django.utils.translation import ngettext_lazy

from .numbers import is_whole

KEYBOARDS = {"tel": "tel", "email": "email", "url": "url", "number": "decimal", "search": "search"}
# Sentences of Django's forms that its Chinese catalogue lacks; named here so that ours holds them.
BORROWED = (
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
        8,
    ),
)


class FormRenderer(TemplatesSetting):
    """Renders forms and fields with templates/forms/; used for every form through FORM_RENDERER."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"

    def render(self, template_name, context, request=None):
        widget = context.get("widget")
        if widget and widget.get("type") in KEYBOARDS:
            attrs = {"inputmode": KEYBOARDS[widget["type"]], **widget["attrs"]}
            context = {**context, "widget": {**widget, "attrs": attrs}}
        return super().render(template_name, context, request)


class PickerSelect(forms.Select):
    """A select over many rows: it offers only what is chosen, the browser asks `url_name` for the rest.

    `url_name` names a page of the company that answers `?q=` with JSON
    `{"results": [{"id", "text", "note"}]}`. `scope_to(member)` must run before rendering.
    """

    template_name = "forms/picker.html"

    def __init__(self, url_name: str, attrs: dict[str, Any] | None = None):
        super().__init__(attrs)
        self.url_name, self.url = url_name, ""

    def scope_to(self, member) -> None:
        self.url = reverse(self.url_name, kwargs={"tenant": member.tenant.slug})

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["url"] = self.url
        return context

    def optgroups(self, name, value, attrs=None):
        """Only the chosen rows, one query at most, whatever the size of the table."""
        chosen = [pk for pk in value if is_whole(pk)]
        field = getattr(self.choices, "field", None)
        rows = field.queryset.filter(pk__in=chosen) if field and chosen else ()
        option = self.create_option
        return [(None, [option(name, row.pk, str(row), True, i)], i) for i, row in enumerate(rows)]


class DateInput(forms.DateInput):
    """The browser's own date field; it speaks ISO in every language."""

    def __init__(self, attrs: dict[str, Any] | None = None):
        super().__init__({"type": "date", **(attrs or {})}, format="%Y-%m-%d")
