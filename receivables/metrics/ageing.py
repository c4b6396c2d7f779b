"""Ageing as of any date, in one statement (domain.md 6.19, INV-R12, INV-R13, WC-11).

The ORM says whose rows are meant; the sums are SQL. As of today the guarded balances are read, as of a past day or
with a cut-off the ledgers are added up: both agree today. A cell and the rows behind it come from the same `_FACTS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Q, QuerySet

from crm.core.events.models import Event
from crm.core.people.models import Member, TeamMembership
from crm.core.people.reach import reach_q
from receivables.ageing_rules import BOUNDS
from receivables.models import ArEntry, CreditEntry, Receipt, Receivable

ZERO = Decimal("0.00")
UNSCHEDULED, UNALLOCATED = -1, -2
# What rows are grouped by: the path from a receivable, and from a receipt.
GROUPS = {
    "account": ("account_id", "account_id"),
    "contract": ("contract_id", "contract_id"),
    "entity": ("legal_entity_id", "legal_entity_id"),
    "owner": ("owner_id", "account__owner_id"),
    "team": ("owner_id", "account__owner_id"),
}
MANY = 100_000


@dataclass(frozen=True)
class Question:
    """Whose money, as of which local day, known at which moment (None: now), in which buckets and groups.

    The lists of ids narrow it, None does not; `receivables` and `without` choose single ones. `bounds` are the last
    days of the buckets, the last bucket is open. `everybody` asks past the member's reach: only where the caller has
    checked that all of it may be read.
    """

    member: Member
    as_of: date
    cutoff: datetime | None = None
    by: str = "account"
    bounds: Sequence[int] = BOUNDS
    currency: str = "CNY"
    accounts: list[int | None] | None = None
    contracts: list[int | None] | None = None
    entities: list[int | None] | None = None
    owners: list[int | None] | None = None
    receivables: list[int] | None = None
    without: list[int] | None = None
    everybody: bool = False

    @property
    def is_now(self) -> bool:
        return self.cutoff is None and self.as_of >= self.member.tenant.today()

    @property
    def is_narrow(self) -> bool:
        return any(ids is not None for ids in (self.accounts, self.contracts, self.receivables))

    @property
    def buckets(self) -> range:
        return range(len(self.bounds) + 1)

    def of(self, key: int | None) -> "Question":
        """The same question about one group. A team is asked for by the owners whose main team it is."""
        names = {"account": "accounts", "contract": "contracts", "entity": "entities"}
        name = names.get(self.by, "owners")
        ids = _owners_in(self.member.tenant_id, key) if self.by == "team" else [key]
        held: list[int | None] | None = getattr(self, name)
        chosen: dict[str, Any] = {name: ids if held is None else [one for one in ids if one in held]}
        return replace(self, **chosen)

    def reached(self, owner: str) -> Q:
        return Q() if self.everybody else reach_q(self.member, "ageing.read", owner)


@dataclass
class Row:
    """One group's money by bucket; UNSCHEDULED and UNALLOCATED stand beside the buckets, never netted."""

    key: int | None
    sums: dict[int, Decimal] = field(default_factory=dict)

    def __getitem__(self, bucket: int) -> Decimal:
        return self.sums.get(bucket, ZERO)

    @property
    def total(self) -> Decimal:
        """What is scheduled: the sum of the buckets (INV-R12)."""
        return sum((amount for bucket, amount in self.sums.items() if bucket >= 0), ZERO)

    @property
    def overdue(self) -> Decimal:
        return sum((amount for bucket, amount in self.sums.items() if bucket > 0), ZERO)


@dataclass(frozen=True)
class Table:
    rows: list[Row]
    total: Row
    has_more: bool = False


@dataclass(frozen=True)
class Item:
    """A receivable, or for UNALLOCATED a receipt, as it stood: `due` is a receipt's day."""

    id: int
    due: date | None
    amount: Decimal
    bucket: int


def table(question: Question, *, limit: int = 50, offset: int = 0) -> Table:
    """The groups with the largest sums first, and the sum of all of them, also of those not shown."""
    if question.by == "team":
        return _by_team(question)
    columns = [*question.buckets, UNSCHEDULED, UNALLOCATED]
    sums = ", ".join(f"COALESCE(SUM(amount) FILTER (WHERE bucket = {number}), 0)" for number in columns)
    found = _select(
        question,
        f", sums AS (SELECT GROUPING(key) = 1 AS is_all, key, {sums}, SUM(amount) FILTER (WHERE bucket >= 0) AS owed"
        " FROM facts GROUP BY GROUPING SETS ((key), ()))"
        " (SELECT * FROM sums WHERE is_all) UNION ALL"
        " (SELECT * FROM sums WHERE NOT is_all ORDER BY owed DESC NULLS LAST, key NULLS LAST LIMIT %s OFFSET %s)",
        [limit + 1, offset],
    )
    rows = [Row(key, dict(zip(columns, amounts, strict=False))) for _all, key, *amounts in found]
    total = rows.pop(0) if rows else Row(None)
    return Table(rows[:limit], total, has_more=len(rows) > limit)


def _by_team(question: Question) -> Table:
    """Owners are few: their rows are added up by main team."""
    owners = table(replace(question, by="owner"), limit=MANY)
    teams = team_of(question.member.tenant_id)
    found: dict[int | None, Row] = {}
    for row in owners.rows:
        team = teams.get(row.key)
        target = found.setdefault(team, Row(team))
        for bucket, amount in row.sums.items():
            target.sums[bucket] = target[bucket] + amount
    return Table(sorted(found.values(), key=lambda row: -row.total), owners.total)


def team_of(tenant) -> dict[int | None, int]:
    """The main team of each member, else the first one."""
    seats = TeamMembership.objects.of(tenant).order_by("member_id", "is_primary", "-pk")
    return dict(seats.values_list("member_id", "team_id"))


def _owners_in(tenant, team: int | None) -> list[int | None]:
    homes = team_of(tenant)
    if team is not None:
        return [member for member, home in homes.items() if home == team]
    everybody = Member.objects.of(tenant).values_list("pk", flat=True)
    return [None, *(pk for pk in everybody if pk not in homes)]


def items(
    question: Question, bucket: int | None = None, *, after: tuple[date | None, int] | None = None, limit: int = 50
) -> list[Item]:
    """What stands behind a cell (all buckets without `bucket`), oldest due first; `after` is the last row seen."""
    where, params = _of_bucket(bucket)
    if after is not None:
        where += " AND (COALESCE(due, 'infinity'), id) > (COALESCE(%s::date, 'infinity'), %s)"
        params += list(after)
    found = _select(
        question,
        f" SELECT id, due, amount, bucket FROM facts WHERE {where} ORDER BY COALESCE(due, 'infinity'), id LIMIT %s",
        [*params, limit],
    )
    return [Item(*row) for row in found]


def totals(question: Question, bucket: int | None = None) -> tuple[int, Decimal]:
    """How many rows stand behind a cell, and their sum."""
    where, params = _of_bucket(bucket)
    found = _select(question, f" SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM facts WHERE {where}", params)
    return found[0] if found else (0, ZERO)


def _of_bucket(bucket: int | None) -> tuple[str, list]:
    return ("bucket >= 0", []) if bucket is None else ("bucket = %s", [bucket])


def _select(question: Question, rest: str, params: list) -> list[tuple]:
    try:
        facts, given = _facts(question)
    except EmptyResultSet:  # a team without members has no rows
        return []
    with connection.cursor() as cursor:
        cursor.execute(facts + rest, [*given, *params])
        return cursor.fetchall()


_FACTS = """\
WITH r AS ({receivables}), owed AS ({owed}), p AS ({receipts}), held AS ({held}),
facts AS (
 SELECT id, key, due, amount, {bucket} AS bucket FROM owed
 UNION ALL SELECT id, key, day, amount, {unallocated} FROM held
)"""


def _facts(question: Question) -> tuple[str, list]:
    """The statement's beginning: `facts` (id, key, due, amount, bucket), a row for each open receivable or receipt."""
    receivables, receipts = _compiled(_receivables(question)), _compiled(_receipts(question))
    owed, held = ((_OWED_NOW, []), (_HELD_NOW, [])) if question.is_now else (_owed_then(question), _held_then(question))
    bucket, bounds = _bucket(question)
    sql = _FACTS.format(
        receivables=receivables[0], owed=owed[0], receipts=receipts[0], held=held[0], bucket=bucket,
        unallocated=UNALLOCATED,
    )  # fmt: skip
    return sql, [*receivables[1], *owed[1], *receipts[1], *held[1], *bounds]


def _compiled(rows: QuerySet) -> tuple[str, tuple]:
    return rows.order_by().query.sql_with_params()


def _receivables(question: Question) -> QuerySet:
    """Receivables the member may see in ageing; those with money still open when today is asked."""
    rows = Receivable.objects.of(question.member.tenant_id).filter(
        question.reached("owner"), _chosen(question, "owner"), currency=question.currency
    )
    if question.receivables is not None:
        rows = rows.filter(pk__in=question.receivables)
    if question.without is not None:
        rows = rows.exclude(pk__in=question.without)
    columns = ["id", "due_date", "key"]
    if question.is_now:
        rows, columns = rows.filter(balance__gt=0), [*columns, "balance"]
    return rows.annotate(key=F(GROUPS[question.by][0])).values(*columns)


def _receipts(question: Question) -> QuerySet:
    rows = Receipt.objects.of(question.member.tenant_id).filter(
        question.reached("account__owner"), _chosen(question, "account__owner"), currency=question.currency
    )
    columns = ["id", "received_on", "key"]
    if question.is_now:
        rows, columns = rows.filter(status=Receipt.Status.POSTED, unallocated__gt=0), [*columns, "unallocated"]
    return rows.annotate(key=F(GROUPS[question.by][1])).values(*columns)


def _chosen(question: Question, owner: str) -> Q:
    chosen = {"account": question.accounts, "contract": question.contracts, "legal_entity": question.entities,
              owner: question.owners}  # fmt: skip
    narrowed = Q()
    for name, ids in chosen.items():
        if ids is not None:
            known = Q(**{f"{name}__in": [one for one in ids if one is not None]})
            narrowed &= known | Q(**{f"{name}__isnull": True}) if None in ids else known
    return narrowed


_OWED_NOW = "SELECT id, key, due_date AS due, balance AS amount FROM r"
_HELD_NOW = "SELECT id, key, received_on AS day, unallocated AS amount FROM p"


def _owed_then(question: Question) -> tuple[str, list]:
    """Balances as of a day from the ledger; due dates as they were known at the cut-off."""
    sums, params = _sums(ArEntry, "receivable_id", "r", question)
    if question.cutoff is None:
        return f"SELECT r.id, r.key, r.due_date AS due, e.amount FROM r JOIN ({sums}) e ON e.id = r.id", params
    return (
        "SELECT r.id, r.key, CASE WHEN d.id IS NULL THEN r.due_date ELSE d.due END AS due, e.amount"
        f" FROM r JOIN ({sums}) e ON e.id = r.id LEFT JOIN ({_DUE_BEFORE}) d ON d.id = r.id",
        [*params, question.member.tenant_id, Receivable._meta.label_lower, question.cutoff],
    )


# What the first change of a due date after the cut-off changed it from.
_DUE_BEFORE = (
    "SELECT DISTINCT ON (subject_id) subject_id AS id, (changes->'due_date'->>0)::date AS due"
    f" FROM {Event._meta.db_table} WHERE tenant_id = %s AND subject_type = %s AND recorded_at > %s"
    " AND changes ? 'due_date' ORDER BY subject_id, recorded_at, id"
)


def _held_then(question: Question) -> tuple[str, list]:
    sums, params = _sums(CreditEntry, "receipt_id", "p", question)
    return f"SELECT p.id, p.key, p.received_on AS day, e.amount FROM p JOIN ({sums}) e ON e.id = p.id", params


def _sums(model: Any, column: str, chosen: str, question: Question) -> tuple[str, list]:
    """What a ledger adds up to for each receivable or receipt, as of the day and known at the cut-off."""
    where, params = "tenant_id = %s AND effective_date <= %s", [question.member.tenant_id, question.as_of]
    if question.cutoff is not None:
        where += " AND recorded_at <= %s"
        params.append(question.cutoff)
    if question.is_narrow:
        where += f" AND {column} IN (SELECT id FROM {chosen})"
    return (
        f"SELECT {column} AS id, SUM(amount) AS amount FROM {model._meta.db_table} WHERE {where}"
        f" GROUP BY {column} HAVING SUM(amount) > 0",
        params,
    )


def _bucket(question: Question) -> tuple[str, list]:
    """The rule of `ageing_rules.bucket` in SQL."""
    cases = " ".join(f"WHEN %s::date - due <= %s THEN {number}" for number in range(len(question.bounds)))
    params = [value for bound in question.bounds for value in (question.as_of, bound)]
    return f"CASE WHEN due IS NULL THEN {UNSCHEDULED} {cases} ELSE {len(question.bounds)} END", params
