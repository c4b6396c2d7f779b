"""Months and weeks of the cash calendar, by local dates; weeks run from Monday to Sunday."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from receivables.due_dates import add_months, month_end

MONTH, WEEK = "month", "week"
AROUND = {MONTH: (6, 6), WEEK: (5, 12)}  # periods before and after the current one
_TEXT = re.compile(r"(?P<year>20[0-9]{2})-(?:(?P<month>0[1-9]|1[0-2])|W(?P<week>0[1-9]|[1-4][0-9]|5[0-3]))", re.ASCII)


@dataclass(frozen=True)
class Span:
    """One month or week, both ends included; `text` is "2026-11" or "2026-W47"."""

    by: str
    first: date
    last: date

    @classmethod
    def of(cls, day: date, by: str) -> "Span":
        if by == MONTH:
            return cls(by, day.replace(day=1), month_end(day))
        monday = day - timedelta(days=day.weekday())
        return cls(by, monday, monday + timedelta(days=6))

    @classmethod
    def parse(cls, text: str) -> "Span":
        """ValidationError for anything else than a month or an ISO week."""
        found = _TEXT.fullmatch(text or "")
        try:
            if found and found["week"]:
                return cls.of(date.fromisocalendar(int(found["year"]), int(found["week"]), 1), WEEK)
            if found:
                return cls.of(date(int(found["year"]), int(found["month"]), 1), MONTH)
        except ValueError:
            pass
        raise ValidationError({"period": _("Write a month (2026-11) or a week (2026-W47).")})

    @property
    def text(self) -> str:
        if self.by == MONTH:
            return f"{self.first:%Y-%m}"
        year, week, _day = self.first.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def label(self) -> str:
        if self.by == MONTH:
            return date_format(self.first, "YEAR_MONTH_FORMAT")
        return f"{self.first:%Y-%m-%d} – {self.last:%m-%d}"

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    def shifted(self, n: int) -> "Span":
        if self.by == MONTH:
            return Span.of(add_months(self.first, n), MONTH)
        return Span.of(self.first + timedelta(days=7 * n), WEEK)


def spans(today: date, by: str) -> list[Span]:
    """The calendar's periods around today."""
    if by not in AROUND:
        raise ValidationError({"by": _("Choose month or week.")})
    before, after = AROUND[by]
    return [Span.of(today, by).shifted(n) for n in range(-before, after + 1)]
