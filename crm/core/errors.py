"""The two ways to say no: a refusal of the rules, and input that cannot be accepted."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

__all__ = ["Busy", "Conflict", "Forbidden", "Refused", "ValidationError"]


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


class Busy(Refused):
    """A lock was not to be had in time, or two writers waited for each other; nothing was saved (409)."""

    # PostgreSQL's codes: lock_not_available, deadlock_detected.
    PGCODES = frozenset({"55P03", "40P01"})

    def __init__(self):
        super().__init__(
            _("Somebody else is changing the same records right now. Nothing was saved; try again."), code="BUSY"
        )

    @classmethod
    def explains(cls, error: Exception) -> bool:
        return getattr(error.__cause__, "pgcode", None) in cls.PGCODES


class Forbidden(Refused):
    """The member's roles do not allow the act on this record (403)."""

    status = 403

    def __init__(self, action: str = ""):
        super().__init__(_("Your role does not allow this. Ask your administrator."), code="FORBIDDEN")
        self.action = action
