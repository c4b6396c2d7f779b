"""Why a file cannot be read, in a sentence that says what to do."""

from django.utils.translation import gettext_lazy as _

from crm.core.errors import Refused


class Unreadable(Refused):
    """The file cannot be read. `code` is for programs, the text for the person who chose the file (422)."""

    status = 422

    def __init__(self, code: str, message):
        super().__init__(message, code=code)


def broken() -> Unreadable:
    return Unreadable("BROKEN", _("The file is damaged or incomplete. Open it in Excel, save it again and try again."))


def encrypted() -> Unreadable:
    return Unreadable("ENCRYPTED", _("The file is protected by a password. Save it without a password and try again."))


def no_spreadsheet() -> Unreadable:
    return Unreadable("NOT_SPREADSHEET", _("This file is not a table. Choose an Excel workbook (.xlsx) or a CSV file."))
