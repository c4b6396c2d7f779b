"""When a lead goes back: worked case WC-19, and the clock in Python against the sets in SQL."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.core.calendars import local_date
from crm.core.pools import clock, due
from crm.core.pools.clock import RULES
from crm.core.pools.exemptions import LOCKED, NO_POOL, PROTECTED, RESTING
from crm.core.pools.models import Pool
from leads.models import Lead

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def pool_of(zone: str, days: int, remind_days: int = 0, **rules) -> Pool:
    return Pool(tz=zone, no_followup_days=days, no_deal_days=None, remind_days=remind_days, **rules)


def lead_of(owned_at: datetime, **values) -> Lead:
    lead = Lead(status=Lead.Status.ASSIGNED, owned_at=owned_at, **values)
    lead.protection = ""
    return lead


def read(lead: Lead, pool: Pool, now: datetime) -> clock.Clock:
    lead.home_pool = pool
    return clock.read(lead, now)


@pytest.mark.parametrize(
    ("base", "days", "zone", "earliest"),
    [
        ("2024-03-01T15:59:59", 7, SHANGHAI, "2024-03-08T16:00:00"),
        ("2024-03-01T16:00:01", 7, SHANGHAI, "2024-03-09T16:00:00"),
        ("2024-03-09T17:00:00", 1, NEW_YORK, "2024-03-11T04:00:00"),
        ("2024-11-02T16:00:00", 1, NEW_YORK, "2024-11-04T05:00:00"),
    ],
)
def test_wc19_the_earliest_return_is_a_local_midnight(base, days, zone, earliest):
    lead, pool = lead_of(at(base)), pool_of(zone, days)
    assert read(lead, pool, at(base)).returns_at == at(earliest)
    assert not read(lead, pool, at(earliest) - timedelta(seconds=1)).is_due(at(earliest) - timedelta(seconds=1))
    assert read(lead, pool, at(earliest)).is_due(at(earliest))


def test_wc19_a_follow_up_late_on_the_last_day_starts_the_days_anew():
    lead = lead_of(at("2024-03-01T15:59:59"), last_followup_at=at("2024-03-08T15:50:00"))
    assert read(lead, pool_of(SHANGHAI, 7), at("2024-03-08T15:51:00")).returns_at == at("2024-03-15T16:00:00")


def test_wc19_reminders_are_due_on_the_last_four_days():
    pool = pool_of(SHANGHAI, 7, remind_days=3)
    reminded = {}
    lead = lead_of(at("2024-03-01T15:59:59"))
    for hours in range(0, 24 * 12):
        now = at("2024-03-01T16:00:00") + timedelta(hours=hours)
        lead.home_pool = pool
        if clock.needs_reminder(lead, now):
            lead.reminded_on = local_date(now, SHANGHAI)
            reminded[lead.reminded_on] = clock.read(lead, now).remaining_days
    assert reminded == {date(2024, 3, 5): 3, date(2024, 3, 6): 2, date(2024, 3, 7): 1, date(2024, 3, 8): 0}


def test_wc19_without_a_reminder_on_an_earlier_day_the_return_waits():
    lead, pool = lead_of(at("2024-03-01T15:59:59")), pool_of(SHANGHAI, 7, remind_days=3)
    late = at("2024-03-09T01:00:00")
    reading = read(lead, pool, late)
    assert (reading.remaining_days, reading.is_due(late)) == (-1, False)
    assert reading.returns_at == at("2024-03-09T16:00:00")
    lead.reminded_on = date(2024, 3, 9)
    assert not read(lead, pool, late).is_due(late)
    assert read(lead, pool, at("2024-03-09T16:00:00")).is_due(at("2024-03-09T16:00:00"))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu"])
@pytest.mark.parametrize("base", ["2024-02-28T23:59:59", "2024-12-31T23:59:59", "2023-03-31T10:00:00"])
def test_days_are_whole_local_days_at_the_ends_of_months_and_of_the_world(zone, base):
    lead, pool = lead_of(at(base)), pool_of(zone, 1)
    returns_at = read(lead, pool, at(base)).returns_at
    assert local_date(returns_at, zone) == local_date(at(base), zone) + timedelta(days=2)
    assert local_date(returns_at - timedelta(seconds=1), zone) == local_date(at(base), zone) + timedelta(days=1)


def test_the_earliest_rule_names_itself_and_what_resets_it():
    pool = Pool(tz=SHANGHAI, no_followup_days=30, no_deal_days=10, no_first_contact_days=2, remind_days=0)
    fresh = lead_of(at("2024-03-01T00:00:00"))
    assert read(fresh, pool, at("2024-03-01T00:00:00")).rule.key == "no_first_contact"
    fresh.first_response_at = fresh.last_followup_at = at("2024-03-02T00:00:00")
    reading = read(fresh, pool, at("2024-03-02T00:00:00"))
    assert (reading.rule.key, reading.base) == ("no_deal", at("2024-03-01T00:00:00"))
    assert all(str(rule.resets) and str(rule.label) for rule in RULES)


@pytest.mark.parametrize(
    ("values", "pool_values", "exemption"),
    [
        ({"locked": True}, {}, LOCKED),
        ({"protected_until": date(2024, 3, 20)}, {}, PROTECTED),
        ({"protected_until": date(2024, 3, 19)}, {}, None),
        ({"status": Lead.Status.NURTURING}, {}, RESTING),
        ({}, {"is_active": False}, NO_POOL),
    ],
)
def test_what_exempts_a_lead(values, pool_values, exemption):
    lead = lead_of(at("2024-03-01T00:00:00"))
    for name, value in values.items():
        setattr(lead, name, value)
    pool = pool_of(SHANGHAI, 7, **pool_values)
    reading = read(lead, pool, at("2024-03-19T16:00:00"))
    assert reading.exemption == exemption
    assert (reading.returns_at is None) == (exemption is not None)


ZONES = [SHANGHAI, NEW_YORK, "Pacific/Kiritimati", "Etc/GMT+12", "Europe/Lisbon", "America/Havana", "Africa/Cairo"]
NOW = at("2024-03-10T12:00:00")
hours_ago = st.integers(0, 24 * 20).map(lambda hours: NOW - timedelta(hours=hours, minutes=hours % 60))
days_or_none = st.none() | st.integers(1, 12)
leads = st.fixed_dictionaries(
    {
        "owned_at": hours_ago,
        "last_followup_at": st.none() | hours_ago,
        "first_response_at": st.none() | hours_ago,
        "reminded_on": st.none() | st.integers(-3, 12).map(lambda days: date(2024, 3, 10) - timedelta(days=days)),
        "protected_until": st.none() | st.integers(-3, 3).map(lambda days: date(2024, 3, 10) + timedelta(days=days)),
        "locked": st.sampled_from([False, False, False, True]),
        "status": st.sampled_from([*Lead.OWNED]),
    }
)
rules = st.fixed_dictionaries(
    {
        "tz": st.sampled_from(ZONES),
        "no_followup_days": days_or_none,
        "no_deal_days": days_or_none,
        "no_first_contact_days": days_or_none,
        "remind_days": st.integers(0, 5),
    }
)
SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@pytest.fixture
def twelve(acme):
    """Twelve held leads and their pool, to be rewritten for each example."""
    pool = Pool.objects.of(acme.tenant).get()
    made = [
        Lead(tenant=acme.tenant, name=f"Lead {n}", status="assigned", owner=acme.rep, owned_at=NOW, home_pool=pool)
        for n in range(12)
    ]
    return SimpleNamespace(pool=pool, rows=Lead._base_manager.bulk_create(made))


@pytest.mark.django_db
@settings(max_examples=60, **SLOW)
@given(data=st.lists(leads, min_size=12, max_size=12), rules=rules, hours=st.integers(-30, 30))
def test_python_and_sql_agree_on_every_lead(acme, twelve, data, rules, hours):
    now = NOW + timedelta(hours=hours)
    for name, value in rules.items():
        setattr(twelve.pool, name, value)
    for row, values in zip(twelve.rows, data, strict=True):
        Lead.objects.of(acme.tenant).filter(pk=row.pk).update(**values)
        for name, value in values.items():
            setattr(row, name, value)
        row.home_pool, row.protection = twelve.pool, ""
    taken = set(due.returning(Lead, twelve.pool, now).values_list("pk", flat=True))
    assert taken == {row.pk for row in twelve.rows if clock.read(row, now).is_due(now)}
    reminded = set(due.reminding(Lead, twelve.pool, now).values_list("pk", flat=True))
    assert reminded == {row.pk for row in twelve.rows if clock.needs_reminder(row, now)}
    assert not taken & reminded
