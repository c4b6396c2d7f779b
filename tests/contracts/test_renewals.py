"""Renewals: who is told when, what follows, and the rates of WC-29 to the cent."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
import time_machine

from contracts import jobs, renewal_jobs
from contracts.actions import renewals
from contracts.actions.contracts import edit_draft
from contracts.metrics import renewals as metrics
from contracts.models import Contract, Renewal
from crm.core import records
from crm.core.errors import Forbidden, Refused, ValidationError
from crm.core.events.models import Event
from crm.core.notifications.models import Notification
from crm.core.notifications.texts import text_of

from .conftest import line

pytestmark = pytest.mark.django_db
TODAY = date(2030, 3, 1)
DAY = timedelta(days=1)


@pytest.fixture
def held(acme, firm):
    """`held(end, amount)` → a contract that is performed and ends on a day."""
    numbers = iter(range(1, 1000))

    def make(end, amount="1000.00", **values):
        values = {"kind": "service", "status": "performing", "owner": acme.rep, "number": f"X{next(numbers)}", **values}
        return records.create(
            Contract, by=acme.system, title="Care", account=firm.account, legal_entity=firm.entity, end_date=end,
            base_amount=D(amount), effective_amount=D(amount), **values,
        )  # fmt: skip

    return make


@pytest.fixture
def renewed(held):
    """`renewed(contract, amount, status)` → the contract that follows it."""
    return lambda of, amount="1000.00", status="signed": held(None, amount, renewal_of=of, status=status)


def due(acme) -> set[int]:
    rows = metrics.due(Contract.objects.visible_to(acme.rep), acme.tenant, TODAY)
    return set(rows.values_list("pk", flat=True))


# WC-29


def test_wc_29_both_rates_to_the_cent(acme, held, renewed):
    old = [held(TODAY + n * DAY, "100000.00") for n in range(24)]
    for contract in old[:18]:
        renewed(contract, "110000.00")
    found = metrics.rate(metrics.with_outcome(metrics.ending(Contract.objects.of(acme.tenant)), acme.tenant))
    assert (found.due, found.renewed, found.by_count) == (24, 18, D("75.00"))
    assert (found.due_amount, found.renewed_amount) == (D("2400000.00"), D("1980000.00"))
    assert found.by_amount == D("82.50")


def test_nothing_due_has_no_rate(acme):
    found = metrics.rate(metrics.with_outcome(metrics.ending(Contract.objects.of(acme.tenant)), acme.tenant))
    assert (found.due, found.by_count, found.by_amount) == (0, None, None)


@pytest.mark.parametrize(
    ("status", "is_renewed"),
    [("draft", False), ("in_approval", False), ("approved", False), ("signed", True), ("effective", True),
     ("performing", True), ("terminated", True)],
)  # fmt: skip
def test_a_contract_is_renewed_when_the_next_one_is_signed(acme, held, renewed, status, is_renewed):
    contract = held(TODAY)
    renewed(contract, status=status)
    assert (contract.pk not in due(acme)) == is_renewed


# the due list


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(-400, "overdue"), (-1, "overdue"), (0, "30"), (30, "30"), (31, "60"), (60, "60"), (61, "90"), (90, "90"),
     (91, None)],
)  # fmt: skip
def test_buckets_part_the_days_without_gap_or_overlap(acme, held, days, bucket):
    contract = held(TODAY + days * DAY)
    found = metrics.buckets(metrics.due(Contract.objects.of(acme.tenant), acme.tenant, TODAY), TODAY)
    assert {row.key for row in found if row.count} == ({bucket} - {None})
    assert bucket is None or metrics.bucket_of(contract.end_date, TODAY) == bucket


@pytest.mark.parametrize(
    "values", [{"kind": "fixed"}, {"kind": "construction"}, {"status": "draft"}, {"status": "terminated"}]
)
def test_what_does_not_run_out_is_not_due(acme, held, values):
    held(TODAY, **values)
    assert due(acme) == set()


def test_buckets_count_what_is_expected(acme, held):
    contract = held(TODAY + 40 * DAY, "500.00")
    held(TODAY + 50 * DAY, "100.00")
    renewals.assess(contract, by=acme.rep, risk="high", forecast_amount=D("450.00"), note="Wants a rebate")
    found = {row.key: row for row in metrics.buckets(metrics.due(Contract.objects.of(acme.tenant), acme.tenant, TODAY),
                                                     TODAY)}  # fmt: skip
    assert (found["60"].count, found["60"].amount, found["60"].forecast) == (2, D("600.00"), D("550.00"))


# renew and lose


@pytest.fixture
def running(acme, firm, effective):
    def make(**values):
        values = {"start_date": date(2029, 4, 1), "end_date": date(2030, 3, 31), "payment_terms": "30 days", **values}
        return effective(lines=[line("Care", "12000.00", firm.v6, "2", discount=D("5"))], **values)

    return make


def test_renewing_drafts_the_same_for_the_next_term(acme, running):
    contract = running()
    following = renewals.renew(contract, by=acme.rep)
    assert (following.status, following.renewal_of_id, following.number) == ("draft", contract.pk, "")
    assert (following.start_date, following.end_date) == (date(2030, 4, 1), date(2031, 3, 31))
    assert (following.payment_terms, following.kind, following.effective_amount) == (
        "30 days",
        "service",
        D("22800.00"),
    )
    copied = following.lines.get()
    assert (copied.description, copied.quantity, copied.discount) == ("Care", 2, 5)
    edit_draft(following, by=acme.rep, title="Care 2031")


def test_renewing_twice_gives_the_same_draft(acme, running):
    contract = running()
    first = renewals.renew(contract, by=acme.rep)
    assert renewals.renew(contract, by=acme.rep).pk == first.pk
    assert contract.renewals.count() == 1


@pytest.mark.parametrize(
    ("start", "end", "following"),
    [
        (date(2023, 3, 1), date(2024, 2, 29), (date(2024, 3, 1), date(2025, 2, 28))),
        (date(2024, 1, 1), date(2024, 3, 31), (date(2024, 4, 1), date(2024, 6, 30))),
        (None, date(2024, 12, 31), (date(2025, 1, 1), date(2025, 12, 31))),
        (None, None, (None, None)),
    ],
)
def test_the_next_term_is_as_long_in_calendar_months(start, end, following):
    assert renewals.next_dates(Contract(start_date=start, end_date=end)) == following


def test_a_draft_is_not_renewed_and_a_stranger_does_not(acme, draft, running):
    with pytest.raises(Refused):
        renewals.renew(draft(), by=acme.rep)
    for who in (acme.peer, acme.finance, acme.legal, acme.presales):
        with pytest.raises(Forbidden):
            renewals.renew(running(), by=who)


def test_a_lost_renewal_says_why_and_leaves_the_list(acme, held):
    contract = held(TODAY)
    with pytest.raises(ValidationError):
        renewals.lose(contract, by=acme.rep, loss="")
    renewals.lose(contract, by=acme.rep, loss="price", detail="A rival is cheaper")
    assert due(acme) == set()
    with pytest.raises(Refused):
        renewals.lose(contract, by=acme.rep, loss="price")
    with pytest.raises(Forbidden):
        renewals.lose(held(TODAY), by=acme.finance, loss="price")


def test_what_was_lost_may_be_taken_up_again(acme, running):
    contract = running()
    renewals.lose(contract, by=acme.rep, loss="other")
    renewals.renew(contract, by=acme.rep)
    assert Renewal.objects.of(acme.tenant).get().status == "open"


def test_what_is_renewed_is_not_lost(acme, held, renewed):
    contract = held(TODAY)
    renewed(contract)
    with pytest.raises(Refused) as refusal:
        renewals.lose(contract, by=acme.rep, loss="other")
    assert refusal.value.code == "CONTRACT_RENEWED"


# the jobs


def notices(acme) -> list[str]:
    rows = Notification.objects.of(acme.tenant).filter(kind=renewal_jobs.KIND).order_by("pk")
    return [row.dedupe_key.rpartition(":")[2] for row in rows]


def test_the_owner_hears_at_each_step_once(acme, held):
    held(TODAY + 90 * DAY)
    for days in (0, 0, 1, 29, 30, 31, 59, 60, 61, 89, 90, 91, 120):
        renewal_jobs.remind(acme.tenant, TODAY + days * DAY)
    assert notices(acme) == ["90", "60", "30"]
    row = Notification.objects.of(acme.tenant).filter(kind=renewal_jobs.KIND).order_by("pk")[0]
    assert row.recipient_id == acme.rep.pk
    text = text_of(row)
    assert "Care" in text.title
    assert text.body.startswith("90 days left")
    assert text.url.endswith("/renewals/")


def test_after_a_pause_only_the_present_step_is_told(acme, held):
    held(TODAY + 90 * DAY)
    assert renewal_jobs.remind(acme.tenant, TODAY + 45 * DAY) == 1
    assert notices(acme) == ["60"]


def test_an_extension_begins_the_steps_again(acme, held):
    contract = held(TODAY + 30 * DAY)
    renewal_jobs.remind(acme.tenant, TODAY)
    records.update(contract, by=acme.system, end_date=TODAY + 120 * DAY)
    assert renewal_jobs.remind(acme.tenant, TODAY + DAY) == 0
    assert renewal_jobs.remind(acme.tenant, TODAY + 90 * DAY) == 1


def test_who_renewed_or_gave_up_is_left_alone(acme, held, renewed):
    renewed(held(TODAY))
    renewals.lose(held(TODAY), by=acme.rep, loss="other")
    held(TODAY - DAY)
    assert renewal_jobs.remind(acme.tenant, TODAY) == 0


def test_many_are_told_in_chunks(acme, held, monkeypatch):
    monkeypatch.setattr(renewal_jobs, "CHUNK", 2)
    for n in range(5):
        held(TODAY + n * DAY)
    assert renewal_jobs.remind(acme.tenant, TODAY) == 5
    assert renewal_jobs.remind(acme.tenant, TODAY) == 0


def test_what_has_ended_expires_the_day_after_and_only_what_runs_out(acme, held, monkeypatch):
    monkeypatch.setattr(jobs, "CHUNK", 2)
    ended = [held(TODAY - DAY) for _n in range(3)] + [held(TODAY - 90 * DAY, kind="framework")]
    staying = [held(TODAY), held(None), held(TODAY - DAY, kind="fixed"), held(TODAY - DAY, status="effective")]
    assert jobs.expire(acme.tenant, TODAY) == 4
    assert jobs.expire(acme.tenant, TODAY) == 0
    states = dict(Contract.objects.of(acme.tenant).values_list("pk", "status"))
    assert {states[one.pk] for one in ended} == {"expired"}
    assert {states[one.pk] for one in staying} == {"performing", "effective"}
    events = Event.objects.of(acme.tenant).filter(kind="contract.expired")
    assert (events.count(), events.first().changes) == (4, {"status": ["performing", "expired"]})


@pytest.mark.parametrize(("moment", "count"), [("2030-02-28T15:59:59", 0), ("2030-02-28T16:00:00", 1)])
def test_the_day_ends_where_the_company_is(acme, held, moment, count):
    """Midnight of 1 March in Shanghai is 16:00 of the day before in UTC."""
    held(date(2030, 2, 28))
    with time_machine.travel(datetime.fromisoformat(moment).replace(tzinfo=UTC), tick=False):
        assert jobs.expire(acme.tenant) == count
