"""Everything that is cached or promised about money, recomputed from rows nobody can change (INV-R1 to R12).

Each check is one statement over a whole company; a row it returns is a difference. Expected: none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contracts.models import Contract, Order
from crm.core.entities.models import LegalEntity
from crm.core.events.schedule import periodic
from crm.core.notifications.actions import notice, notify_many
from crm.core.notifications.texts import Text, kind
from crm.core.people.models import Member
from crm.core.people.roles import Role
from crm.core.taxes import TOLERANCE
from receivables import models
from receivables.ageing_rules import BOUNDS

TABLES = {
    **{name.lower(): getattr(models, name)._meta.db_table for name in models.__all__},
    "contract": Contract._meta.db_table,
    "order": Order._meta.db_table,
    "entity": LegalEntity._meta.db_table,
}
WAITING = ", ".join(f"'{status}'" for status in models.InvoiceRequest.WAITING)
AGE = "(%(today)s::date - r.due_date)"
CASES = " ".join(f"WHEN {AGE} <= {last} THEN {index}" for index, last in enumerate(BOUNDS))
BUCKETS = f"CASE {CASES} ELSE {len(BOUNDS)} END"
VALUES = {**TABLES, "waiting": WAITING, "tolerance": TOLERANCE, "bucket": BUCKETS}


@dataclass(frozen=True)
class Difference:
    """One broken promise: `what` names the row, `expected` is recomputed, `found` is what stands there."""

    invariant: str
    check: str
    what: str
    expected: Decimal | None
    found: Decimal | None

    def __str__(self):
        return f"{self.invariant} {self.check}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Check:
    """`sql` selects (what, expected, found) of all rows that differ; names in braces are tables."""

    invariant: str
    name: str
    sql: str


def _cache(
    invariant: str, name: str, owner: str, column: str, rows: str, key: str, sum_: str = "amount", when: str = "TRUE"
) -> Check:  # fmt: skip
    """A cached column of `owner` against the sum of its rows."""
    sql = f"""
        SELECT o.number, COALESCE(s.total, 0), o.{column} FROM {{{owner}}} o
        LEFT JOIN (SELECT t.{key} AS id, SUM(t.{sum_}) AS total FROM {rows} t
                   WHERE t.tenant_id = %(tenant)s AND {when} GROUP BY 1) s ON s.id = o.id
        WHERE o.tenant_id = %(tenant)s AND o.{column} <> COALESCE(s.total, 0)"""
    return Check(invariant, name, sql)


CHECKS = (
    _cache("INV-R4", "allocated of a receivable", "receivable", "allocated", "{allocation}", "receivable_id"),
    _cache("INV-R4", "allocated of a receipt", "receipt", "allocated", "{allocation}", "receipt_id"),
    _cache("INV-R4", "adjusted", "receivable", "adjusted", "{adjustment}", "receivable_id"),
    _cache("INV-R4", "balance against the sub-ledger", "receivable", "balance", "{arentry}", "receivable_id"),
    _cache("INV-R4", "original against the opening entry", "receivable", "original", "{arentry}", "receivable_id",
           when="t.type = 'OPEN'"),
    _cache("INV-R4", "written off against the sub-ledger", "receivable", "written_off", "{arentry}", "receivable_id",
           sum_="amount * -1", when="t.type IN ('WRITE_OFF', 'RECOVER')"),
    _cache("INV-R3", "reserved of a receipt", "receipt", "reserved", "{refund}", "receipt_id",
           when="t.status IN ('requested', 'approved')"),
    _cache("INV-R3", "refunded of a receipt", "receipt", "refunded", "{refund}", "receipt_id",
           when="t.status = 'paid'"),
    Check("INV-R4", "unallocated against the credit ledger", """
        SELECT o.number, COALESCE(s.total, 0), CASE WHEN o.status = 'reversed' THEN 0 ELSE o.unallocated END
        FROM {receipt} o LEFT JOIN (SELECT receipt_id, SUM(amount) AS total FROM {creditentry}
                                    WHERE tenant_id = %(tenant)s GROUP BY 1) s ON s.receipt_id = o.id
        WHERE o.tenant_id = %(tenant)s AND o.status <> 'draft'
          AND COALESCE(s.total, 0) <> CASE WHEN o.status = 'reversed' THEN 0 ELSE o.unallocated END"""),
    Check("INV-R1", "receivables of a confirmed plan", """
        SELECT c.number || COALESCE(' ' || o.number, ''), COALESCE(o.amount, c.effective_amount), COALESCE(s.total, 0)
        FROM {plan} p JOIN {contract} c ON c.id = p.contract_id AND c.tenant_id = p.tenant_id
        LEFT JOIN {order} o ON o.id = p.order_id AND o.tenant_id = p.tenant_id
        LEFT JOIN (SELECT r.contract_id, q.order_id, SUM(r.original + r.adjusted - COALESCE(d.dropped, 0)) AS total
                   FROM {receivable} r
                   LEFT JOIN (SELECT receivable_id, SUM(amount) AS dropped FROM {adjustment}
                              WHERE tenant_id = %(tenant)s AND is_rounding GROUP BY 1) d ON d.receivable_id = r.id
                   LEFT JOIN {plan} q ON q.id = r.plan_id AND q.tenant_id = r.tenant_id
                   WHERE r.tenant_id = %(tenant)s AND NOT r.superseded GROUP BY 1, 2) s
               ON s.contract_id = p.contract_id AND s.order_id IS NOT DISTINCT FROM p.order_id
        WHERE p.tenant_id = %(tenant)s AND p.status = 'confirmed'
          AND COALESCE(s.total, 0) <> COALESCE(o.amount, c.effective_amount)"""),
    Check("INV-R5", "reversals of an allocation", """
        SELECT r.number || ' #' || a.id, a.amount, -SUM(b.amount) FROM {allocation} a
        JOIN {allocation} b ON b.reverses_id = a.id AND b.tenant_id = a.tenant_id
        JOIN {receipt} r ON r.id = a.receipt_id AND r.tenant_id = a.tenant_id
        WHERE a.tenant_id = %(tenant)s GROUP BY r.number, a.id, a.amount, a.reverses_id
        HAVING -SUM(b.amount) > a.amount OR a.reverses_id IS NOT NULL"""),
    Check("INV-R6", "allocations across legal entities, currencies or customers", """
        SELECT p.number || ' / ' || r.number, 0, SUM(a.amount) FROM {allocation} a
        JOIN {receipt} p ON p.id = a.receipt_id AND p.tenant_id = a.tenant_id
        JOIN {receivable} r ON r.id = a.receivable_id AND r.tenant_id = a.tenant_id
        WHERE a.tenant_id = %(tenant)s AND (p.legal_entity_id <> r.legal_entity_id OR p.currency <> r.currency
          OR (p.account_id IS DISTINCT FROM r.account_id AND NOT EXISTS (
              SELECT FROM {payeralias} x WHERE x.tenant_id = a.tenant_id AND x.account_id = r.account_id
              AND x.is_third_party)))
        GROUP BY 1"""),
    _cache("INV-R7", "invoiced of a receivable", "receivable", "invoiced",
           "(SELECT s.tenant_id, s.receivable_id, s.amount FROM {invoiceshare} s"
           " WHERE NOT EXISTS (SELECT FROM {invoicevoid} v"
           " WHERE v.invoice_id = s.invoice_id AND v.tenant_id = s.tenant_id))", "receivable_id"),
    _cache("INV-R7", "red invoices pending", "receivable", "red_pending", "{invoicerequest}", "receivable_id",
           when="t.is_red AND t.status IN ({waiting})"),
    Check("INV-R7", "invoiced more than is owed", """
        SELECT r.number, r.original + r.adjusted, r.invoiced - r.red_pending FROM {receivable} r
        WHERE r.tenant_id = %(tenant)s AND r.invoiced - r.red_pending > r.original + r.adjusted"""),
    Check("INV-R7", "lines of an invoice", """
        SELECT i.number, i.gross, SUM(l.gross) FROM {invoice} i
        LEFT JOIN {invoiceline} l ON l.invoice_id = i.id AND l.tenant_id = i.tenant_id
        WHERE i.tenant_id = %(tenant)s GROUP BY i.id, i.number, i.gross, i.net, i.tax
        HAVING (i.net, i.tax, i.gross) IS DISTINCT FROM (SUM(l.net), SUM(l.tax), SUM(l.gross))
            OR NOT COALESCE(BOOL_AND(l.net + l.tax = l.gross), FALSE)"""),
    Check("INV-R7", "tax of a line beyond the tolerance", """
        SELECT i.number || ' #' || l.id, ROUND(l.net * l.rate, 2), l.tax FROM {invoiceline} l
        JOIN {invoice} i ON i.id = l.invoice_id AND i.tenant_id = l.tenant_id
        WHERE l.tenant_id = %(tenant)s AND NOT i.is_red AND ABS(ROUND(l.net * l.rate, 2) - l.tax) > {tolerance}"""),
    Check("INV-R7", "shares of an invoice", """
        SELECT i.number, i.gross, COALESCE(SUM(s.amount), 0) FROM {invoice} i
        LEFT JOIN {invoiceshare} s ON s.invoice_id = i.id AND s.tenant_id = i.tenant_id
        WHERE i.tenant_id = %(tenant)s GROUP BY i.id, i.number, i.gross
        HAVING COALESCE(SUM(s.amount), 0) <> i.gross"""),
    Check("INV-R8", "reds of a blue line", """
        SELECT i.number || ' #' || b.id, b.gross, -SUM(l.gross) FROM {invoiceline} b
        JOIN {invoiceline} l ON l.blue_line_id = b.id AND l.tenant_id = b.tenant_id
        JOIN {invoice} i ON i.id = b.invoice_id AND i.tenant_id = b.tenant_id
        WHERE b.tenant_id = %(tenant)s GROUP BY i.number, b.id, b.net, b.tax, b.gross
        HAVING -SUM(l.gross) > b.gross OR -SUM(l.net) > b.net OR -SUM(l.tax) > b.tax"""),
    Check("INV-R8", "reds of a blue invoice", """
        SELECT b.number, b.gross, -SUM(r.gross) FROM {invoice} b
        JOIN {invoice} r ON r.blue_id = b.id AND r.tenant_id = b.tenant_id
        WHERE b.tenant_id = %(tenant)s GROUP BY b.number, b.gross HAVING -SUM(r.gross) > b.gross"""),
    Check("INV-R8", "red invoices without their confirmation", """
        SELECT i.number, 0, i.gross FROM {invoice} i WHERE i.tenant_id = %(tenant)s AND i.is_red AND NOT EXISTS (
            SELECT FROM {invoicerequest} q WHERE q.invoice_id = i.id AND q.tenant_id = i.tenant_id
            AND q.status = 'issued' AND q.confirmation IN ('01', '04'))"""),
    Check("INV-R10", "receipts of a bank line", """
        SELECT l.row_key, l.credit, SUM(p.amount) FROM {bankline} l
        JOIN {receipt} p ON p.bank_line_id = l.id AND p.tenant_id = l.tenant_id AND p.status = 'posted'
        WHERE l.tenant_id = %(tenant)s GROUP BY l.id, l.row_key, l.credit HAVING SUM(p.amount) > l.credit"""),
    Check("INV-R11", "receipts of a legal entity", """
        SELECT e.name, e.receipts, e.used FROM (
            SELECT n.name, SUM(p.amount) AS receipts,
                   SUM(COALESCE(a.total, 0) + COALESCE(f.total, 0) + p.unallocated) AS used
            FROM {receipt} p JOIN {entity} n ON n.id = p.legal_entity_id AND n.tenant_id = p.tenant_id
            LEFT JOIN (SELECT receipt_id, SUM(amount) AS total FROM {allocation} WHERE tenant_id = %(tenant)s
                       GROUP BY 1) a ON a.receipt_id = p.id
            LEFT JOIN (SELECT receipt_id, SUM(amount) AS total FROM {refund} WHERE tenant_id = %(tenant)s
                       AND status IN ('requested', 'approved', 'paid') GROUP BY 1) f ON f.receipt_id = p.id
            WHERE p.tenant_id = %(tenant)s AND p.status = 'posted' GROUP BY n.id, n.name) e
        WHERE e.receipts <> e.used"""),
    Check("INV-R12", "ageing buckets of a legal entity", """
        SELECT n.name, SUM(b.ledger), SUM(b.cached) FROM (
            SELECT r.legal_entity_id, {bucket} AS bucket, SUM(r.balance) AS cached, SUM(e.total) AS ledger
            FROM {receivable} r
            JOIN (SELECT receivable_id, SUM(amount) AS total FROM {arentry} WHERE tenant_id = %(tenant)s GROUP BY 1) e
              ON e.receivable_id = r.id
            WHERE r.tenant_id = %(tenant)s AND r.due_date IS NOT NULL AND (r.balance > 0 OR e.total > 0)
            GROUP BY 1, 2) b JOIN {entity} n ON n.id = b.legal_entity_id AND n.tenant_id = %(tenant)s
        GROUP BY n.id, n.name HAVING BOOL_OR(b.cached IS DISTINCT FROM b.ledger)"""),
)  # fmt: skip


def differences(tenant) -> Iterator[Difference]:
    """What does not agree in a company; its wall must be open, in a transaction."""
    given = {"tenant": tenant.pk, "today": tenant.today()}
    with connection.cursor() as cursor:
        for check in CHECKS:
            cursor.execute(check.sql.format(**VALUES).format(**VALUES), given)
            for what, expected, found in cursor.fetchall():
                yield Difference(check.invariant, check.name, what, expected, found)


@periodic("receivables.verify", minutes=24 * 60)
def verify(tenant) -> int:
    """Every night: finance and administrators hear of differences, once a day; returns how many there are."""
    with transaction.atomic():
        found = list(differences(tenant))
        if found:
            _tell(tenant, found)
    return len(found)


def _tell(tenant, found: list[Difference]) -> None:
    people = Member.objects.of(tenant).filter(is_active=True, roles__overlap=[Role.FINANCE, Role.ADMIN])
    told = {"count": len(found), "first": str(found[0])[:300]}
    key = f"ledger.differs:{tenant.today()}"
    notify_many(notice(one, "ledger.differs", dedupe_key=key, **told) for one in people.exclude(is_system=True))


@kind("ledger.differs")
def differs(notice) -> Text:
    count = notice.params["count"]
    title = ngettext(
        "The nightly check of the ledgers found %(count)d difference",
        "The nightly check of the ledgers found %(count)d differences",
        count,
    ) % {"count": count}
    body = _("Balances are not touched. Send this to who runs the server: %(first)s") % notice.params
    return Text(title, body, reverse("receivables:list", kwargs={"tenant": notice.tenant.slug}))
