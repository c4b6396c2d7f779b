"""The weighted funnel (WC-15, WC-16, INV-O4, INV-O8, INV-G8)."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from crm.core.errors import ValidationError
from opportunities import actions
from opportunities.metrics import funnel, funnel_rows, learned_probabilities, rates
from opportunities.models import OpportunityChange
from opportunities.playbooks import P8

pytestmark = pytest.mark.django_db
ALL = {"period": "all"}


def percents(values):
    return [None if v is None else str(rates.round_half_up(v * 100, 1)) for v in values]


@pytest.fixture
def wc15(deal, stage, acme):
    """The five deals of WC-15."""
    amounts = {"contact": 2_000_000, "requirement": 1_500_000, "quote": 1_000_000, "contract": 600_000, "won": 400_000}
    for key, amount in amounts.items():
        actions.move_stage(deal(amount=Decimal(amount), close_date=date(2030, 5, 20)), stage(key), by=acme.rep)


def test_wc_15_sums_stages_and_total_to_the_cent(acme, wc15):
    found = funnel(acme.rep, ALL)
    assert [(row.stage.key, row.sums.count, str(row.sums.weighted)) for row in found.rows] == [
        ("contact", 1, "200000.00"),
        ("requirement", 1, "450000.00"),
        ("quote", 1, "500000.00"),
        ("contract", 1, "480000.00"),
        ("won", 1, "400000.00"),
    ]
    assert (str(found.total.amount), str(found.total.weighted)) == ("5500000.00", "2030000.00")
    assert Decimal(2_500_000) - found.total.weighted == Decimal("470000.00")


def test_wc_15_forecast(acme, wc15):
    forecast = funnel(acme.rep, ALL).forecast
    assert (forecast.closed, forecast.commit, forecast.best_case, forecast.pipeline) == (
        400_000,
        600_000,
        1_000_000,
        3_500_000,
    )
    weighted = rates.Forecast(Decimal(1_900_000), Decimal(500_000), Decimal(600_000), Decimal(400_000))
    assert weighted.commit_forecast == 1_000_000
    assert weighted.best_case_forecast == 1_500_000
    assert weighted.open_pipeline == 3_000_000
    assert weighted.gap(Decimal(2_500_000)) == 2_100_000
    assert Decimal(2_500_000) - weighted.commit_forecast == 1_500_000
    assert weighted.coverage(Decimal(2_500_000)) == Decimal("1.43")
    assert weighted.closed <= weighted.commit_forecast <= weighted.best_case_forecast
    assert weighted.best_case_forecast <= weighted.closed + weighted.open_pipeline


def test_wc_15_rounds_each_deal_before_it_adds(acme, deal):
    for _ in range(3):
        deal(amount=Decimal("333.33"))
    assert str(funnel(acme.rep, ALL).total.weighted) == "99.99"


def test_wc_15_smooths_what_was_observed():
    assert percents([rates.learned(12, 40, Decimal("0.3"))]) == ["30.0"]
    assert rates.learned(0, 2, Decimal("0.3")) == Decimal("0.272727")


def test_wc_16_conversion_weakest_step_and_velocity():
    counts = [1000, 800, 600, 450, 350, 250, 150, 130]
    assert percents(rates.conversions(counts)) == ["80.0", "75.0", "75.0", "77.8", "71.4", "60.0", "86.7"]
    assert rates.weakest(counts) == 5
    assert percents([rates.ratio(150, 1000), rates.ratio(130, 1000)]) == ["15.0", "13.0"]
    assert rates.velocity(40, Decimal(25_000), Decimal("0.25"), Decimal(90)) == Decimal("2777.78")
    faster = rates.velocity(40, Decimal(25_000), Decimal("0.25"), Decimal(72))
    assert rates.round_half_up(faster / Decimal("2777.78")) == Decimal("1.25")


def test_wc_16_cohort_counts_the_furthest_stage(acme, deal, stage):
    keys = ["contact", "requirement", "quote", "contract", "won"]
    for furthest in (1, 1, 2, 2, 3, 4, 5, 5, 5):
        actions.move_stage(deal(), stage(keys[furthest - 1]), by=acme.rep)
    there_and_back = actions.move_stage(deal(), stage("quote"), by=acme.rep)
    actions.move_stage(there_and_back, stage("requirement"), by=acme.rep)
    found = funnel(acme.rep, ALL)
    assert [row.reached for row in found.rows] == [10, 8, 6, 4, 3]
    assert percents(row.conversion for row in found.rows) == ["80.0", "75.0", "66.7", "75.0", None]
    assert [row.still_open for row in found.rows] == [2, 2, 2, 1, 0]
    assert found.is_provisional
    for row in found.rows:
        assert funnel_rows(acme.rep, row.reached_query).count() == row.reached
        assert funnel_rows(acme.rep, row.still_open_query).count() == row.still_open


def test_a_period_counts_open_deals_by_close_date_and_won_ones_by_the_day_they_were_won(acme, deal, stage):
    day = datetime(2024, 3, 31, 16, 0, tzinfo=UTC)  # April 1, 00:00 in Shanghai
    for at in (day - timedelta(seconds=1), day):
        opp = deal(by=acme.system, owner=acme.rep, at=day - timedelta(days=9), amount=Decimal(100))
        actions.win(opp, by=acme.system, at=at)
    deal(amount=Decimal(10), close_date=date(2024, 3, 31))
    deal(amount=Decimal(20), close_date=date(2024, 4, 1))
    deal(amount=Decimal(40))
    actions.lose(deal(amount=Decimal(80), close_date=date(2024, 4, 1)), by=acme.rep, reason="price")
    actions.suspend(deal(amount=Decimal(160), close_date=date(2024, 4, 1)), by=acme.rep, reason="later")
    march, april = (funnel(acme.rep, {"period": period}) for period in ("2024-03", "2024-04"))
    assert (march.total.amount, april.total.amount) == (110, 120)
    assert march.undated.amount == april.undated.amount == 40
    everything = funnel(acme.rep, ALL)
    assert (everything.total.amount, everything.undated) == (270, None)
    assert funnel(acme.rep, {"period": "2024-04-01..2024-04-01"}).total.amount == 120


def test_deals_without_amount_are_counted_and_shown_as_such(acme, deal):
    deal()
    deal(amount=Decimal(10))
    first = funnel(acme.rep, ALL).rows[0]
    assert (first.sums.count, first.sums.without_amount, first.sums.amount) == (2, 1, 10)
    assert funnel_rows(acme.rep, first.sums.without_amount_query).get().amount is None


def test_times_in_stage_are_those_that_ended_and_ages_those_that_did_not(acme, deal, stage):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    system, day = acme.system, timedelta(days=1)
    for length in (2, 4, 9):
        opp = deal(by=system, owner=acme.rep, at=start)
        actions.move_stage(opp, stage("requirement"), by=system, at=start + length * day)
        actions.win(opp, by=system, at=start + (length + 10) * day)
    there = deal(by=system, owner=acme.rep, at=start)
    actions.move_stage(there, stage("requirement"), by=system, at=start + 3 * day)
    actions.move_stage(there, stage("contact"), by=system, at=start + 5 * day)
    actions.move_stage(there, stage("quote"), by=system, at=start + 6 * day)
    found = funnel(acme.rep, ALL, now=start + 26 * day)
    contact, requirement, quote = found.rows[:3]
    assert (contact.stay.count, contact.stay.median, contact.stay.p75) == (4, Decimal("4.0"), Decimal("5.3"))
    assert (requirement.stay.count, requirement.stay.median) == (4, Decimal("10.0"))
    assert quote.stay is None
    assert quote.open_days == Decimal("20.0")
    assert (found.cycle.count, found.cycle.median) == (3, Decimal("14.0"))


def test_time_put_aside_or_closed_is_no_time_in_stage(acme, deal, stage):
    start, day = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1)
    opp = deal(by=acme.system, owner=acme.rep, at=start)
    actions.suspend(opp, by=acme.system, reason="pause", at=start + 2 * day)
    actions.resume(opp, by=acme.system, at=start + 50 * day)
    actions.lose(opp, by=acme.system, reason="price", at=start + 53 * day)
    actions.reopen(opp, by=acme.system, reason="call", at=start + 90 * day)
    actions.move_stage(opp, stage("quote"), by=acme.system, at=start + 94 * day)
    assert funnel(acme.rep, ALL).rows[0].stay.median == Decimal("9.0")


def test_what_was_learned_stands_beside_the_template(acme, deal, stage):
    for n in range(4):
        opp = actions.move_stage(deal(), stage("quote"), by=acme.rep)
        actions.win(opp, by=acme.rep) if n else actions.lose(opp, by=acme.rep, reason="price")
    from opportunities.ladders import Ladder

    found = learned_probabilities(acme.tenant, Ladder.of(acme.tenant, "p5"))
    assert (found["quote"].closed, found["quote"].won) == (4, 3)
    assert found["quote"].probability == Decimal("0.541667")  # (3 + 20 · 0.5) / 24
    assert (found["contract"].closed, found["contract"].won) == (3, 3)


@pytest.fixture
def second_version(acme, pipeline):
    """p5 without the requirement stage, with a new one, and another probability."""
    kept = {stage.key: stage for stage in pipeline.stages.all()}

    def column(key, name="", probability=None):
        stage = kept.get(key)
        return {
            "key": key,
            "name": name or stage.name,
            "probability": probability or stage.probability,
            "category": stage.category if stage else "pipeline",
        }

    columns = [column("contact"), column("trial", "Trial", Decimal("0.4")), column("quote", "", Decimal("0.6"))]
    return lambda: actions.publish(pipeline, [*columns, column("contract"), column("won")], by=acme.admin)


def test_versions_of_a_pipeline_are_one_funnel(acme, deal, stage, second_version):
    old_quote = actions.move_stage(deal(amount=Decimal(100)), stage("quote"), by=acme.rep)
    old_requirement = actions.move_stage(deal(amount=Decimal(10)), stage("requirement"), by=acme.rep)
    following = second_version()
    new = {s.key: s for s in following.stages.all()}
    actions.move_stage(deal(amount=Decimal(1000)), new["quote"], by=acme.rep)
    assert old_quote.pipeline != following
    found = funnel(acme.rep, ALL)
    assert [row.stage.key for row in found.rows] == ["contact", "requirement", "trial", "quote", "contract", "won"]
    quote = next(row for row in found.rows if row.stage.key == "quote")
    assert (quote.sums.amount, quote.sums.weighted) == (1100, Decimal("650.00"))
    assert [row.reached for row in found.rows] == [3, 3, 2, 2, 0, 0]
    assert set(funnel_rows(acme.rep, quote.sums.query)) >= {old_quote}
    actions.lose(old_requirement, by=acme.rep, reason="other")
    assert "requirement" not in [row.stage.key for row in funnel(acme.rep, ALL).rows]


def test_each_pipeline_has_a_funnel_of_its_own(acme, deal):
    second = actions.start_playbook(P8, by=acme.admin)
    deal(amount=Decimal(1))
    deal(amount=Decimal(2), pipeline=second)
    assert funnel(acme.rep, ALL).total.amount == 1
    other = funnel(acme.rep, {"pipeline": "p8", **ALL})
    assert (other.total.amount, len(other.rows)) == (2, 8)
    assert [opp.amount for opp in funnel_rows(acme.rep, other.total.query)] == [2]


def test_a_funnel_that_cannot_be_read_says_so(acme):
    for wrong in ({"period": "2024-13"}, {"pipeline": "nope"}, {"owner": "x"}, {"team": "999999999999999999999"}):
        with pytest.raises(ValidationError):
            funnel(acme.rep, wrong)


def test_the_json_of_change_rows_has_no_floats(acme, deal):
    deal(amount=Decimal("0.1"))
    row = OpportunityChange.objects.of(acme.tenant).get(field="amount")
    assert re.fullmatch(r"-?\d+\.\d{2}", row.after)


def test_every_number_equals_the_rows_behind_it(acme, wc15, deal):
    deal(amount=Decimal("7.77"))
    dated, found = funnel(acme.rep, {"period": "2030-Q2"}), funnel(acme.rep, ALL)
    for sums in [dated.total, dated.undated, found.total, *(row.sums for row in [*dated.rows, *found.rows])]:
        rows = funnel_rows(acme.rep, sums.query)
        assert rows.count() == sums.count
        assert (rows.aggregate(s=Sum("amount"))["s"] or 0) == sums.amount
        assert sum(row.weighted for row in rows) == sums.weighted


def test_a_funnel_takes_six_statements_at_most_and_no_more_for_more(acme, deal, django_assert_max_num_queries):
    query = {"period": str(acme.tenant.today().year), "owner": acme.rep.pk}
    acme.manager.reachable_ids  # noqa: B018
    for _ in range(2):
        for _ in range(15):
            deal(amount=Decimal(1), close_date=acme.tenant.today())
        with django_assert_max_num_queries(6):
            assert funnel(acme.manager, query).total.count
