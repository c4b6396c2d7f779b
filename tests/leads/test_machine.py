"""The lead pool as a state machine: random people do random things on random days, beside a small model of the rules.

Fifty histories by default; `-m nightly` runs many more. The model knows nothing of the product's code:
a lead is a dict, a day is a number.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm.core.activities import actions as activities
from crm.core.errors import Refused
from crm.core.events.models import Event
from crm.core.pools import actions as pools
from crm.core.pools.models import Pool
from leads import actions, tasks
from leads.models import Lead

from .build import contact

pytestmark = pytest.mark.django_db
FIRST = datetime(2024, 3, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai
N, REMIND, QUOTA, HOLD, COOL, REVIEW = 2, 1, 2, 3, 2, 2
people, picks = st.sampled_from(["rep", "peer"]), st.integers(0, 7)


class LeadPool(RuleBasedStateMachine):
    """`cast` is set by the test; every history is rolled back."""

    cast = None

    def __init__(self):
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.day, self.model, self.claimed = 0, {}, {}
        pool = Pool.objects.of(self.cast.tenant).get()
        pools.update_pool(
            pool, by=self.cast.admin, no_followup_days=N, no_deal_days=None, remind_days=REMIND,
            daily_claim_limit=QUOTA, holding_limit=HOLD, cool_off_days=COOL, review_after_returns=REVIEW,
        )  # fmt: skip

    def teardown(self):
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    # --- the world -----------------------------------------------------------------------------

    def now(self):
        return time_machine.travel(FIRST + timedelta(days=self.day), tick=False)

    def who(self, name):
        return getattr(self.cast, name)

    def lead(self, pick):
        keys = sorted(self.model)
        pk = keys[pick % len(keys)]
        return Lead.objects.of(self.cast.tenant).get(pk=pk), self.model[pk]

    def expect(self, code, act):
        """Run `act`; it must be refused with `code`, or pass when that is None. True when it passed."""
        with self.now():
            try:
                with transaction.atomic():
                    act()
            except Refused as refused:
                assert refused.code == code, f"refused with {refused.code}, the model says {code}"
                return False
        assert code is None, f"passed, the model says {code}"
        return True

    @initialize(count=st.integers(1, 3))
    def begin(self, count):
        for _ in range(count):
            self.arrive()

    @rule()
    def arrive(self):
        with self.now():
            lead = actions.create_lead(by=self.cast.admin, pool=Pool.objects.of(self.cast.tenant).get(), **contact())
        self.model[lead.pk] = {"owner": None, "former": None, "released": None, "base": None, "reminded": None,
                               "returns": 0, "review": False, "closed": False, "kept": False}  # fmt: skip

    @rule(days=st.integers(1, 3))
    def days_pass(self, days):
        self.day += days

    # --- what people do ------------------------------------------------------------------------

    def holdings(self, who):
        return sum(row["owner"] == who and not row["closed"] for row in self.model.values())

    def why_not_claim(self, row, who):
        if row["owner"] and not row["closed"]:
            return "ALREADY_CLAIMED"
        if row["closed"]:
            return "ALREADY_CLAIMED" if row["owner"] else "NOT_IN_POOL"
        if row["review"]:
            return "NOT_IN_POOL"
        if row["former"] == who and self.day - row["released"] <= COOL:
            return "COOL_OFF"
        if self.claimed.get((who, self.day), 0) >= QUOTA:
            return "DAILY_LIMIT"
        return "HOLDING_LIMIT" if self.holdings(who) >= HOLD else None

    def given(self, row, who):
        row.update(owner=who, base=self.day, reminded=None, review=False)

    @rule(pick=picks, who=people)
    def claim(self, pick, who):
        lead, row = self.lead(pick)
        if self.expect(self.why_not_claim(row, who), lambda: actions.claim(lead, by=self.who(who))):
            self.claimed[who, self.day] = self.claimed.get((who, self.day), 0) + 1
            self.given(row, who)

    @rule(pick=picks, who=people)
    def assign(self, pick, who):
        lead, row = self.lead(pick)
        free = row["owner"] is None and not row["closed"]
        code = "NOT_IN_POOL" if not free else "HOLDING_LIMIT" if self.holdings(who) >= HOLD else None
        if row["closed"] and not row["owner"]:
            return
        if self.expect(code, lambda: actions.assign(lead, by=self.cast.admin, to=self.who(who))):
            self.given(row, who)

    def own(self, pick):
        lead, row = self.lead(pick)
        return (lead, row) if row["owner"] and not row["closed"] else (None, None)

    @rule(pick=picks)
    def transfer(self, pick):
        lead, row = self.own(pick)
        if lead is None:
            return
        to = "peer" if row["owner"] == "rep" else "rep"
        code = "HOLDING_LIMIT" if self.holdings(to) >= HOLD else None
        if self.expect(code, lambda: actions.transfer(lead, by=self.cast.admin, to=self.who(to))):
            row["former"], row["released"] = row["owner"], self.day
            self.given(row, to)

    def released(self, row, counts):
        row.update(former=row["owner"], released=self.day, owner=None, reminded=None, kept=False)
        row["returns"] += counts
        row["review"] = bool(counts) and row["returns"] >= REVIEW

    @rule(pick=picks, managed=st.booleans())
    def give_back(self, pick, managed):
        lead, row = self.own(pick)
        if lead is None:
            return
        act = actions.reclaim if managed else actions.return_to_pool
        by = self.cast.admin if managed else self.who(row["owner"])
        self.expect(None, lambda: act(lead, by=by, reason="so it is"))
        self.released(row, counts=not managed)

    @rule(who=people)
    def follow_up(self, who):
        """Everything that one person holds."""
        for pick, row in enumerate(self.model[pk] for pk in sorted(self.model)):
            if row["owner"] == who and not row["closed"]:
                lead, row = self.lead(pick)
                self.expect(None, lambda lead=lead: activities.log([lead], by=self.who(who), type="call"))
                row.update(base=self.day, reminded=None)

    @rule(pick=picks, kept=st.booleans())
    def protect(self, pick, kept):
        lead, row = self.own(pick)
        if lead is not None:
            self.expect(None, lambda: actions.protect(lead, by=self.cast.admin, locked=kept))
            if kept != row["kept"] or row["reminded"] is not None:
                row.update(reminded=None, kept=kept)

    @rule(pick=picks)
    def approve(self, pick):
        lead, row = self.lead(pick)
        if row["owner"] is None and not row["closed"]:
            self.expect(None, lambda: actions.approve_return(lead, by=self.cast.admin))
            row.update(review=False, returns=0)

    @rule(pick=picks, how=st.sampled_from(["convert", "disqualify"]))
    def close(self, pick, how):
        lead, row = self.own(pick)
        if lead is None:
            return
        by = self.who(row["owner"])
        act = {"convert": lambda: actions.convert(lead, by=by),
               "disqualify": lambda: actions.disqualify(lead, by=by, reason="no need")}[how]  # fmt: skip
        self.expect(None, act)
        row["closed"] = how

    @rule(pick=picks)
    def revive(self, pick):
        lead, row = self.lead(pick)
        if row["closed"] == "disqualify":
            self.expect(None, lambda: actions.revive(lead, by=self.cast.admin))
            row.update(closed=False, former=row["owner"], released=self.day, owner=None)

    @rule(days=st.integers(0, 4))
    def days_pass_and_the_job_runs(self, days):
        """Daily; twice on the same day for 0."""
        for _ in range(days or 2):
            self.day += days > 0
            with self.now():
                tasks.recycle(self.cast.tenant)
            for row in self.model.values():
                self.job(row)

    def job(self, row):
        if row["owner"] is None or row["closed"] or row["kept"]:
            return
        remaining = N - (self.day - row["base"])
        if remaining < 0 and row["reminded"] is not None and row["reminded"] < self.day:
            self.released(row, counts=True)
        elif remaining <= REMIND and (row["reminded"] is None or (remaining >= 0 and row["reminded"] < self.day)):
            row["reminded"] = self.day

    # --- what always holds ---------------------------------------------------------------------

    @invariant()
    def the_product_agrees_with_the_model(self):
        for lead in Lead.objects.of(self.cast.tenant).select_related("owner", "previous_owner"):
            row = self.model[lead.pk]
            owner = self.who(row["owner"]) if row["owner"] else None
            assert lead.owner == owner
            assert (lead.pool_id is not None) == (owner is None and not row["closed"])
            assert (lead.return_count, lead.in_review, lead.locked) == (row["returns"], row["review"], row["kept"])
            assert lead.previous_owner == (self.who(row["former"]) if row["former"] else None)
            if owner and not row["closed"]:
                reminded = row["reminded"]
                expected = None if reminded is None else date(2024, 3, 1) + timedelta(days=reminded)
                assert lead.reminded_on == expected

    @invariant()
    def versions_count_the_changes(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM leads_lead l WHERE version > 1 + (SELECT count(*) FROM events_event e"
                " WHERE e.subject_type = 'leads.lead' AND e.subject_id = l.id AND e.changes <> '{}'::jsonb"
                " AND e.kind <> 'lead.created')"
            )
            assert cursor.fetchone() == (0,)

    @invariant()
    @precondition(lambda self: self.model)
    def nobody_exceeds_a_limit(self):
        claimed = Event.objects.of(self.cast.tenant).filter(kind="lead.claimed")
        for who in ("rep", "peer"):
            assert self.holdings(who) <= HOLD
            days = [event.recorded_at.date() for event in claimed.filter(actor=self.who(who))]
            assert all(days.count(day) <= QUOTA for day in days)


def run(acme, examples: int, steps: int) -> None:
    machine = type("LeadPoolOfAcme", (LeadPool,), {"cast": acme})
    how = settings(max_examples=examples, stateful_step_count=steps, deadline=None,
                   suppress_health_check=list(HealthCheck))  # fmt: skip
    run_state_machine_as_test(machine, settings=how)


def test_the_lead_pool_follows_its_model(acme):
    run(acme, examples=50, steps=12)


@pytest.mark.nightly
def test_the_lead_pool_follows_its_model_for_long(acme):
    run(acme, examples=1000, steps=60)
