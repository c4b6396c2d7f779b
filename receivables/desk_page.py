"""What the reconcile desk shows: the open lines, the one in focus, and what it may have been paid for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from accounts.models import Account
from crm.core.people.models import Member
from crm.core.web.pages import Page, keyset_page

from .actions.allocation import open_receivables
from .actions.posting import hold_open, payment_of
from .desk_filters import DeskFilter
from .matching import proposals
from .matching.proposals import Proposal
from .matching.signals import gather
from .models import DeskRules, Incoming, Receipt

SIZE, MOST_TOGETHER, MOST_OWED = 40, 50, 100
ZERO = Decimal("0.00")
UNDOABLE = timedelta(hours=12)  # what is older is reversed on the receipt's own page


@dataclass
class Focus:
    """Lines matched together, mostly one, and the proposals for them."""

    rows: Sequence[Incoming]
    found: list[Proposal] = field(default_factory=list)
    rules: DeskRules | None = None

    @property
    def amount(self) -> Decimal:
        return sum((row.left for row in self.rows), ZERO)

    @property
    def currency(self) -> str:
        return self.rows[0].bank_account.currency

    @property
    def is_clear(self) -> bool:
        """One confident answer, and no other near it."""
        return (
            bool(self.found)
            and self.found[0].score >= proposals.SURE
            and (len(self.found) == 1 or self.found[1].score < proposals.SURE)
        )


@dataclass
class Desk:
    page: Page
    filter: DeskFilter
    focus: Focus | None
    count: int
    total: Decimal
    last: Receipt | None


def open_rows(member: Member):
    rows = Incoming.objects.visible_to(member).filter(left__gt=0, set_aside=False)
    return rows.select_related("line__statement", "bank_account__legal_entity")


def desk_of(member: Member, asked: Mapping[str, Any], request, *, after: Incoming | None = None) -> Desk:
    """The desk as a member sees it; the focus is on the lines asked for, else on the one that follows `after`."""
    filters = DeskFilter(asked, open_rows(member), request=request)
    page = keyset_page(filters.qs, after=asked.get("after", ""), order=("day", "id"), size=SIZE)
    sums = filters.qs.order_by().aggregate(count=Count("pk"), total=Sum("left"))
    chosen = focused(member, _ids(asked)) or _next(page.rows, after)
    mine = Receipt.objects.of(member.tenant_id).filter(posted_by=member, bank_line__isnull=False, status="posted")
    last = mine.filter(created_at__gte=timezone.now() - UNDOABLE).select_related("account").order_by("-pk").first()
    focus = focus_on(chosen, member) if chosen else None
    return Desk(page, filters, focus, sums["count"], sums["total"] or ZERO, last)


def _ids(asked) -> list[int]:
    texts = asked.getlist("line") if hasattr(asked, "getlist") else []
    return [int(text) for text in texts[:MOST_TOGETHER] if text.isascii() and text.isdigit() and len(text) < 19]


def focused(member: Member, ids: Sequence[int]) -> list[Incoming]:
    """The lines asked for that are still open; those of another legal entity or currency than the first's drop out."""
    rows = hold_open(ids, member, lock=False) if ids else []
    same = {(rows[0].bank_account.legal_entity_id, rows[0].bank_account.currency)} if rows else set()
    return [row for row in rows if (row.bank_account.legal_entity_id, row.bank_account.currency) in same]


def _next(rows: Sequence[Incoming], after: Incoming | None) -> list[Incoming]:
    later = [row for row in rows if after is not None and (row.day, row.pk) > (after.day, after.pk)]
    return (later or list(rows))[:1]


def focus_on(rows: Sequence[Incoming], member: Member) -> Focus:
    rules, payment = DeskRules.of(member.tenant_id), payment_of(rows)
    found = proposals.propose(payment, gather([payment], member.tenant_id), rules.small_difference)
    return Focus(rows, found, rules)


def owed_by(account: Account, row: Incoming):
    """What a customer owes in the line's legal entity and currency, for somebody who chooses by hand."""
    rows = open_receivables(account.tenant_id, row.bank_account.legal_entity_id, row.bank_account.currency)
    return rows.filter(account=account).select_related("contract")[:MOST_OWED]


def sure_rows(member: Member, asked: Mapping[str, Any], request, limit: int = 200) -> list[tuple[Incoming, Proposal]]:
    """The open lines with one confident answer, oldest first, as accepting them all would post them."""
    rows = list(DeskFilter(asked, open_rows(member), request=request).qs.order_by("day", "id")[:limit])
    payments = [payment_of([row]) for row in rows]
    evidence, pairs = gather(payments, member.tenant_id), []
    for row, payment in zip(rows, payments, strict=True):
        found = proposals.sure(payment, evidence) if row.booked == 0 else None
        if found:
            for owed, amount in found.items:
                owed.balance -= amount
            pairs.append((row, found))
    return pairs
