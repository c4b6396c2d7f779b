"""Claim limits and cool-off: worked case WC-20, row by row (INV-L3, INV-L4, INV-L5)."""

from datetime import UTC, datetime

import pytest
import time_machine

from crm.core.company import actions as company
from crm.core.errors import Forbidden, Refused
from crm.core.events.models import Event
from crm.core.pools import actions as pools
from crm.core.pools import claims
from crm.core.pools.models import ClaimCounter, Pool
from leads import actions
from leads.models import Lead
from tests.leads.build import default_pool, held, in_pool

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def pool(acme):
    return default_pool(acme.tenant)


def some(acme, count: int, **values) -> list[Lead]:
    return [in_pool(acme.admin, **values) for _ in range(count)]


def refusal(code: str):
    return pytest.raises(Refused, check=lambda refused: refused.code == code)


def free(leads):
    return Lead.objects.of(leads[0].tenant_id).filter(pk__in=[lead.pk for lead in leads], owner=None).count()


def test_the_defaults_of_a_new_company(pool):
    wanted = {
        "no_followup_days": 7, "no_deal_days": 90, "remind_days": 3, "daily_claim_limit": 5, "cool_off_days": 3,
        "holding_limit": 100, "count_dealt": False, "is_default": True, "everyone": True, "mask_contacts": True,
    }  # fmt: skip
    assert {name: getattr(pool, name) for name in wanted} == wanted


def test_wc20_the_sixth_claim_of_a_day_waits_for_local_midnight(acme):
    leads = some(acme, 6)
    with time_machine.travel(at("2024-03-01T15:59:00"), tick=False):
        for lead in leads[:5]:
            actions.claim(lead, by=acme.rep)
    with time_machine.travel(at("2024-03-01T15:59:30"), tick=False), refusal("DAILY_LIMIT") as refused:
        actions.claim(leads[5], by=acme.rep)
    assert refused.value.data == {"remaining": 0}
    with time_machine.travel(at("2024-03-01T16:00:00"), tick=False):
        assert actions.claim(leads[5], by=acme.rep).owner == acme.rep


def test_wc20_a_batch_beyond_the_quota_is_refused_whole(acme, pool):
    leads = some(acme, 6)
    actions.claim_many(leads[:3], by=acme.rep)
    with refusal("DAILY_LIMIT") as refused:
        actions.claim_many(leads[3:], by=acme.rep)
    assert refused.value.data == {"remaining": 2} and "2" in str(refused.value)
    assert free(leads[3:]) == 3
    assert claims.remaining_today(pool, acme.rep) == 2
    assert len(actions.claim_many(leads[3:5], by=acme.rep)) == 2


def test_wc20_a_return_gives_no_quota_back(acme, pool):
    pools.update_pool(pool, by=acme.admin, cool_off_days=0, daily_claim_limit=2)
    lead, other = some(acme, 2)
    with time_machine.travel(at("2024-03-01T01:00:00"), tick=False):
        actions.return_to_pool(actions.claim(lead, by=acme.rep), by=acme.rep, reason="wrong region")
    with time_machine.travel(at("2024-03-02T01:00:00"), tick=False):
        actions.return_to_pool(actions.claim(lead, by=acme.rep), by=acme.rep, reason="still wrong")
        actions.claim(other, by=acme.rep)
        assert ClaimCounter.objects.of(acme.tenant).get(day="2024-03-02").count == 2
        with refusal("DAILY_LIMIT"):
            actions.claim(in_pool(acme.admin), by=acme.rep)


def test_wc20_dealt_leads_do_not_count_as_held(acme, pool):
    pools.update_pool(pool, by=acme.admin, daily_claim_limit=50)
    for n in range(98):
        held(acme.rep, name=f"Held {n}", phone="", email="")
    dealt = Lead.objects.of(acme.tenant).filter(owner=acme.rep)[:10]
    for lead in dealt:
        actions.convert(lead, by=acme.rep)
    assert claims.holdings(Lead, pool, acme.rep) == 88
    leads = some(acme, 13)
    with refusal("HOLDING_LIMIT") as refused:
        actions.claim_many(leads, by=acme.rep)
    assert refused.value.data == {"remaining": 12}
    assert len(actions.claim_many(leads[:12], by=acme.rep)) == 12
    pools.update_pool(pool, by=acme.admin, count_dealt=True)
    assert claims.holdings(Lead, pool, acme.rep) == 110


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ("2024-03-01T13:00:00", False),
        ("2024-03-02T12:00:00", False),
        ("2024-03-04T15:59:59", False),
        ("2024-03-04T16:00:00", True),
    ],
)
def test_wc20_cool_off_ends_at_a_local_midnight(acme, when, allowed):
    lead = in_pool(acme.admin)
    with time_machine.travel(at("2024-03-01T12:00:00"), tick=False):
        actions.return_to_pool(actions.claim(lead, by=acme.rep), by=acme.rep, reason="no budget")
    with time_machine.travel(at(when), tick=False):
        if allowed:
            assert actions.claim(lead, by=acme.rep).owner == acme.rep
        else:
            with refusal("COOL_OFF") as refused:
                actions.claim(lead, by=acme.rep)
            assert refused.value.data == {"from_day": "2024-03-05"}


def test_wc20_a_manager_may_assign_during_the_cool_off_and_others_may_claim(acme):
    first, second = some(acme, 2)
    for lead in (first, second):
        actions.return_to_pool(actions.claim(lead, by=acme.rep), by=acme.rep, reason="no budget")
    assert actions.assign(first, by=acme.manager, to=acme.rep).owner == acme.rep
    assert actions.claim(second, by=acme.peer).owner == acme.peer


def test_assigning_costs_no_quota(acme, pool):
    pools.update_pool(pool, by=acme.admin, daily_claim_limit=1)
    for lead in some(acme, 3):
        actions.assign(lead, by=acme.manager, to=acme.rep)
    assert claims.remaining_today(pool, acme.rep) == 1


def test_the_holding_limit_binds_every_way_into_hands_unless_the_pools_administrator_overrides(acme, pool):
    pools.update_pool(pool, by=acme.admin, holding_limit=1)
    held(acme.rep)
    lead, theirs = in_pool(acme.admin), held(acme.peer)
    for act in (
        lambda: actions.claim(lead, by=acme.rep),
        lambda: actions.assign(lead, by=acme.manager, to=acme.rep),
        lambda: actions.transfer(theirs, by=acme.manager, to=acme.rep),
    ):
        with refusal("HOLDING_LIMIT"):
            act()
    with pytest.raises(Forbidden):
        actions.assign(lead, by=acme.manager, to=acme.rep, override=True)
    pools.give_seat(pool, by=acme.admin, member=acme.manager, is_admin=True)
    actions.assign(lead, by=acme.manager, to=acme.rep, override=True)
    event = Event.objects.of(acme.tenant).get(kind="lead.assigned")
    assert (event.data, event.actor) == ({"override": "HOLDING_LIMIT"}, acme.manager)


def test_the_checks_come_in_the_order_of_the_specification(acme, pool):
    """Everything is wrong at once; each cure reveals the next refusal."""
    pools.update_pool(pool, by=acme.admin, everyone=False, daily_claim_limit=1, holding_limit=1)
    pools.give_seat(pool, by=acme.admin, member=acme.peer)
    lead, other = some(acme, 2)
    seat = lambda: pools.give_seat(pool, by=acme.admin, member=acme.rep)  # noqa: E731
    with refusal("NOT_POOL_MEMBER"):
        actions.claim(lead, by=acme.rep)
    seat()
    actions.claim(lead, by=acme.rep)
    actions.return_to_pool(lead, by=acme.rep, reason="mistake")
    held(acme.rep)
    actions.claim(lead, by=acme.peer)
    with refusal("ALREADY_CLAIMED"):
        actions.claim(lead, by=acme.rep)
    actions.reclaim(lead, by=acme.manager, reason="for another")
    Lead.objects.of(acme.tenant).filter(pk=lead.pk).update(previous_owner=acme.rep)
    lead.refresh_from_db()
    with refusal("COOL_OFF"):
        actions.claim(lead, by=acme.rep)
    with refusal("DAILY_LIMIT"):
        actions.claim(other, by=acme.rep)
    pools.update_pool(pool, by=acme.admin, daily_claim_limit=9)
    other.refresh_from_db()
    with refusal("HOLDING_LIMIT"):
        actions.claim(other, by=acme.rep)
    pools.update_pool(pool, by=acme.admin, holding_limit=9)
    assert actions.claim(Lead.objects.of(acme.tenant).get(pk=other.pk), by=acme.rep).owner == acme.rep


def test_a_refused_claim_consumes_no_quota(acme, pool):
    mine, gone = some(acme, 2)
    stale = Lead.objects.of(acme.tenant).get(pk=gone.pk)
    actions.claim(gone, by=acme.peer)
    with refusal("ALREADY_CLAIMED"):
        actions.claim_many([mine, stale], by=acme.rep)
    assert free([mine]) == 1
    assert claims.remaining_today(pool, acme.rep) == 5


def test_seats_are_a_members_own_or_a_teams_with_the_teams_below(acme, pool):
    pools.update_pool(pool, by=acme.admin, everyone=False)
    below = company.create_team(by=acme.system, name="North-east", parent=acme.north)
    company.seat_in_team(below, acme.other_rep, by=acme.system)
    opened = lambda member: list(Pool.objects.of(acme.tenant).open_to(member))  # noqa: E731
    assert opened(acme.rep) == opened(acme.other_rep) == []
    pools.give_seat(pool, by=acme.admin, team=acme.north)
    assert opened(acme.rep) == opened(acme.other_rep) == [pool]
    pools.take_seat(pool.seats.get(), by=acme.admin)
    pools.give_seat(pool, by=acme.admin, member=acme.rep)
    assert (opened(acme.rep), opened(acme.other_rep)) == ([pool], [])


def test_only_administrators_change_pools(acme, pool):
    for act in (
        lambda by: pools.create_pool(by=by, name="x"),
        lambda by: pools.update_pool(pool, by=by, holding_limit=1),
        lambda by: pools.give_seat(pool, by=by, member=acme.rep),
    ):
        for member in (acme.rep, acme.manager, acme.finance, acme.partner):
            with pytest.raises(Forbidden):
                act(member)


def test_there_is_always_one_open_default_pool(acme, pool):
    from crm.core.errors import ValidationError

    with pytest.raises(ValidationError):
        pools.update_pool(pool, by=acme.admin, is_default=False)
    with pytest.raises(ValidationError):
        pools.update_pool(pool, by=acme.admin, is_active=False)
    other = pools.create_pool(by=acme.admin, name="Second", is_default=True)
    assert claims.default_pool(acme.tenant) == other


def test_a_pool_that_holds_leads_is_not_closed(acme, pool):
    second = pools.create_pool(by=acme.admin, name="Second")
    lead = in_pool(acme.admin, pool=second)
    with refusal("POOL_NOT_EMPTY"):
        pools.update_pool(second, by=acme.admin, is_active=False)
    actions.move_to_pool(lead, by=acme.admin, pool=pool)
    assert not pools.update_pool(second, by=acme.admin, is_active=False).is_active


def test_what_comes_from_a_closed_pool_returns_to_the_default_pool(acme, pool):
    second = pools.create_pool(by=acme.admin, name="Second")
    lead = actions.claim(in_pool(acme.admin, pool=second), by=acme.rep)
    pools.update_pool(second, by=acme.admin, is_active=False)
    lead = actions.return_to_pool(Lead.objects.of(acme.tenant).get(pk=lead.pk), by=acme.rep, reason="closed")
    assert lead.pool == lead.home_pool == pool
