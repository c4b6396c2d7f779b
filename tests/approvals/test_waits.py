"""Waiting time per node: from its opening to its last decision (domain.md 6.8)."""

from datetime import UTC, datetime, timedelta

import pytest

from crm.core.approvals.metrics import waits
from crm.core.approvals.models import ApprovalTask
from crm.core.calendars import Period

from .conftest import approve_all, node

pytestmark = pytest.mark.django_db
KIND = "opportunities.opportunity"
OPENED = datetime(2026, 5, 4, 1, 0, tzinfo=UTC)


def test_median_and_ninetieth_percentile_of_each_node(acme, ask, flow):
    flow(node("One", acme.manager, acme.finance, mode="all"), node("Two", acme.legal))
    for hours in (1, 2, 3, 4, 10):
        instance = ask()
        approve_all(instance, acme.manager, acme.finance)
        tasks = ApprovalTask.objects.of(acme.tenant).filter(instance=instance)
        tasks.filter(node="one").update(opened_at=OPENED, decided_at=OPENED)
        tasks.filter(assignee=acme.finance).update(decided_at=OPENED + timedelta(hours=hours))
    found = waits(acme.tenant, KIND, Period.all())
    assert set(found) == {"one"}  # the second still waits
    assert found["one"].count == 5
    assert found["one"].median == timedelta(hours=3)
    assert found["one"].p90 == timedelta(hours=7, minutes=36)
    assert waits(acme.tenant, KIND, Period.parse("2026-05"))["one"].count == 5
    assert waits(acme.tenant, KIND, Period.parse("2026-06")) == {}


def test_a_decision_counts_on_its_local_day(acme, ask):
    instance = ask()
    approve_all(instance, acme.manager)
    at = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)  # 00:00 of 1 June in Shanghai
    ApprovalTask.objects.of(acme.tenant).filter(instance=instance).update(opened_at=at, decided_at=at)
    assert waits(acme.tenant, KIND, Period.parse("2026-05")) == {}
    assert waits(acme.tenant, KIND, Period.parse("2026-06"))["manager"].count == 1
