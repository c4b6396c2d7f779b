"""对账单: what one customer owes and has paid in a period, entry by entry, tied to the ledgers (domain.md 3.6)."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet, Sum

from accounts.models import Account
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.metrics import ageing
from receivables.metrics.ageing import UNALLOCATED, UNSCHEDULED, ZERO, Item, Question
from receivables.models import ArEntry, CreditEntry, Receipt, Receivable


@dataclass(frozen=True)
class Entry:
    """One row of a ledger; `left` is the balance after it."""

    row: ArEntry | CreditEntry
    left: Decimal


@dataclass(frozen=True)
class Course:
    """One ledger over the period: opening + entries = closing."""

    opening: Decimal
    entries: list[Entry]

    @property
    def closing(self) -> Decimal:
        return self.entries[-1].left if self.entries else self.opening


@dataclass(frozen=True)
class Statement:
    """`owed` is what the customer owes, `held` what was received and not used; the two are never netted silently."""

    account: Account
    legal_entity: LegalEntity | None
    start: date
    end: date
    currency: str
    owed: Course
    held: Course
    items: list[tuple[Item, Receivable]] = field(default_factory=list)
    advances: list[tuple[Item, Receipt]] = field(default_factory=list)

    @property
    def difference(self) -> Decimal:
        """What would be left if the customer's advances were used; said beside both sums."""
        return self.owed.closing - self.held.closing


def statement(
    account: Account, *, by: Member, start: date, end: date, legal_entity: LegalEntity | None = None
) -> Statement:
    """The whole account of a customer with one legal entity, or with all; both days included.

    Only for who may read the ageing of this customer: a part of an account is no account.
    """
    require(by, "ageing.read", account)
    owed = ArEntry.objects.of(by.tenant_id).filter(
        receivable__account=account, receivable__currency=by.tenant.base_currency
    )
    held = CreditEntry.objects.of(by.tenant_id).filter(
        receipt__account=account, receipt__currency=by.tenant.base_currency
    )
    if legal_entity is not None:
        owed, held = owed.filter(receivable__legal_entity=legal_entity), held.filter(receipt__legal_entity=legal_entity)
    question = Question(
        by, end, currency=by.tenant.base_currency, accounts=[account.pk], everybody=True,
        entities=[legal_entity.pk] if legal_entity else None,
    )  # fmt: skip
    return Statement(
        account, legal_entity, start, end, by.tenant.base_currency,
        _course(owed.select_related("receivable__contract"), start, end),
        _course(held.select_related("receipt"), start, end),
        _standing(question, Receivable, None, UNSCHEDULED), _standing(question, Receipt, UNALLOCATED),
    )  # fmt: skip


def _course(rows: QuerySet, start: date, end: date) -> Course:
    opening = left = rows.filter(effective_date__lt=start).aggregate(sum=Sum("amount"))["sum"] or ZERO
    entries = []
    for row in rows.filter(effective_date__gte=start, effective_date__lte=end).order_by("effective_date", "pk"):
        left += row.amount
        entries.append(Entry(row, left))
    return Course(opening, entries)


def _standing(question: Question, model, *buckets: int | None) -> list:
    items = [item for bucket in buckets for item in ageing.items(question, bucket, limit=ageing.MANY)]
    related = ("contract",)
    found = model.objects.of(question.member.tenant_id).select_related(*related).in_bulk([item.id for item in items])
    return [(item, found[item.id]) for item in items]
