"""Two decide at once: one decision counts (real threads, real locks)."""

import threading

import pytest
from django.db import connections, transaction

from accounts.models import Account
from crm.core import records
from crm.core.approvals import actions, flows, subjects
from crm.core.approvals.models import Instance
from crm.core.errors import Refused
from crm.core.tenancy.state import enter
from opportunities import actions as deals
from tests.conftest import BOTH, make_acme

from .conftest import Told, deal_subject, node, the_task

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)


@pytest.fixture
def told(monkeypatch):
    told = Told()
    monkeypatch.setattr(subjects, "_subjects", {})
    subjects.register(deal_subject(told))
    return told


@pytest.fixture
def waiting(told):
    """A request that Manager or Finance decides."""
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        now = flows.current(cast.tenant, "opportunities.opportunity")
        step = node("Any", cast.manager, cast.finance, mode="any")
        flows.publish(now, by=cast.admin, nodes=[step])
        account = records.create(Account, by=cast.rep, name="Harbour Pumps", owner=cast.rep)
        deal = deals.open_opportunity(by=cast.rep, account=account, name="Six pumps", amount=1)
        return cast, actions.submit(deal, by=cast.rep)


def at_once(cast, *acts) -> list[str]:
    """Run the acts at the same moment; "done" or the refusal's code of each."""
    gate, answers = threading.Barrier(len(acts)), [""] * len(acts)

    def run(place: int, act) -> None:
        try:
            with enter(cast.tenant), transaction.atomic():
                gate.wait()
                act()
                answers[place] = "done"
        except Refused as refused:
            answers[place] = refused.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_two_deciders_and_the_submitter_at_once(waiting, told):
    cast, instance = waiting
    with enter(cast.tenant), transaction.atomic():
        first, second = the_task(instance, cast.manager), the_task(instance, cast.finance)
    answers = at_once(
        cast,
        lambda: actions.approve(first, by=cast.manager),
        lambda: actions.reject(second, by=cast.finance, comment="No"),
        lambda: actions.withdraw(instance, by=cast.rep),
    )
    assert sorted(answers) == ["ALREADY_DECIDED", "ALREADY_DECIDED", "done"]
    assert len(told) == 1
    with enter(cast.tenant), transaction.atomic():
        status = Instance.objects.of(cast.tenant).get(pk=instance.pk).status
    assert (status, instance.subject_id) == told[0]
