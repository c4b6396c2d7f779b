"""When a receivable falls due (domain.md 6.15, WC-12). All dates are business dates of the tenant."""

from calendar import monthrange
from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.calendars import Workdays


class Term(models.TextChoices):
    NET_DAYS = "net_days", _("days after")
    MONTHS = "months", _("months after")
    END_OF_MONTH = "end_of_month", _("days after the end of the month")
    MONTH_END_AFTER = "month_end_after", _("end of the month, months after")


class Shift(models.TextChoices):
    NONE = "none", _("as it falls")
    NEXT = "next", _("next workday")
    PREVIOUS = "previous", _("previous workday")


SAID = {
    Term.NET_DAYS: _("%(n)s days after"), Term.MONTHS: _("%(n)s months after"),
    Term.END_OF_MONTH: _("%(n)s days after the end of the month"),
    Term.MONTH_END_AFTER: _("end of the month, %(n)s months after"),
}  # fmt: skip


def said(term: str, n: int) -> str:
    """The term with its number, in the reader's language: “30 days after”."""
    return SAID[Term(term)] % {"n": n}


def due_date(base: date, term: str, n: int, shift: str = Shift.NONE, workdays: Workdays | None = None) -> date:
    """The day that `n` days or months after `base` fall on, moved off a day without work if so agreed."""
    due = {
        Term.NET_DAYS: lambda: base + timedelta(days=n),
        Term.MONTHS: lambda: add_months(base, n),
        Term.END_OF_MONTH: lambda: month_end(base) + timedelta(days=n),
        Term.MONTH_END_AFTER: lambda: month_end(add_months(base, n)),
    }[Term(term)]()
    return _shifted(due, shift, workdays or Workdays())


def add_months(day: date, n: int) -> date:
    """The same day `n` months later, clamped to the month's last."""
    index = day.year * 12 + day.month - 1 + n
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _shifted(day: date, shift: str, workdays: Workdays) -> date:
    step = {Shift.NONE: 0, Shift.NEXT: 1, Shift.PREVIOUS: -1}[Shift(shift)]
    while step and not workdays.is_workday(day):
        day += timedelta(days=step)
    return day
