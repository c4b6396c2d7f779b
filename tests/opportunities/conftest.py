"""Deals of the cast: `deal(…)` opens one for the rep, `stage("quote")` finds a stage of the default pipeline."""

import pytest

from accounts.models import Account
from crm.core import records
from opportunities import actions


@pytest.fixture
def account(acme):
    return records.create(Account, by=acme.rep, name="Harbour Pumps", owner=acme.rep)


@pytest.fixture
def pipeline(acme):
    return actions.default_pipeline(acme.tenant)


@pytest.fixture
def stage(pipeline):
    stages = {stage.key: stage for stage in pipeline.stages.all()}
    return stages.__getitem__


@pytest.fixture
def deal(acme, account):
    def open_one(**values):
        values = {"by": acme.rep, "account": account, "name": "Six pumps", **values}
        return actions.open_opportunity(**values)

    return open_one
