"""Opening, moving and closing deals (domain.md 4.4, 6.9; INV-O1, INV-O2, INV-O3)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from crm.core.activities import actions as activities
from crm.core.company import actions as company
from crm.core.errors import Conflict, Forbidden, Refused, ValidationError
from crm.core.events.models import Event
from opportunities import actions, gates
from opportunities.models import Opportunity, OpportunityChange, Pipeline

pytestmark = pytest.mark.django_db


def events(opp):
    return list(
        Event.objects.of(opp.tenant_id)
        .filter(subject_type="opportunities.opportunity", subject_id=opp.pk)
        .order_by("id")
        .values_list("kind", flat=True)
    )


def changes(opp, field):
    rows = OpportunityChange.objects.of(opp.tenant_id).filter(opportunity=opp, field=field)
    return [(row.before, row.after) for row in rows]


def refused(code):
    return pytest.raises(Refused, check=lambda error: error.code == code)


def test_a_deal_opens_in_the_first_stage_with_its_probability_and_first_change_rows(acme, deal, stage):
    opp = deal(amount=Decimal("1000.5"), close_date=date(2030, 1, 31))
    assert (opp.stage, opp.probability, opp.status) == (stage("contact"), Decimal("0.1"), "open")
    assert (opp.owner, opp.currency) == (acme.rep, "CNY")
    assert changes(opp, "amount") == [("", "1000.50")]
    assert changes(opp, "stage") == [("", str(opp.stage_id))]
    assert changes(opp, "close_date") == [("", "2030-01-31")]
    assert changes(opp, "owner") == [("", str(acme.rep.pk))]
    assert changes(opp, "probability") == [("", "0.100000")]
    assert changes(opp, "status") == [("", "open")]


def test_the_database_keeps_hundredths_and_the_weighted_amount(deal, stage, acme):
    opp = deal(amount=Decimal("333.33"))
    assert (opp.amount_minor, opp.weighted) == (33333, Decimal("33.33"))
    actions.update_opportunity(opp, by=acme.rep, amount=Decimal("333.35"))
    assert (opp.amount_minor, opp.weighted) == (33335, Decimal("33.34"))  # 33.335 half up
    actions.move_stage(opp, stage("quote"), by=acme.rep)
    assert opp.weighted == Decimal("166.68")  # 166.675 half up
    empty = deal()
    assert (empty.amount_minor, empty.weighted) == (-1, None)


def test_moving_sets_the_probability_and_keeps_the_furthest_stage(acme, deal, stage):
    opp = deal()
    actions.move_stage(opp, stage("quote"), by=acme.rep)
    actions.move_stage(opp, stage("requirement"), by=acme.rep)
    assert (opp.probability, opp.furthest_order) == (Decimal("0.3"), 3)
    assert events(opp) == ["opportunity.created", "opportunity.moved", "opportunity.moved"]
    assert [after for _, after in changes(opp, "stage")] == [
        str(stage(key).pk) for key in ("contact", "quote", "requirement")
    ]


def test_moving_to_where_it_stands_changes_nothing(acme, deal):
    opp = deal()
    before = opp.version, opp.stage_entered_at
    actions.move_stage(opp, opp.stage, by=acme.rep)
    assert (opp.version, opp.stage_entered_at) == before


def test_entering_the_won_stage_wins(acme, deal, stage):
    opp = actions.move_stage(deal(), stage("won"), by=acme.rep)
    assert (opp.status, opp.probability, opp.furthest_order) == ("won", 1, 5)
    assert opp.closed_at is not None
    assert events(opp)[-1] == "opportunity.won"


def test_losing_needs_a_reason_of_the_list_and_keeps_the_stage(acme, deal, stage):
    opp = actions.move_stage(deal(), stage("quote"), by=acme.rep)
    with pytest.raises(ValidationError):
        actions.lose(opp, by=acme.rep, reason="bad luck")
    actions.lose(opp, by=acme.rep, reason="price", detail="20 % above the others")
    assert (opp.status, opp.probability, opp.stage) == ("lost", 0, stage("quote"))
    assert (opp.lost_reason, opp.lost_detail) == ("price", "20 % above the others")


@pytest.mark.parametrize("verb", ["win", "lose", "suspend", "resume", "move", "override"])
@pytest.mark.parametrize("state", ["won", "lost", "suspended"])
def test_forbidden_moves_are_refused(acme, deal, stage, state, verb):
    opp = deal()
    reach = {"won": {}, "lost": {"reason": "price"}, "suspended": {"reason": "budget frozen"}}
    {"won": actions.win, "lost": actions.lose, "suspended": actions.suspend}[state](opp, by=acme.rep, **reach[state])
    act = {
        "win": lambda: actions.win(opp, by=acme.rep),
        "lose": lambda: actions.lose(opp, by=acme.rep, reason="price"),
        "suspend": lambda: actions.suspend(opp, by=acme.rep, reason="again"),
        "resume": lambda: actions.resume(opp, by=acme.rep),
        "move": lambda: actions.move_stage(opp, stage("contract"), by=acme.rep),
        "override": lambda: actions.override_probability(opp, Decimal("0.5"), by=acme.rep, reason="gut"),
    }[verb]
    if (state, verb) == ("suspended", "resume"):
        assert act().status == "open"
        return
    version = opp.version
    with refused("INVALID_TRANSITION"):
        act()
    opp.refresh_from_db()
    assert (opp.status, opp.version) == (state, version)


def test_a_suspended_deal_keeps_its_probability_and_resumes(acme, deal):
    opp = actions.suspend(deal(), by=acme.rep, reason="customer reorganises")
    assert (opp.status, opp.probability) == ("suspended", Decimal("0.1"))
    assert actions.resume(opp, by=acme.rep).status == "open"
    with pytest.raises(ValidationError):
        actions.suspend(opp, by=acme.rep, reason="  ")


def test_a_lost_deal_is_reopened_by_the_manager_with_a_reason(acme, deal, stage):
    opp = actions.move_stage(deal(), stage("quote"), by=acme.rep)
    actions.lose(opp, by=acme.rep, reason="no_decision")
    with pytest.raises(Forbidden):
        actions.reopen(opp, by=acme.rep, reason="they called")
    with pytest.raises(ValidationError):
        actions.reopen(opp, by=acme.manager, reason="")
    actions.reopen(opp, by=acme.manager, reason="they called")
    assert (opp.status, opp.stage, opp.probability) == ("open", stage("quote"), Decimal("0.5"))
    assert (opp.closed_at, opp.lost_reason) == (None, "")
    assert events(opp)[-1] == "opportunity.reopened"


def test_a_won_deal_is_reopened_by_the_admin_while_nothing_stands_on_it(acme, deal, stage, monkeypatch):
    opp = actions.move_stage(deal(), stage("contract"), by=acme.rep)
    actions.win(opp, by=acme.rep)
    with pytest.raises(Forbidden):
        actions.reopen(opp, by=acme.manager, reason="typo")
    monkeypatch.setattr(gates, "_reopen_gates", [lambda opp: "Contract C-1 is effective."])
    with refused("REOPEN_GATE"):
        actions.reopen(opp, by=acme.admin, reason="typo")
    monkeypatch.setattr(gates, "_reopen_gates", [lambda opp: ""])
    actions.reopen(opp, by=acme.admin, reason="typo")
    assert (opp.status, opp.stage, opp.probability) == ("open", stage("contract"), Decimal("0.8"))


def test_an_open_deal_cannot_be_reopened(acme, deal):
    with refused("INVALID_TRANSITION"):
        actions.reopen(deal(), by=acme.manager, reason="why not")


def test_a_stage_gate_shuts_and_says_what_is_missing(acme, deal, stage, monkeypatch):
    monkeypatch.setattr(gates, "_stage_gates", [lambda opp, to: "Meet the buyer first." if to.key == "quote" else ""])
    opp = deal()
    with pytest.raises(Refused, match="Meet the buyer first"):
        actions.move_stage(opp, stage("quote"), by=acme.rep)
    actions.move_stage(opp, stage("requirement"), by=acme.rep)
    actions.move_stage(opp, stage("quote"), by=acme.rep, at=timezone.now())  # dated history is not asked


@pytest.fixture
def strict(acme):
    steps = [
        {"key": key, "name": key, "probability": Decimal(p) / 10} for key, p in (("a", 1), ("b", 4), ("c", 7), ("w", 1))
    ]
    return actions.create_pipeline(by=acme.admin, key="line", name="Line", stages=steps, mode=Pipeline.Mode.STRICT)


def test_a_strict_pipeline_goes_step_by_step(acme, deal, strict):
    a, b, c, won = strict.stages.order_by("order")
    opp = deal(pipeline=strict)
    with refused("STRICT_ORDER"):
        actions.move_stage(opp, c, by=acme.rep)
    with refused("STRICT_ORDER"):
        actions.win(opp, by=acme.rep)
    actions.move_stage(opp, b, by=acme.rep)
    with pytest.raises(ValidationError):
        actions.move_stage(opp, a, by=acme.rep)
    actions.move_stage(opp, a, by=acme.rep, reason="wrong customer need")
    for following in (b, c, won):
        actions.move_stage(opp, following, by=acme.rep)
    assert opp.status == "won"


def test_a_stage_of_another_pipeline_is_no_choice(acme, deal, strict):
    with pytest.raises(ValidationError):
        actions.move_stage(deal(), strict.stages.first(), by=acme.rep)


def test_an_override_lasts_until_the_next_stage_change(acme, deal, stage):
    opp = deal()
    actions.override_probability(opp, Decimal("0.45"), by=acme.rep, reason="friend in the board")
    assert (opp.probability, opp.probability_override) == (Decimal("0.45"), Decimal("0.45"))
    actions.clear_override(opp, by=acme.rep)
    assert (opp.probability, opp.probability_override, opp.override_reason) == (Decimal("0.1"), None, "")
    actions.override_probability(opp, Decimal("0.45"), by=acme.rep, reason="again")
    actions.move_stage(opp, stage("requirement"), by=acme.rep)
    assert (opp.probability, opp.probability_override, opp.override_reason) == (Decimal("0.3"), None, "")


@pytest.mark.parametrize("wrong", [Decimal(0), Decimal(1), Decimal("-0.1"), Decimal("1.5")])
def test_an_override_is_neither_impossible_nor_certain(acme, deal, wrong):
    with pytest.raises(ValidationError):
        actions.override_probability(deal(), wrong, by=acme.rep, reason="sure")


def test_the_database_holds_status_and_probability_together(acme, deal):
    opp = deal()
    for wrong in ({"probability": 1}, {"probability": 0}, {"status": "won"}, {"status": "lost"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Opportunity.objects.of(acme.tenant).filter(pk=opp.pk).update(**wrong)


def test_a_later_close_date_counts_as_a_push(acme, deal):
    opp = deal(close_date=date(2030, 3, 31))
    actions.update_opportunity(opp, by=acme.rep, close_date=date(2030, 6, 30))
    actions.update_opportunity(opp, by=acme.rep, close_date=date(2030, 5, 31))
    actions.update_opportunity(opp, by=acme.rep, close_date=None)
    actions.update_opportunity(opp, by=acme.rep, close_date=date(2030, 9, 30))
    assert opp.close_date_pushes == 1


def test_what_a_closed_deal_decided_stays(acme, deal):
    opp = actions.win(deal(amount=Decimal(5)), by=acme.rep)
    with refused("CLOSED"):
        actions.update_opportunity(opp, by=acme.rep, amount=Decimal(6))
    assert actions.update_opportunity(opp, by=acme.rep, amount=Decimal(5), name="New name").name == "New name"


def test_winning_can_bring_the_agreed_amount(acme, deal):
    assert actions.win(deal(amount=Decimal(5)), by=acme.rep, amount=Decimal("4.50")).weighted == Decimal("4.50")


def test_an_edit_of_an_old_page_is_a_conflict(acme, deal, stage):
    opp = deal()
    actions.update_opportunity(opp, by=acme.rep, expected=1, name="First")
    for act in (
        lambda: actions.update_opportunity(opp, by=acme.rep, expected=1, name="Second"),
        lambda: actions.move_stage(opp, stage("quote"), by=acme.rep, expected=1),
        lambda: actions.win(opp, by=acme.rep, expected=1),
    ):
        with pytest.raises(Conflict):
            act()


def test_transfer_is_the_managers_and_goes_to_somebody_who_sells(acme, deal):
    opp = deal()
    with pytest.raises(Forbidden):
        actions.transfer(opp, acme.peer, by=acme.rep, reason="holiday")
    with pytest.raises(ValidationError):
        actions.transfer(opp, acme.finance, by=acme.manager, reason="holiday")
    actions.transfer(opp, acme.peer, by=acme.manager, reason="holiday")
    assert changes(opp, "owner")[-1] == (str(acme.rep.pk), str(acme.peer.pk))


def test_a_member_with_open_deals_cannot_leave(acme, deal):
    opp = deal()
    with refused("STILL_HOLDS"):
        company.deactivate(acme.rep, by=acme.admin)
    actions.lose(opp, by=acme.rep, reason="timing")


def test_a_rep_opens_deals_for_himself_a_manager_for_the_team(acme, deal):
    with pytest.raises(Forbidden):
        deal(owner=acme.peer)
    assert deal(by=acme.manager, owner=acme.rep).owner == acme.rep
    with pytest.raises(Forbidden):
        deal(by=acme.manager, owner=acme.other_rep)
    with pytest.raises(Forbidden):
        deal(by=acme.finance)


def test_dated_history_keeps_its_order(acme, deal, stage):
    start = datetime(2024, 1, 10, tzinfo=UTC)
    opp = deal(by=acme.system, owner=acme.rep, at=start)
    actions.move_stage(opp, stage("contract"), by=acme.system, at=start + timedelta(days=20))
    with pytest.raises(ValidationError):
        actions.win(opp, by=acme.system, at=start + timedelta(days=10))
    actions.win(opp, by=acme.system, at=start + timedelta(days=30))
    rows = OpportunityChange.objects.of(acme.tenant).filter(opportunity=opp, field="stage")
    assert [row.at for row in rows] == [start + timedelta(days=n) for n in (0, 20, 30)]
    assert all(row.recorded_at.year > 2024 for row in rows)
    assert opp.closed_at == start + timedelta(days=30)


def test_a_follow_up_is_remembered_and_brings_the_next_step(acme, deal):
    opp = deal()
    activities.log([opp], by=acme.rep, type="call", note="They want a quote.", next_step="Send the quote")
    opp.refresh_from_db()
    assert opp.next_step == "Send the quote"
    assert opp.last_followup_at is not None
