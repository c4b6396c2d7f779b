"""Local days at their boundaries (WC-19), workdays with make-up days, periods (reliability.md F9, F10)."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from crm.core.calendars import (
    Period,
    Workdays,
    day_start,
    days_between,
    local_date,
    passes_at,
)

SECOND = timedelta(seconds=1)
zones = st.sampled_from(sorted(available_timezones()))
instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("base", "days", "zone", "earliest"),
    [
        ("2024-03-01T15:59:59", 7, "Asia/Shanghai", "2024-03-08T16:00:00"),
        ("2024-03-01T16:00:01", 7, "Asia/Shanghai", "2024-03-09T16:00:00"),
        ("2024-03-09T17:00:00", 1, "America/New_York", "2024-03-11T04:00:00"),
        ("2024-11-02T16:00:00", 1, "America/New_York", "2024-11-04T05:00:00"),
        ("2024-03-08T15:50:00", 7, "Asia/Shanghai", "2024-03-15T16:00:00"),
        ("2024-03-01T12:00:00", 3, "Asia/Shanghai", "2024-03-04T16:00:00"),
    ],
)
def test_recycling_at_zone_boundaries(base, days, zone, earliest):
    at = passes_at(utc(base), days, zone)
    assert at == utc(earliest)
    assert days_between(utc(base), at, zone) == days + 1
    assert days_between(utc(base), at - SECOND, zone) == days


def test_the_last_days_before_recycling():
    base = utc("2024-03-01T15:59:59")
    noons = [day_start(date(2024, 3, day), "Asia/Shanghai") + timedelta(hours=12) for day in (5, 6, 7, 8, 9)]
    assert [7 - days_between(base, noon, "Asia/Shanghai") for noon in noons] == [3, 2, 1, 0, -1]


@pytest.mark.parametrize(
    ("instant", "zone", "expected"),
    [
        ("2024-02-28T10:00:00", "Pacific/Kiritimati", date(2024, 2, 29)),
        ("2024-02-29T09:59:59", "Pacific/Kiritimati", date(2024, 2, 29)),
        ("2024-02-29T10:00:00", "Pacific/Kiritimati", date(2024, 3, 1)),
        ("2024-03-01T11:59:59", "Etc/GMT+12", date(2024, 2, 29)),
        ("2024-12-31T23:59:59", "UTC", date(2024, 12, 31)),
        ("2024-12-31T23:59:59", "Asia/Shanghai", date(2025, 1, 1)),
        ("2025-01-01T11:59:59", "Etc/GMT+12", date(2024, 12, 31)),
        ("2023-02-28T16:00:00", "Asia/Shanghai", date(2023, 3, 1)),
    ],
)
def test_local_date(instant, zone, expected):
    assert local_date(utc(instant), zone) == expected


def test_an_instant_of_any_offset_is_the_same_instant():
    shifted = utc("2024-03-01T16:00:01").astimezone(timezone(timedelta(hours=-12)))
    assert local_date(shifted, ZoneInfo("Asia/Shanghai")) == date(2024, 3, 2)
    with pytest.raises(ValueError, match="time zone"):
        local_date(datetime(2024, 3, 1), "Asia/Shanghai")


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00:00"),  # 00:00 did not exist
        (date(2018, 2, 18), "America/Sao_Paulo", "2018-02-18T03:00:00"),  # 23:00 came twice
        (date(2024, 11, 3), "America/Havana", "2024-11-03T04:00:00"),  # 00:00 came twice
        (date(2011, 12, 30), "Pacific/Apia", "2011-12-30T10:00:00"),  # the day did not exist
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00:00"),
    ],
)
def test_days_that_begin_strangely(day, zone, start):
    assert day_start(day, zone) == utc(start)


@given(instants, zones, st.integers(0, 400))
def test_a_deadline_is_the_first_instant_that_is_late(base, zone, days):
    at = passes_at(base, days, zone)
    assert days_between(base, at, zone) > days
    assert days_between(base, at - SECOND, zone) <= days


@given(instants, zones)
def test_every_instant_lies_in_its_day(instant, zone):
    day = local_date(instant, zone)
    assert day_start(day, zone) <= instant < day_start(day + timedelta(days=1), zone) + timedelta(hours=1)


# Workdays


def test_china_works_on_make_up_days_and_rests_on_holidays():
    days = Workdays()
    assert days.is_workday(date(2026, 2, 14)) and days.is_workday(date(2026, 2, 28))  # Saturdays
    assert not days.is_workday(date(2026, 2, 17)) and not days.is_workday(date(2026, 10, 1))
    assert not days.is_workday(date(2026, 11, 21)) and days.is_workday(date(2026, 11, 20))
    assert not days.is_estimated(2026) and days.warning(2026) == ""


def test_the_company_says_otherwise():
    days = Workdays(overrides={date(2026, 11, 20): False, date(2026, 11, 21): True})
    assert not days.is_workday(date(2026, 11, 20)) and days.is_workday(date(2026, 11, 21))


def test_adding_and_counting_workdays():
    days = Workdays()
    assert days.add_workdays(date(2026, 2, 13), 1) == date(2026, 2, 14)
    assert days.add_workdays(date(2026, 2, 14), 1) == date(2026, 2, 24)  # the Spring Festival lies between
    assert days.add_workdays(date(2026, 2, 24), -1) == date(2026, 2, 14)
    assert days.add_workdays(date(2026, 2, 17), 0) == date(2026, 2, 24)
    assert days.add_workdays(date(2026, 2, 24), 0) == date(2026, 2, 24)
    assert days.workdays_between(date(2026, 2, 13), date(2026, 2, 24)) == 2
    assert days.workdays_between(date(2026, 2, 24), date(2026, 2, 13)) == -2


@given(st.dates(date(2020, 1, 1), date(2026, 12, 31)), st.integers(-40, 40).filter(bool))
def test_adding_is_the_inverse_of_counting(day, count):
    days = Workdays()
    end = days.add_workdays(day, count)
    assert days.is_workday(end)
    counted = days.workdays_between(day, end)
    assert counted == count or (count < 0 and counted in (count, count + 1, count - 1))


@pytest.mark.parametrize("year", [1900, 2027, 2031, 2099, 2150, 9998])
def test_an_unknown_year_is_estimated_and_never_fails(year):
    days = Workdays()
    monday = next(date(year, 3, day) for day in range(1, 8) if date(year, 3, day).weekday() == 0)
    assert days.is_estimated(year)
    assert days.is_workday(monday) and not days.is_workday(monday - timedelta(days=1))
    with translation.override("en"):
        assert str(year) in days.warning(year)


def test_an_unknown_country_has_weekends_only():
    days = Workdays("XX")
    assert days.is_estimated(2026)
    assert days.is_workday(date(2026, 10, 1)) and not days.is_workday(date(2026, 2, 14))


def test_another_country():
    days = Workdays("DE")
    assert not days.is_estimated(2026)
    assert not days.is_workday(date(2026, 12, 25)) and days.is_workday(date(2026, 10, 1))


# Periods


@pytest.mark.parametrize(
    ("text", "start", "end", "previous", "following"),
    [
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "2024-01", "2024-03"),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28), "2023-01", "2023-03"),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31), "2026-11", "2027-01"),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), "2026-Q3", "2027-Q1"),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31), "2025-Q4", "2026-Q2"),
        ("2026", date(2026, 1, 1), date(2026, 12, 31), "2025", "2027"),
        ("all", None, None, "all", "all"),
    ],
)
def test_periods(text, start, end, previous, following):
    period = Period.parse(text)
    assert (period.start, period.end) == (start, end)
    assert (str(period), str(period.previous), str(period.next)) == (text, previous, following)
    assert period.contains(start) and period.contains(end)
    assert period.contains(None) is (text == "all")
    if start and end:
        assert not period.contains(start - timedelta(days=1)) and not period.contains(end + timedelta(days=1))


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-00", "2026-Q5", "26", "ALL ", "2026-1", "9999", "0001-01", "２０２６", "2026-11\n"]
)
def test_what_is_no_period_is_said(text):
    with pytest.raises(ValidationError):
        Period.parse(text)


def test_a_period_as_instants_of_a_zone():
    assert Period.parse("2026-11").instants("Asia/Shanghai") == (utc("2026-10-31T16:00:00"), utc("2026-11-30T16:00:00"))
    assert Period.all().instants("Asia/Shanghai") is None


def test_labels():
    with translation.override("en"):
        labels = [Period.parse(text).label for text in ("2026-11", "2026-Q4", "2026", "all")]
    assert labels == ["November 2026", "Q4 2026", "Year 2026", "All periods"]


@given(st.dates(date(1901, 1, 1), date(2998, 12, 31)), st.sampled_from(["month", "quarter", "year"]))
def test_periods_tile_the_calendar(day, kind):
    period = Period.of(day, kind)
    assert period.contains(day)
    assert Period.parse(str(period)) == period == period.next.previous == period.previous.next
