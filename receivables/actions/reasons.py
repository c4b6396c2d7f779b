"""Every act that takes money back or gives it up says why."""

from django.utils.translation import gettext_lazy as _

from crm.core.errors import ValidationError


def said(reason: str, name: str = "reason") -> str:
    """The reason without blanks around it; ValidationError for the field `name` when there is none."""
    if not reason.strip():
        raise ValidationError({name: _("Say why.")})
    return reason.strip()
