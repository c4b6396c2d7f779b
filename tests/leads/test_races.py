"""Real threads on a real database: claims, quotas, conversion, the job (INV-L2 to INV-L4, INV-L8, F5, F8)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import Account
from crm.core.activities import actions as activities
from crm.core.activities.models import Activity
from crm.core.company import actions as company
from crm.core.errors import Forbidden, Refused
from crm.core.events.models import Event
from crm.core.notifications.models import Notification
from crm.core.people.models import Member
from crm.core.pools import actions as pools
from crm.core.pools import claims, recycling
from crm.core.pools.models import ClaimCounter
from crm.core.tenancy.state import enter
from leads import actions, tasks
from leads.models import Lead
from opportunities.models import Opportunity
from tests.conftest import make_acme

from .build import default_pool, held, in_pool

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def cast():
    return make_acme()


def inside(cast):
    """A transaction in Acme's wall."""
    return _Inside(cast.tenant)


class _Inside:
    def __init__(self, tenant):
        self.wall, self.atomic = enter(tenant), transaction.atomic()

    def __enter__(self):
        self.wall.__enter__()
        self.atomic.__enter__()

    def __exit__(self, *error):
        try:
            self.atomic.__exit__(*error)
        finally:
            self.wall.__exit__(*error)


def at_once(cast, *acts) -> list:
    """Run each act in a thread and a transaction of its own, all starting together; results or refusal codes."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        try:
            with inside(cast):
                barrier.wait(timeout=20)
                return act()
        except Refused as refused:
            return refused.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def fresh(lead_id: int, cast) -> Lead:
    return Lead.objects.of(cast.tenant).get(pk=lead_id)


def hire(cast, count: int) -> list[Member]:
    return [company.add_member(by=cast.system, name=f"Rep {n}", roles=["rep"]) for n in range(count)]


def claiming(cast, lead_id: int, member):
    return lambda: actions.claim(fresh(lead_id, cast), by=Member.objects.of(cast.tenant).get(pk=member.pk)).pk


def test_inv_l2_many_claims_of_one_lead_have_one_winner_and_losers_keep_their_quota(cast):
    with inside(cast):
        lead, reps = in_pool(cast.admin).pk, hire(cast, 12)
    results = at_once(cast, *(claiming(cast, lead, rep) for rep in reps))
    assert sorted(map(str, results)) == sorted([str(lead)] + ["ALREADY_CLAIMED"] * 11)
    with inside(cast):
        assert [counter.count for counter in ClaimCounter.objects.of(cast.tenant)] == [1]
        assert Event.objects.of(cast.tenant).filter(kind="lead.claimed").count() == 1
        winner = fresh(lead, cast).owner
        assert claims.remaining_today(default_pool(cast.tenant), winner) == 4


def test_inv_l3_parallel_claims_for_the_last_slots_of_a_day(cast):
    with inside(cast):
        pools.update_pool(default_pool(cast.tenant), by=cast.admin, daily_claim_limit=3)
        leads = [in_pool(cast.admin).pk for _ in range(8)]
    results = at_once(cast, *(claiming(cast, lead, cast.rep) for lead in leads))
    assert results.count("DAILY_LIMIT") == 5
    with inside(cast):
        assert Lead.objects.of(cast.tenant).filter(owner=cast.rep).count() == 3
        assert ClaimCounter.objects.of(cast.tenant).get().count == 3


def test_inv_l4_claim_assignment_and_transfer_at_once_stay_within_the_holding_limit(cast):
    with inside(cast):
        pools.update_pool(default_pool(cast.tenant), by=cast.admin, holding_limit=2, daily_claim_limit=50)
        pooled = [in_pool(cast.admin).pk for _ in range(6)]
        theirs = [held(cast.peer).pk for _ in range(2)]
    to = lambda: Member.objects.of(cast.tenant).get(pk=cast.rep.pk)  # noqa: E731
    results = at_once(
        cast,
        *(claiming(cast, lead, cast.rep) for lead in pooled[:3]),
        *((lambda pk=pk: actions.assign(fresh(pk, cast), by=cast.manager, to=to()).pk) for pk in pooled[3:]),
        *((lambda pk=pk: actions.transfer(fresh(pk, cast), by=cast.manager, to=to()).pk) for pk in theirs),
    )
    assert results.count("HOLDING_LIMIT") == 6
    with inside(cast):
        assert Lead.objects.of(cast.tenant).filter(owner=cast.rep).count() == 2


def test_two_batches_that_overlap_leave_one_whole_and_one_untouched(cast):
    with inside(cast):
        leads = [in_pool(cast.admin).pk for _ in range(6)]

    def batch(ids, who):
        member = lambda: Member.objects.of(cast.tenant).get(pk=who.pk)  # noqa: E731
        return lambda: len(actions.claim_many([fresh(pk, cast) for pk in ids], by=member()))

    results = at_once(cast, batch(leads[:4], cast.rep), batch(leads[:1:-1], cast.peer))
    assert sorted(map(str, results)) == ["4", "ALREADY_CLAIMED"]
    with inside(cast):
        assert Lead.objects.of(cast.tenant).filter(status="pooled").count() == 2
        assert sum(ClaimCounter.objects.of(cast.tenant).values_list("count", flat=True)) == 4


def test_inv_l8_converting_twice_at_once_makes_one_customer_and_one_deal(cast):
    with inside(cast):
        lead = held(cast.rep).pk
    convert = lambda: actions.convert(  # noqa: E731
        fresh(lead, cast), by=Member.objects.of(cast.tenant).get(pk=cast.rep.pk), opportunity_values={"name": "Deal"}
    )
    results = at_once(cast, *[convert] * 4)
    assert sorted(done.is_new for done in results) == [False, False, False, True]
    assert len({(done.account.pk, done.contact.pk, done.opportunity.pk) for done in results}) == 1
    with inside(cast):
        assert Account.objects.of(cast.tenant).count() == Opportunity.objects.of(cast.tenant).count() == 1


def test_f8_transfer_against_convert_and_return(cast):
    with inside(cast):
        lead = held(cast.rep).pk
    rep = lambda: Member.objects.of(cast.tenant).get(pk=cast.rep.pk)  # noqa: E731
    results = at_once(
        cast,
        lambda: actions.convert(fresh(lead, cast), by=rep()).lead.status,
        lambda: actions.return_to_pool(fresh(lead, cast), by=rep(), reason="x").status,
        lambda: actions.disqualify(fresh(lead, cast), by=rep(), reason="x").status,
    )
    with inside(cast):
        kinds = Event.objects.of(cast.tenant).filter(
            subject_id=lead, kind__in=["lead.converted", "lead.returned", "lead.disqualified"]
        )
        assert fresh(lead, cast).status in results
        assert kinds.count() == len([result for result in results if result in Lead.Status.values])


def test_f5_the_job_at_once_four_times_takes_each_lead_once(cast, monkeypatch):
    monkeypatch.setattr(recycling, "CHUNK", 5)
    with inside(cast):
        for _ in range(24):
            held(cast.rep)
        rows = Lead.objects.of(cast.tenant)
        rows.update(owned_at=timezone.now() - timedelta(days=30), reminded_on=date(2020, 1, 1))

    def run():
        try:
            with enter(cast.tenant):
                tasks.recycle(cast.tenant)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    with inside(cast):
        assert Lead.objects.of(cast.tenant).filter(status="pooled", return_count=1).count() == 24
        assert Event.objects.of(cast.tenant).filter(kind="lead.recycled").count() == 24
        assert Notification.objects.of(cast.tenant).filter(kind="lead.recycled").count() == 24


def test_a_follow_up_against_the_job_is_never_lost(cast):
    """Whoever comes first: the lead is kept, or it is back in the pool; what was said is there either way."""
    with inside(cast):
        lead = held(cast.rep).pk
        Lead.objects.of(cast.tenant).update(owned_at=timezone.now() - timedelta(days=30), reminded_on=date(2020, 1, 1))
    barrier, errors = threading.Barrier(2), []

    def call():
        with inside(cast):
            record, rep = fresh(lead, cast), Member.objects.of(cast.tenant).get(pk=cast.rep.pk)
            barrier.wait(timeout=20)
            activities.log([record], by=rep, type="call")

    def run():
        with enter(cast.tenant):
            barrier.wait(timeout=20)
            tasks.recycle(cast.tenant)

    def safely(act):
        try:
            act()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=safely, args=[act]) for act in (call, run)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    with inside(cast):
        row = fresh(lead, cast)
        assert (row.status, row.owner_id) in (("working", cast.rep.pk), ("pooled", None))
        assert row.status != "pooled" or row.last_followup_at is None
        assert Activity.objects.of(cast.tenant).count() == 1 or isinstance(errors[0], Forbidden)
