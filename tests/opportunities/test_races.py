"""Two people at one deal: real threads, real transactions."""

import threading

import pytest
from django.db import connections, transaction

from accounts.models import Account
from crm.core import records
from crm.core.errors import Refused
from crm.core.tenancy.state import enter
from opportunities import actions
from opportunities.models import Opportunity, OpportunityChange
from tests.conftest import make_acme

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def cast():
    acme = make_acme()
    with enter(acme.tenant), transaction.atomic():
        account = records.create(Account, by=acme.rep, name="Harbour Pumps", owner=acme.rep)
        acme.deal = actions.open_opportunity(by=acme.rep, account=account, name="Six pumps")
        acme.stages = {stage.key: stage for stage in acme.deal.pipeline.stages.all()}
    return acme


def at_once(cast, *acts):
    """Run the acts at the same moment, each in its own thread and transaction; "ok" or the code of the refusal."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        try:
            with enter(cast.tenant), transaction.atomic():
                deal = Opportunity.objects.of(cast.tenant).get(pk=cast.deal.pk)
                barrier.wait(5)
                act(deal)
            results[place] = "ok"
        except Refused as refused:
            results[place] = refused.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return sorted(results)


def rows(cast, field):
    with enter(cast.tenant), transaction.atomic():
        return OpportunityChange.objects.of(cast.tenant).filter(opportunity=cast.deal, field=field).count()


def test_two_drags_at_once_one_is_told_so(cast):
    def drag(key):
        return lambda deal: actions.move_stage(deal, cast.stages[key], by=cast.rep, expected=1)

    assert at_once(cast, drag("quote"), drag("contract")) == ["VERSION_CONFLICT", "ok"]
    assert rows(cast, "stage") == 2


def test_two_wins_at_once_win_once(cast):
    def win(deal):
        actions.win(deal, by=cast.rep)

    assert at_once(cast, win, win) == ["INVALID_TRANSITION", "ok"]
    assert rows(cast, "status") == 2


def test_a_win_and_a_loss_at_once_close_once(cast):
    assert at_once(
        cast,
        lambda deal: actions.win(deal, by=cast.rep),
        lambda deal: actions.lose(deal, by=cast.rep, reason="price"),
    ) == ["INVALID_TRANSITION", "ok"]
    assert rows(cast, "status") == 2


def test_two_new_versions_at_once_publish_one(cast):
    stages = [{"key": "a", "name": "A", "probability": "0.5"}, {"key": "won", "name": "Won", "probability": "1"}]
    assert at_once(
        cast, *[lambda deal: actions.publish(deal.pipeline, stages, by=cast.admin, expected=1)] * 2
    ) == ["VERSION_CONFLICT", "ok"]  # fmt: skip
