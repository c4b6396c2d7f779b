"""How long deals stay in a stage, read from their change rows (domain.md 6.12)."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from crm.core.money import round_half_up

# A stay lasts from the change that brings a deal into a stage to the one that takes it out, without the
# time it was closed or put aside; stays of one deal in one stage are added up. The stage a deal stands in
# now has not ended and is left out. OFFSET 0 makes the planner look up the rows of each deal, so that the past of
# all other deals costs nothing; the deal's own columns travel along, as joining it again was a loop over all pairs.
STAYS = """
WITH deals (id, status, stage_id, opened_at, closed_at) AS MATERIALIZED ({deals}),
marks AS (
    SELECT c.opportunity_id, deals.status, deals.stage_id, c.at, lead(c.at) OVER later AS until,
           array_agg(c.after) FILTER (WHERE c.field = 'stage') OVER later AS stages,
           array_agg(c.after) FILTER (WHERE c.field = 'status') OVER later AS statuses
    FROM deals CROSS JOIN LATERAL (
        SELECT * FROM opportunities_opportunitychange c
        WHERE c.tenant_id = %s AND c.opportunity_id = deals.id AND c.field IN ('stage', 'status')
        OFFSET 0
    ) c
    WINDOW later AS (PARTITION BY c.opportunity_id ORDER BY c.at, c.id)
), stays AS (
    SELECT m.opportunity_id, s.key, sum(m.until - m.at) AS stay
    FROM marks m
    JOIN opportunities_stage s ON s.tenant_id = %s AND s.id = m.stages[cardinality(m.stages)]::bigint
    WHERE m.until > m.at AND m.statuses[cardinality(m.statuses)] = 'open'
      AND NOT (m.status IN ('open', 'suspended') AND m.stage_id = s.id)
    GROUP BY m.opportunity_id, s.key
)
SELECT key, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY stay), avg(stay),
       percentile_cont(0.75) WITHIN GROUP (ORDER BY stay)
FROM (
    SELECT key, stay FROM stays
    UNION ALL
    SELECT '', closed_at - opened_at FROM deals WHERE status = 'won'
) times GROUP BY key
"""
# The key of the whole way of the won deals, from their opening to the win.
CYCLE = ""


@dataclass(frozen=True)
class Stay:
    """Days that completed stays lasted, one decimal."""

    count: int
    median: Decimal
    mean: Decimal
    p75: Decimal


def stays(deals: QuerySet, tenant) -> dict[str, Stay]:
    """Stage key → the completed stays of `deals`, and CYCLE → their way to the win; one query."""
    columns = deals.order_by().values_list("pk", "status", "stage_id", "opened_at", "closed_at")
    sql, params = columns.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(STAYS.format(deals=sql), [*params, tenant.pk, tenant.pk])
        return {key: Stay(count, *map(days, times)) for key, count, *times in cursor.fetchall()}


def days(time: timedelta) -> Decimal:
    """A length of time in days with one decimal."""
    return round_half_up(Decimal(time // timedelta(seconds=1)) / 86400, 1)
