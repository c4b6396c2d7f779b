"""States, roles and hands of leads (domain.md 4.1, 9; INV-L1)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from crm.core import records
from crm.core.activities import actions as activities
from crm.core.company import actions as company
from crm.core.company import holdings
from crm.core.errors import Conflict, Forbidden, Refused, ValidationError
from crm.core.events import outbox
from crm.core.events.models import Event
from crm.core.notifications.models import Notification
from crm.core.pools import actions as pools
from leads import actions
from leads.models import Lead

from .build import contact, default_pool, held, in_pool

pytestmark = pytest.mark.django_db
Status = Lead.Status


def lead_in(acme, status: str) -> Lead:
    """A lead brought into `status` the way the product does, where it can."""
    lead = in_pool(acme.admin) if status == Status.POOLED else held(acme.rep)
    if status in (Status.WORKING, Status.NURTURING, Status.QUALIFIED):
        records.move(lead, status, by=acme.rep, verb="put")
    elif status == Status.DISQUALIFIED:
        actions.disqualify(lead, by=acme.rep, reason="no need")
    elif status == Status.CONVERTED:
        actions.convert(lead, by=acme.rep)
    elif status == Status.MERGED:
        records.move(lead, status, by=acme.rep, verb="merged", owner=None)
    return lead


@pytest.mark.parametrize("start", Status)
def test_every_move_that_is_not_in_the_table_is_refused(acme, start):
    lead = lead_in(acme, start)
    for end in set(Status) - Lead.MOVES[start] - {start}:
        with pytest.raises(Refused) as refused:
            records.move(lead, end, by=acme.admin, verb="tried")
        assert refused.value.code == "INVALID_TRANSITION"
        assert Lead.objects.of(acme.tenant).get(pk=lead.pk).status == start


ACTS = {
    "qualify": (actions.qualify, {}, {Status.ASSIGNED, Status.WORKING}),
    "nurture": (actions.nurture, {}, {Status.ASSIGNED, Status.WORKING}),
    "resume": (actions.resume, {}, {Status.NURTURING, Status.QUALIFIED}),
    "return": (actions.return_to_pool, {"reason": "x"}, set(Lead.OWNED)),
    "reclaim": (actions.reclaim, {"reason": "x"}, set(Lead.OWNED)),
    "disqualify": (actions.disqualify, {"reason": "x"}, {Status.POOLED, *Lead.OWNED}),
    "revive": (actions.revive, {}, {Status.DISQUALIFIED}),
    "claim": (actions.claim, {}, {Status.POOLED}),
    "protect": (actions.protect, {"locked": True}, set(Lead.OWNED)),
    "approve": (actions.approve_return, {}, {Status.POOLED}),
}


@pytest.mark.parametrize("name", ACTS)
def test_each_verb_works_from_its_states_and_writes_nothing_from_others(acme, name):
    act, values, allowed = ACTS[name]
    for state in set(Status) - {Status.CONVERTED}:
        lead = lead_in(acme, state)
        before = Event.objects.of(acme.tenant).count()
        if state in allowed:
            act(lead, by=acme.admin, **values)
        else:
            with pytest.raises((Refused, ValidationError)):
                act(lead, by=acme.admin, **values)
        written = Event.objects.of(acme.tenant).count() - before
        # Ending the review of a lead that is in none changes nothing, and so says nothing.
        assert written == (state in allowed and name != "approve"), state


# What each role may do with: an own lead, a team mate's, another team's, one in the pool. X: allowed.
MATRIX = {
    #              rep     manager   admin(s too)  presales  finance   legal     partner
    "update":     ("X---", "XX--", "XXXX", "----", "----", "----", "----"),
    "claim":      ("---X", "---X", "---X", "----", "----", "----", "----"),
    "assign":     ("----", "---X", "---X", "----", "----", "----", "----"),
    "transfer":   ("----", "XX--", "XXX-", "----", "----", "----", "----"),
    "return":     ("X---", "XX--", "XXX-", "----", "----", "----", "----"),
    "reclaim":    ("----", "XX--", "XXX-", "----", "----", "----", "----"),
    "move":       ("----", "---X", "---X", "----", "----", "----", "----"),
    "qualify":    ("X---", "XX--", "XXX-", "----", "----", "----", "----"),
    "nurture":    ("X---", "XX--", "XXX-", "----", "----", "----", "----"),
    "disqualify": ("X---", "XX--", "XXXX", "----", "----", "----", "----"),
    "protect":    ("----", "XX--", "XXX-", "----", "----", "----", "----"),
    "convert":    ("X---", "XX--", "XXX-", "----", "----", "----", "----"),
}  # fmt: skip
ROLES = ("rep", "manager", "admin", "presales", "finance", "legal", "partner")


def leads_around(acme, member) -> list[Lead]:
    """(own, a team mate's, another team's, in the pool)."""
    own, mate, other = held(acme.rep), held(acme.peer), held(acme.other_rep)
    if member.pk != acme.rep.pk:
        Lead.objects.of(acme.tenant).filter(pk=own.pk).update(owner=member)
        own.refresh_from_db()
    return [own, mate, other, in_pool(acme.admin)]


def tries(acme, member):
    other_pool = pools.create_pool(by=acme.admin, name="Second")
    return {
        "update": lambda lead: actions.update_lead(lead, by=member, region="华东"),
        "claim": lambda lead: actions.claim(lead, by=member),
        "assign": lambda lead: actions.assign(lead, by=member, to=acme.peer),
        "transfer": lambda lead: actions.transfer(
            lead, by=member, to=acme.rep if lead.owner == acme.peer else acme.peer
        ),
        "return": lambda lead: actions.return_to_pool(lead, by=member, reason="x"),
        "reclaim": lambda lead: actions.reclaim(lead, by=member, reason="x"),
        "move": lambda lead: actions.move_to_pool(lead, by=member, pool=other_pool),
        "qualify": lambda lead: actions.qualify(lead, by=member),
        "nurture": lambda lead: actions.nurture(lead, by=member),
        "disqualify": lambda lead: actions.disqualify(lead, by=member, reason="x"),
        "protect": lambda lead: actions.protect(lead, by=member, locked=True),
        "convert": lambda lead: actions.convert(lead, by=member),
    }


@pytest.mark.parametrize("verb", MATRIX)
def test_who_may_do_what_with_whose_lead(acme, verb):
    for role, allowed in zip(ROLES, MATRIX[verb], strict=True):
        with transaction.atomic():
            member = getattr(acme, role)
            leads, act = leads_around(acme, member), tries(acme, member)[verb]
            assert "".join("X" if does(act, lead) else "-" for lead in leads) == allowed, role
            transaction.set_rollback(True)


def does(act, lead: Lead) -> bool:
    """Whether the act is allowed; a refused one must not have written."""
    try:
        act(lead)
        return True
    except (Forbidden, Refused):
        assert Lead.objects.of(lead.tenant_id).get(pk=lead.pk).version == lead.version
        return False


def test_inv_l1_the_database_keeps_a_lead_in_one_place(acme):
    lead, owned = in_pool(acme.admin), held(acme.rep)
    rows = Lead.objects.of(acme.tenant)
    for pk, values in (
        (lead.pk, {"owner": acme.rep}),
        (lead.pk, {"pool": None}),
        (owned.pk, {"pool": default_pool(acme.tenant)}),
        (owned.pk, {"owner": None}),
        (owned.pk, {"status": "converted"}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.filter(pk=pk).update(**values)


def test_a_new_owner_begins_anew(acme):
    lead = held(acme.rep, days_ago=5)
    activities.log([lead], by=acme.rep, type="call")
    lead.refresh_from_db()
    assert lead.status == Status.WORKING and lead.first_response_at == lead.last_followup_at
    actions.transfer(lead, by=acme.manager, to=acme.peer, reason="holiday")
    assert (lead.owner, lead.previous_owner, lead.status) == (acme.peer, acme.rep, Status.WORKING)
    assert (lead.last_followup_at, lead.first_response_at) == (None, None)
    assert timezone.now() - lead.owned_at < timedelta(minutes=1)


def test_a_return_keeps_the_real_former_owner_also_when_a_manager_returns_it(acme):
    lead = held(acme.rep)
    actions.return_to_pool(lead, by=acme.manager, reason="not ours")
    assert (lead.previous_owner, lead.return_count, lead.pool) == (acme.rep, 1, default_pool(acme.tenant))
    other = held(acme.rep)
    actions.reclaim(other, by=acme.manager, reason="for somebody else")
    assert (other.previous_owner, other.return_count) == (acme.rep, 0)


@pytest.mark.parametrize("act", [actions.return_to_pool, actions.disqualify])
def test_a_reason_is_required(acme, act):
    lead = held(acme.rep)
    with pytest.raises(ValidationError) as error:
        act(lead, by=acme.rep, reason="   ")
    assert "reason" in error.value.message_dict


def test_the_third_return_goes_to_the_review_queue_and_a_manager_lets_it_out(acme):
    lead = held(acme.rep)
    Lead.objects.of(acme.tenant).filter(pk=lead.pk).update(return_count=2)
    lead.refresh_from_db()
    actions.return_to_pool(lead, by=acme.rep, reason="third time")
    assert lead.in_review
    assert not Lead.objects.visible_to(acme.peer).filter(pk=lead.pk).exists()
    with pytest.raises(Refused) as refused:
        actions.claim(lead, by=acme.peer)
    assert refused.value.code == "NOT_IN_POOL"
    actions.approve_return(lead, by=acme.manager)
    assert actions.claim(lead, by=acme.peer).owner == acme.peer


def test_qualifying_needs_to_know_whom_to_call_and_why(acme):
    lead = held(acme.rep, contact_name="", needs="")
    with pytest.raises(ValidationError) as error:
        actions.qualify(lead, by=acme.rep)
    assert set(error.value.message_dict) == {"contact_name", "needs"}
    assert actions.qualify(lead, by=acme.manager).status == Status.QUALIFIED


def test_protection_is_for_today_or_later_and_ends_with_the_hands(acme):
    lead = held(acme.rep)
    with pytest.raises(ValidationError):
        actions.protect(lead, by=acme.manager, until=timezone.localdate() - timedelta(days=2))
    actions.protect(lead, by=acme.manager, locked=True)
    actions.return_to_pool(lead, by=acme.rep, reason="x")
    assert not lead.locked


def test_leads_go_only_to_active_sales_people(acme):
    lead, mine = in_pool(acme.admin), held(acme.rep)
    gone = company.add_member(by=acme.system, name="Gone", roles=["rep"])
    company.deactivate(gone, by=acme.admin)
    for member in (acme.finance, acme.partner, acme.system, gone):
        with pytest.raises(ValidationError):
            actions.assign(lead, by=acme.admin, to=member)
        with pytest.raises(ValidationError):
            actions.transfer(mine, by=acme.admin, to=member)


def test_a_stale_page_cannot_overwrite(acme):
    lead = held(acme.rep)
    actions.update_lead(lead, by=acme.rep, region="华南")
    with pytest.raises(Conflict):
        actions.update_lead(lead, by=acme.rep, expected=1, region="华东")


def test_who_holds_leads_cannot_be_deactivated(acme):
    held(acme.rep)
    assert 1 in [count for _label, count in holdings.of(acme.rep)]
    with pytest.raises(Refused) as refused:
        company.deactivate(acme.rep, by=acme.admin)
    assert refused.value.code == "STILL_HOLDS"


def test_who_is_given_or_loses_a_lead_hears_of_it(acme):
    lead = in_pool(acme.admin)
    actions.assign(lead, by=acme.manager, to=acme.rep)
    actions.transfer(lead, by=acme.manager, to=acme.peer)
    actions.claim(in_pool(acme.admin), by=acme.rep)
    for _again in range(2):
        outbox.drain_tenant(acme.tenant.pk)
    told = Notification.objects.of(acme.tenant).order_by("pk").values_list("kind", "recipient__name")
    assert sorted(told) == [("lead.assigned", "Peer"), ("lead.taken", "Rep")] or sorted(told) == [
        ("lead.assigned", "Peer"), ("lead.assigned", "Peer"), ("lead.taken", "Rep"),
    ]  # fmt: skip


def test_follow_ups_count_from_the_earlier_time_and_only_since_the_lead_is_ones_own(acme):
    lead = held(acme.rep, days_ago=3)
    yesterday, long_ago = timezone.now() - timedelta(days=1), timezone.now() - timedelta(days=9)
    activities.log([lead], by=acme.rep, type="call", occurred_at=long_ago)
    lead.refresh_from_db()
    assert (lead.status, lead.last_followup_at) == (Status.ASSIGNED, None)
    activities.log([lead], by=acme.rep, type="call", occurred_at=yesterday)
    lead.refresh_from_db()
    assert (lead.status, lead.last_followup_at) == (Status.WORKING, yesterday)
    activities.log([lead], by=acme.rep, type="visit", occurred_at=yesterday - timedelta(hours=5))
    lead.refresh_from_db()
    assert lead.last_followup_at == yesterday


def test_a_follow_up_by_who_has_lost_the_lead_meanwhile_is_kept_and_counts_for_nobody(acme):
    lead = held(acme.manager)
    seen_before = Lead.objects.of(acme.tenant).get(pk=lead.pk)
    actions.transfer(lead, by=acme.admin, to=acme.peer)
    activity = activities.log([seen_before], by=acme.manager, type="call", note="said goodbye")
    lead.refresh_from_db()
    assert activity.pk and (lead.last_followup_at, lead.first_response_at) == (None, None)


def test_creating_into_a_pool_or_into_other_hands_needs_the_right(acme):
    closed = pools.create_pool(by=acme.admin, name="Closed", everyone=False)
    with pytest.raises(ValidationError):
        actions.create_lead(by=acme.rep, pool=closed, **contact())
    with pytest.raises(Forbidden):
        actions.create_lead(by=acme.rep, owner=acme.peer, **contact())
    assert actions.create_lead(by=acme.manager, owner=acme.peer, **contact()).owner == acme.peer
    assert actions.create_lead(by=acme.partner, **contact()).pool == default_pool(acme.tenant)
