"""The two ways to say no: a refusal of the rules, and input that cannot be accepted."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

__all__ = ["Conflict", "Forbidden", "Refused", "ValidationError"]


class Refused(Exception):
    """A rule says no. The text is a sentence for the user; `code` is for programs (409)."""

    status = 409

    def __init__(self, message, *, code: str = "REFUSED", **data):
        super().__init__(message)
        self.message, self.code, self.data = message, code, data

    def __str__(self):
        return str(self.message)


class Conflict(Refused):
    """The record changed since the user saw it (optimistic `version`)."""

    def __init__(self, record=None):
        super().__init__(
            _("Somebody changed this record meanwhile. Reload the page, check the new values and save again."),
            code="VERSION_CONFLICT",
        )


class Forbidden(Refused):
    """The member's roles do not allow the act on this record (403)."""

    status = 403

    def __init__(self, action: str = ""):
        super().__init__(_("Your role does not allow this. Ask your administrator."), code="FORBIDDEN")
        self.action = action
