"""What the cash forecast is measured from (D15): how late customers really pay, and on which terms we sell.

Both are medians of the last two years, taken anew each night. Under MIN_SAMPLE the company's figure stands in
for a customer's, and the shipped plan 30/30/30/10 (domain.md 10.4) for the company's terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection, transaction

from receivables.models import PaymentDelay, Receivable, UsualTerm

MIN_SAMPLE = 3
LOOK_BACK = timedelta(days=730)
SIX = Decimal("0.000001")

# Days from the due date to the money, of each allocation that nobody took back.
DELAYS = """
WITH paid AS (
  SELECT r.account_id, a.effective_date - r.due_date AS days
  FROM receivables_allocation a
  JOIN receivables_receivable r ON r.tenant_id = a.tenant_id AND r.id = a.receivable_id
  WHERE a.tenant_id = %(tenant)s AND a.amount > 0 AND r.due_date IS NOT NULL
    AND a.effective_date BETWEEN %(since)s AND %(today)s
    AND NOT EXISTS (
      SELECT 1 FROM receivables_allocation b WHERE b.tenant_id = a.tenant_id AND b.reverses_id = a.id
    )
), median AS (
  SELECT account_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY days) AS days, count(*) AS sample
  FROM paid GROUP BY GROUPING SETS ((account_id), ()) HAVING count(*) >= %(least)s
)
INSERT INTO receivables_paymentdelay (tenant_id, account_id, measured_on, days, sample)
SELECT %(tenant)s, account_id, %(today)s, days, sample FROM median
ON CONFLICT (tenant_id, account_id)
DO UPDATE SET measured_on = excluded.measured_on, days = excluded.days, sample = excluded.sample
"""

# For each kind of receivable the median share of a contract (none counts as 0) and the median days after signing.
TERMS = """
WITH part AS (
  SELECT c.id AS contract_id, r.kind, sum(r.original) AS amount,
         sum(r.original * (r.due_date - c.sign_date)) / sum(r.original) FILTER (WHERE r.due_date IS NOT NULL) AS days
  FROM contracts_contract c
  JOIN receivables_receivable r ON r.tenant_id = c.tenant_id AND r.contract_id = c.id
  WHERE c.tenant_id = %(tenant)s AND c.sign_date BETWEEN %(since)s AND %(today)s
    AND NOT r.superseded AND r.original > 0
  GROUP BY c.id, r.kind
), whole AS (
  SELECT contract_id, sum(amount) AS total FROM part GROUP BY contract_id
), kind AS (
  SELECT DISTINCT kind FROM part
)
SELECT kind.kind,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(part.amount, 0) / whole.total)::numeric(9, 6),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY round(part.days)), count(*)
FROM whole CROSS JOIN kind
LEFT JOIN part ON part.contract_id = whole.contract_id AND part.kind = kind.kind
GROUP BY kind.kind
"""


@dataclass(frozen=True)
class Term:
    """From `start` to `end` of the amount is due `days` after signing; the parts of a plan go from 0 to 1."""

    kind: str
    days: int
    start: Decimal
    end: Decimal
    sample: int = 0

    @property
    def share(self) -> Decimal:
        return self.end - self.start

    @property
    def label(self) -> str:
        return str(Receivable.Kind(self.kind).label)


def plan(parts: Sequence[tuple[str, Decimal, int, int]]) -> list[Term]:
    """Terms of (kind, share, days, sample): shares brought to a sum of exactly 1, earliest first."""
    parts = sorted((part for part in parts if part[1] > 0 and part[2] is not None), key=lambda part: part[2])
    total, terms, reached, start = sum(part[1] for part in parts), [], Decimal(0), Decimal(0)
    for index, (kind, share, days, sample) in enumerate(parts, start=1):
        reached += share
        end = Decimal(1) if index == len(parts) else (reached / total).quantize(SIX)
        terms.append(Term(kind, int(days), start, end, sample))
        start = end
    return terms


SHIPPED = plan([
    ("advance", Decimal("0.3"), 7, 0), ("progress", Decimal("0.3"), 60, 0), ("acceptance", Decimal("0.3"), 90, 0),
    ("retention", Decimal("0.1"), 365, 0),
])  # fmt: skip


@transaction.atomic
def measure(tenant, today: date) -> None:
    """Take both medians anew, as of the business date `today`."""
    given = {"tenant": tenant.pk, "today": today, "since": today - LOOK_BACK, "least": MIN_SAMPLE}
    with connection.cursor() as cursor:
        cursor.execute(DELAYS, given)
        cursor.execute(TERMS, given)
        measured = cursor.fetchall()
        _keep(cursor, tenant.pk, today, plan([part for part in measured if part[3] >= MIN_SAMPLE]))


def _keep(cursor, tenant_id: int, today: date, terms: list[Term]) -> None:
    cursor.execute("DELETE FROM receivables_usualterm WHERE tenant_id = %s", [tenant_id])
    for term in terms:
        cursor.execute(
            "INSERT INTO receivables_usualterm (tenant_id, kind, measured_on, days, share_from, share_to, sample)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [tenant_id, term.kind, today, term.days, term.start, term.end, term.sample],
        )


def usual_terms(tenant) -> list[Term]:
    """The company's measured plan, or the shipped one."""
    rows = UsualTerm.objects.of(tenant).order_by("share_from")
    return [Term(row.kind, row.days, row.share_from, row.share_to, row.sample) for row in rows] or SHIPPED


def company_delay(tenant) -> PaymentDelay:
    """The company's median; no delay while fewer than MIN_SAMPLE payments are known (an unsaved row)."""
    found = PaymentDelay.objects.of(tenant).filter(account=None).first()
    return found or PaymentDelay(tenant_id=tenant.pk, days=0, sample=0)
