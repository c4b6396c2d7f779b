"""What a funnel costs when the company has a long past: pages touched, on tables that were analysed."""

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm.core import records
from crm.core.tenancy.state import enter
from opportunities import actions
from opportunities.metrics import funnel
from tests.conftest import make_acme

CLOSED_LONG_AGO = """
    INSERT INTO opportunities_opportunity (tenant_id, created_at, updated_at, version, name, account_id,
        pipeline_id, stage_id, furthest_order, amount, currency, probability, override_reason, status,
        owner_id, source, next_step, lost_reason, lost_detail, opened_at, stage_entered_at, closed_at,
        close_date_pushes, external_ref)
    SELECT tenant_id, past.at, past.at, 1, name, account_id, pipeline_id, stage_id, 1, 7, 'CNY', 1, '', 'won',
        owner_id, '', '', '', '', past.at, past.at, past.at, 0, ''
    FROM opportunities_opportunity, generate_series(1, %s) AS n,
        LATERAL (SELECT timestamptz '2015-01-01' + n %% 1500 * interval '1 day' AS at) past
    WHERE id = %s
"""
THEIR_CHANGES = """
    INSERT INTO opportunities_opportunitychange
        (tenant_id, opportunity_id, field, before, after, at, recorded_at, reason)
    SELECT o.tenant_id, o.id, f.field, '', f.after, o.opened_at, o.opened_at, ''
    FROM opportunities_opportunity o,
        LATERAL (VALUES ('stage', o.stage_id::text), ('status', 'won')) AS f (field, after)
    WHERE o.status = 'won' AND NOT EXISTS (
        SELECT FROM opportunities_opportunitychange c WHERE c.tenant_id = o.tenant_id AND c.opportunity_id = o.id)
"""


def pages(member) -> int:
    """Pages that the statements of this quarter's funnel touch, planned as for tables too large to read through."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as captured:
        assert funnel(member, {}).total.count == 200
    return sum(touched(q["sql"]) for q in captured if q["sql"].lstrip().startswith(("SELECT", "WITH")))


def touched(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_ten_times_the_closed_history_does_not_make_a_quarter_dearer():
    acme = make_acme()
    with enter(acme.tenant), transaction.atomic():
        account = records.create(Account, by=acme.rep, name="Harbour Pumps", owner=acme.rep)
        today = acme.tenant.today()
        deals = [
            actions.open_opportunity(by=acme.rep, account=account, name="Now", amount=1, close_date=today)
            for _ in range(200)
        ]
    costs = []
    for count in (2_000, 18_000):
        with enter(acme.tenant), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(CLOSED_LONG_AGO, [count, deals[0].pk])
            cursor.execute(THEIR_CHANGES)
        with connections["owner"].cursor() as cursor:
            cursor.execute("ANALYZE opportunities_opportunity, opportunities_opportunitychange")
        with enter(acme.tenant), transaction.atomic():
            acme.manager.__dict__.pop("reachable_ids", None)
            costs.append(pages(acme.manager))
    assert costs[1] < 1.5 * costs[0] + 50, costs
