"""Local days, workdays and periods: every business date is a date of somebody's zone (domain.md 0.1).

Instants are aware datetimes; `zone` is a name of the tz database ("Asia/Shanghai") or a ZoneInfo.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import holidays
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

DAY = timedelta(days=1)
Kind = Literal["month", "quarter", "year", "all"]


def zone_info(zone: str | ZoneInfo) -> ZoneInfo:
    """The zone of a name; ZoneInfoNotFoundError (a KeyError) for an unknown one."""
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)


def local_date(instant: datetime, zone: str | ZoneInfo) -> date:
    """The date that a calendar on the wall of `zone` shows at `instant`. ValueError for a naive datetime."""
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(zone_info(zone)).date()


def day_start(day: date, zone: str | ZoneInfo) -> datetime:
    """The UTC instant at which `day` begins in `zone`: midnight, or the first moment after a gap over midnight."""
    return datetime.combine(day, time.min, tzinfo=zone_info(zone)).astimezone(UTC)


def days_between(base: datetime, now: datetime, zone: str | ZoneInfo) -> int:
    """Whole local calendar days from `base` to `now` (domain.md 6.2); negative when `now` is earlier."""
    return (local_date(now, zone) - local_date(base, zone)).days


def passes_at(base: datetime, days: int, zone: str | ZoneInfo) -> datetime:
    """The earliest UTC instant at which days_between(base, …) exceeds `days`: a local midnight (WC-19)."""
    return day_start(local_date(base, zone) + timedelta(days=days + 1), zone)


class _Year(NamedTuple):
    days_off: frozenset[date]
    made_up: frozenset[date]  # weekend days on which people work (调休)
    published: bool  # the year's official table is known, nothing is estimated


@lru_cache(maxsize=256)
def _year(country: str, year: int) -> _Year:
    """One year of a country's public calendar; an unknown country or year has weekends only."""
    try:
        # Neighbours too: a table may move a workday across New Year.
        table = holidays.country_holidays(country, years=(year - 1, year, year + 1))
    except NotImplementedError:
        return _Year(frozenset(), frozenset(), False)
    made_up = frozenset(day for day in table.weekend_workdays if day.year == year)
    days_off = frozenset(day for day in table if day.year == year)
    # China's table appears each November for the next year and always moves some workdays.
    return _Year(days_off, made_up, bool(made_up) if country == "CN" else bool(days_off))


@dataclass(frozen=True)
class Workdays:
    """Which days people work: a country's public calendar below a company's own days.

    `overrides` says for single dates whether they are worked. Nothing raises for a year whose
    table is unknown: it falls back to weekends and estimated holidays, and `warning` says so.
    """

    country: str = "CN"
    overrides: Mapping[date, bool] = field(default_factory=dict)

    def is_workday(self, day: date) -> bool:
        if day in self.overrides:
            return self.overrides[day]
        year = _year(self.country, day.year)
        return day in year.made_up or (day.weekday() < 5 and day not in year.days_off)

    def is_estimated(self, year: int) -> bool:
        """Whether the year's official table is not known."""
        return not _year(self.country, year).published

    def warning(self, year: int) -> str:
        """A sentence for the user when the year is estimated, else ""."""
        if not self.is_estimated(year):
            return ""
        return gettext(
            "The official holidays of %(year)d are not known yet, so workdays are estimated. "
            "Enter the holidays of your company in the settings."
        ) % {"year": year}

    def add_workdays(self, day: date, count: int) -> date:
        """The workday that is `count` workdays after `day` (before, when negative).

        0 gives `day` itself when it is worked, else the next workday.
        """
        step = -DAY if count < 0 else DAY
        left = abs(count)
        while left or not self.is_workday(day):
            day += step
            left -= left > 0 and self.is_workday(day)
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """Workdays after `start` up to and including `end`; negative when `end` is earlier."""
        if end < start:
            return -self.workdays_between(end, start)
        return sum(self.is_workday(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


_PERIOD = re.compile(r"(?P<year>(?:19|2[0-9])[0-9]{2})(?:-(?P<month>0[1-9]|1[0-2])|-Q(?P<quarter>[1-4]))?", re.ASCII)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Period:
    """A month, quarter or year of local dates, or all of time. Both ends belong to it."""

    kind: Kind
    start: date | None  # None: all
    end: date | None

    @classmethod
    def parse(cls, text: str) -> "Period":
        """The period of "2026-11", "2026-Q4", "2026" or "all". ValidationError for anything else."""
        if text == "all":
            return cls.all()
        found = _PERIOD.fullmatch(text.upper())
        if not found:
            raise ValidationError(
                _("This is not a period. Write a month (2026-11), a quarter (2026-Q4), a year (2026) or “all”."),
                code="PERIOD",
            )
        year = int(found["year"])
        if found["month"]:
            return cls.of(date(year, int(found["month"]), 1), "month")
        if found["quarter"]:
            return cls.of(date(year, int(found["quarter"]) * 3, 1), "quarter")
        return cls.of(date(year, 1, 1), "year")

    @classmethod
    def all(cls) -> "Period":
        return cls("all", None, None)

    @classmethod
    def of(cls, day: date, kind: Kind) -> "Period":
        """The period of this kind that holds `day`."""
        if kind == "all":
            return cls.all()
        months = _MONTHS[kind]
        start = date(day.year, (day.month - 1) // months * months + 1, 1)
        return cls(kind, start, _shift(start, months) - DAY)

    def contains(self, day: date | None) -> bool:
        """Whether the date falls into the period; no date falls only into all of time."""
        if self.start is None or self.end is None:
            return True
        return day is not None and self.start <= day <= self.end

    def instants(self, zone: str | ZoneInfo) -> tuple[datetime, datetime] | None:
        """The first UTC instant of the period in `zone` and the first one after it; None for all of time."""
        if self.start is None or self.end is None:
            return None
        return day_start(self.start, zone), day_start(self.end + DAY, zone)

    @property
    def previous(self) -> "Period":
        return self if self.start is None else Period.of(self.start - DAY, self.kind)

    @property
    def next(self) -> "Period":
        return self if self.end is None else Period.of(self.end + DAY, self.kind)

    @property
    def label(self) -> str:
        """What the user reads, in the active language."""
        if self.start is None:
            return gettext("All periods")
        if self.kind == "month":
            return date_format(self.start, "YEAR_MONTH_FORMAT")
        if self.kind == "quarter":
            return gettext("Q%(quarter)d %(year)d") % {"quarter": (self.start.month + 2) // 3, "year": self.start.year}
        return gettext("Year %(year)d") % {"year": self.start.year}

    def __str__(self) -> str:
        """The text that `parse` reads."""
        if self.start is None:
            return "all"
        if self.kind == "quarter":
            return f"{self.start.year}-Q{(self.start.month + 2) // 3}"
        return f"{self.start:%Y-%m}" if self.kind == "month" else str(self.start.year)


def _shift(first: date, months: int) -> date:
    """The first of the month that is `months` after the first of a month."""
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
