"""How Django's forms become HTML: our templates, and the phone keyboard that fits each input."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting

KEYBOARDS = {"tel": "tel", "email": "email", "url": "url", "number": "decimal", "search": "search"}


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
