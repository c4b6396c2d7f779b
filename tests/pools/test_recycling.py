"""The job: what it takes, when, once; reminders first; the dry run tells the truth (INV-L6, INV-L7, F5, F9, D2)."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.core.activities import actions as activities
from crm.core.calendars import day_start
from crm.core.events.models import Event
from crm.core.events.schedule import jobs
from crm.core.notifications.models import Notification
from crm.core.notifications.texts import text_of
from crm.core.pools import actions as pools
from crm.core.pools import exemptions, recycling
from crm.core.pools.models import Pool
from crm.core.pools.preview import preview
from crm.core.tenancy.state import enter
from leads import actions, tasks
from leads.models import Lead
from tests.leads.build import default_pool, held, in_pool

pytestmark = pytest.mark.django_db
SHANGHAI = "Asia/Shanghai"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def pool(acme):
    return default_pool(acme.tenant)


def run(acme, when: datetime | None = None) -> None:
    with time_machine.travel(when or timezone.now(), tick=False):
        jobs["leads.recycle"].run(acme.tenant)


def owned(acme, since: datetime, **values) -> Lead:
    lead = held(acme.rep)
    Lead.objects.of(acme.tenant).filter(pk=lead.pk).update(owned_at=since, **values)
    lead.refresh_from_db()
    return lead


def events(acme, verb: str) -> list[Event]:
    return list(Event.objects.of(acme.tenant).filter(kind=f"lead.{verb}").order_by("pk"))


def pooled(acme) -> set[int]:
    return set(Lead.objects.of(acme.tenant).filter(status="pooled").values_list("pk", flat=True))


def test_a_lead_is_reminded_day_by_day_and_then_goes_back(acme, pool):
    lead = owned(acme, at("2024-03-01T15:59:59"))
    for day in range(1, 12):
        for hour in (0, 8, 23):
            run(acme, day_start(date(2024, 3, day), SHANGHAI) + timedelta(hours=hour, minutes=5))
    reminded = [event.changes["reminded_on"][1] for event in events(acme, "reminded")]
    assert reminded == ["2024-03-05", "2024-03-06", "2024-03-07", "2024-03-08"]
    (event,) = events(acme, "recycled")
    assert event.recorded_at == at("2024-03-08T16:05:00")
    assert (event.actor, event.reason, event.source) == (acme.system, "no_followup", "job")
    assert event.changes["owner"] == [acme.rep.pk, None]
    lead.refresh_from_db()
    assert (lead.status, lead.pool, lead.owner, lead.previous_owner) == ("pooled", pool, None, acme.rep)
    assert (lead.return_count, lead.released_at) == (1, at("2024-03-08T16:05:00"))


def test_inv_l7_a_late_job_reminds_first_and_takes_the_next_day(acme):
    lead = owned(acme, at("2024-03-01T15:59:59"))
    run(acme, at("2024-03-20T01:00:00"))
    run(acme, at("2024-03-20T15:59:59"))
    assert pooled(acme) == set() and len(events(acme, "reminded")) == 1
    run(acme, at("2024-03-20T16:00:00"))
    assert pooled(acme) == {lead.pk}


def test_a_follow_up_after_the_reminder_keeps_the_lead(acme):
    owned(acme, at("2024-03-01T15:59:59"))
    run(acme, at("2024-03-08T01:00:00"))
    with time_machine.travel(at("2024-03-08T15:50:00"), tick=False):
        activities.log([Lead.objects.of(acme.tenant).get()], by=acme.rep, type="call")
    run(acme, at("2024-03-08T16:00:00"))
    run(acme, at("2024-03-14T16:00:00"))
    assert pooled(acme) == set()
    run(acme, at("2024-03-15T16:00:00"))
    assert len(pooled(acme)) == 1


def test_inv_l7_a_reminder_from_before_a_follow_up_does_not_count_for_the_new_days(acme):
    lead = owned(acme, at("2024-03-01T15:59:59"))
    run(acme, at("2024-03-08T01:00:00"))
    with time_machine.travel(at("2024-03-08T02:00:00"), tick=False):
        activities.log([lead], by=acme.rep, type="call")
    run(acme, at("2024-03-20T01:00:00"))
    assert pooled(acme) == set() and len(events(acme, "reminded")) == 2
    run(acme, at("2024-03-20T16:00:00"))
    assert pooled(acme) == {lead.pk}


def test_an_edit_a_short_note_and_a_colleagues_call_keep_nothing(acme):
    lead = owned(acme, at("2024-03-01T15:59:59"))
    run(acme, at("2024-03-08T01:00:00"))
    with time_machine.travel(at("2024-03-08T02:00:00"), tick=False):
        actions.update_lead(lead, by=acme.rep, needs="more")
        activities.log([lead], by=acme.rep, type="wechat", note="hi")
        activities.log([lead], by=acme.rep, type="note", note="a long note that is no contact at all")
        activities.log([lead], by=acme.manager, type="call")
    run(acme, at("2024-03-08T16:00:00"))
    assert pooled(acme) == {lead.pk}


def test_without_reminders_a_lead_goes_back_at_its_midnight(acme, pool):
    pools.update_pool(pool, by=acme.admin, remind_days=0)
    lead = owned(acme, at("2024-03-01T15:59:59"))
    run(acme, at("2024-03-08T15:59:59"))
    assert pooled(acme) == set()
    run(acme, at("2024-03-08T16:00:00"))
    assert pooled(acme) == {lead.pk} and events(acme, "reminded") == []


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "America/New_York"])
def test_f9_each_pool_counts_the_days_of_its_own_zone_whatever_the_database_thinks(acme, pool, zone):
    pools.update_pool(pool, by=acme.admin, remind_days=0, tz=zone)
    base = at("2024-02-28T23:30:00")
    lead = owned(acme, base)
    midnight = day_start(timezone.localdate(base, pool.zone) + timedelta(days=8), zone)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Pacific/Auckland'")
    run(acme, midnight - timedelta(seconds=1))
    assert pooled(acme) == set()
    run(acme, midnight)
    assert pooled(acme) == {lead.pk}


def test_f9_a_clock_set_back_takes_nothing_twice_and_nothing_early(acme, pool):
    lead = owned(acme, at("2024-03-01T15:59:59"), reminded_on=date(2024, 3, 8))
    for when in ("2024-03-08T16:10:00", "2024-03-08T15:10:00", "2024-03-08T16:10:00"):
        run(acme, at(when))
    assert pooled(acme) == {lead.pk} and len(events(acme, "recycled")) == 1 and events(acme, "reminded") == []


def test_exempt_leads_stay(acme, pool):
    long_ago, reminded = at("2024-01-01T00:00:00"), {"reminded_on": date(2024, 1, 5)}
    owned(acme, long_ago, locked=True, **reminded)
    owned(acme, long_ago, protected_until=date(2024, 3, 9), **reminded)
    owned(acme, long_ago, status="nurturing", **reminded)
    free = owned(acme, long_ago, protected_until=date(2024, 3, 8), **reminded)
    run(acme, at("2024-03-08T16:30:00"))
    assert pooled(acme) == {free.pk}


@pytest.fixture
def registries():
    kept = [*exemptions.protections], [*exemptions.absences]
    yield
    exemptions.protections[:], exemptions.absences[:] = kept


def test_other_apps_and_absences_protect_sets_of_leads(acme, registries):
    long_ago, reminded = at("2024-01-01T00:00:00"), {"reminded_on": date(2024, 1, 5)}
    safe, away, free = (owned(acme, long_ago, region=name, **reminded) for name in ("safe", "away", "free"))
    exemptions.protect("OPEN_DEAL", "has an open deal", lambda model: Q(region="safe") if model is Lead else None)
    exemptions.excuse("ABSENT", "has an owner on leave", lambda model: Q(region="away"))
    exemptions.protect("SILENT", "says nothing", lambda model: None)
    readings = {lead.pk: exemptions.exemption_of(lead, date(2024, 3, 9)) for lead in (safe, away, free)}
    assert [reading and reading.code for reading in readings.values()] == ["OPEN_DEAL", "ABSENT", None]
    rows = exemptions.with_protection(Lead.objects.of(acme.tenant))
    assert dict(rows.values_list("region", "protection")) == {"safe": "OPEN_DEAL", "away": "ABSENT", "free": ""}
    run(acme, at("2024-03-08T16:30:00"))
    assert pooled(acme) == {free.pk}


def test_what_comes_back_often_waits_for_review(acme, pool):
    lead = owned(acme, at("2024-01-01T00:00:00"), reminded_on=date(2024, 1, 5), return_count=2)
    once = owned(acme, at("2024-01-01T00:00:00"), reminded_on=date(2024, 1, 5), return_count=1)
    run(acme, at("2024-03-08T16:30:00"))
    lead.refresh_from_db(), once.refresh_from_db()
    assert (lead.in_review, lead.return_count, once.in_review) == (True, 3, False)
    pools.update_pool(pool, by=acme.admin, review_after_returns=0)
    never = owned(acme, at("2024-01-01T00:00:00"), reminded_on=date(2024, 1, 5), return_count=50)
    run(acme, at("2024-03-08T16:40:00"))
    never.refresh_from_db()
    assert (never.status, never.in_review) == ("pooled", False)


def test_f5_twice_in_chunks_and_with_nothing_left_changes_each_lead_once(acme, monkeypatch):
    monkeypatch.setattr(recycling, "CHUNK", 3)
    leads = {owned(acme, at("2024-01-01T00:00:00"), reminded_on=date(2024, 1, 5)).pk for _ in range(7)}
    near = [owned(acme, at("2024-03-03T00:00:00")) for _ in range(4)]
    for minutes in (0, 0, 10, 700):
        run(acme, at("2024-03-08T16:30:00") + timedelta(minutes=minutes))
    assert pooled(acme) == leads
    assert sorted(event.subject_id for event in events(acme, "recycled")) == sorted(leads)
    assert sorted(event.subject_id for event in events(acme, "reminded")) == sorted(lead.pk for lead in near)
    assert Notification.objects.of(acme.tenant).filter(kind="lead.recycled").count() == 7
    assert Notification.objects.of(acme.tenant).filter(kind="lead.reminder").count() == 4


def test_owners_are_told_in_words(acme, pool):
    owned(acme, at("2024-03-01T15:59:59"), name="苏州精工")
    run(acme, at("2024-03-08T01:00:00"))
    run(acme, at("2024-03-08T17:00:00"))
    with translation.override("en"):
        told = [text_of(notice) for notice in Notification.objects.of(acme.tenant).order_by("pk")]
    assert [text.title for text in told] == [
        "“苏州精工” goes back to the pool on 03/09/2024",
        f"“苏州精工” went back to the pool “{pool.name}”",
    ]
    assert "days without a follow-up" in told[0].body
    assert told[0].url == f"/acme/leads/{Lead.objects.of(acme.tenant).get().pk}/"


def test_other_companies_leads_and_pools_stay_out(acme, globex):
    lead = owned(acme, at("2024-01-01T00:00:00"), reminded_on=date(2024, 1, 5))
    with enter(globex.tenant):
        jobs["leads.recycle"].run(globex.tenant)
    assert pooled(acme) == set() and lead.owner == acme.rep


def test_the_statements_of_a_run_do_not_grow_with_the_leads(acme, django_assert_max_num_queries):
    for _ in range(20):
        owned(acme, at("2024-01-01T00:00:00"), reminded_on=date(2024, 1, 5))
    with django_assert_max_num_queries(60):
        run(acme, at("2024-03-08T16:30:00"))
    assert len(pooled(acme)) == 20


days = st.none() | st.integers(1, 10)
rule_sets = st.fixed_dictionaries(
    {
        "no_followup_days": days, "no_deal_days": days, "no_first_contact_days": days,
        "remind_days": st.integers(0, 4), "tz": st.sampled_from(["", "America/New_York", "Pacific/Kiritimati"]),
    }
)  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=rule_sets)
def test_d2_the_dry_run_names_exactly_what_the_job_then_takes(acme, rules):
    """For random rule sets: preview, save, run, run again the same day, run after midnight."""
    now = at("2024-03-10T12:00:00")
    if not Lead.objects.of(acme.tenant).exists():
        for n in range(24):
            since = now - timedelta(hours=11 * n)
            values = {
                "last_followup_at": since + timedelta(hours=5 * (n % 7)) if n % 3 else None,
                "reminded_on": date(2024, 3, 10) - timedelta(days=n % 4) if n % 2 else None,
                "protected_until": date(2024, 3, 9) + timedelta(days=n % 4) if n % 5 == 0 else None,
            }
            owned(acme, since, first_response_at=values["last_followup_at"], **values)
    pool = Pool.objects.of(acme.tenant).get()
    with transaction.atomic():
        before = pooled(acme)
        with time_machine.travel(now, tick=False):
            foreseen = preview(pool, **rules)
        pools.update_pool(pool, by=acme.admin, **rules)
        run(acme, now)
        at_once = pooled(acme)
        run(acme, now + timedelta(minutes=10))
        assert pooled(acme) == at_once, "the same day took more"
        midnight = day_start(timezone.localdate(now, pool.zone) + timedelta(days=1), pool.zone)
        run(acme, midnight)
        assert pooled(acme) - before == {lead.pk for lead in foreseen.rows}
        assert foreseen.count == len(foreseen.rows)
        transaction.set_rollback(True)


def test_the_dry_run_changes_nothing_and_counts_people(acme, pool):
    owned(acme, timezone.now() - timedelta(days=30), reminded_on=timezone.localdate() - timedelta(days=20))
    in_pool(acme.admin)
    before = Event.objects.of(acme.tenant).count()
    found = preview(pool, no_followup_days=3)
    assert (found.count, found.people) == (1, 1)
    assert Event.objects.of(acme.tenant).count() == before
    pool.refresh_from_db()
    assert pool.no_followup_days == 7


def test_the_job_is_registered_every_ten_minutes():
    assert (jobs["leads.recycle"].minutes, jobs["leads.recycle"].run) == (10, tasks.recycle)
