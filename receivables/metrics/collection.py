"""What of the money due in a period came in within it (domain.md 6.19, WC-14)."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Q, Sum

from crm.core.calendars import Period
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from receivables.ageing_rules import collection_rate
from receivables.metrics.ageing import ZERO
from receivables.models import Allocation, Receivable


@dataclass(frozen=True)
class Collection:
    """`rate` in percent with two places; None when nothing fell due."""

    due: Decimal
    collected: Decimal
    rate: Decimal | None


def collection(
    member: Member, month: Period, *, entity: int | None = None, owners: list[int | None] | None = None
) -> Collection:
    """Allocations effective in the period to receivables due in it ÷ what these amount to."""
    rows = Receivable.objects.of(member.tenant_id).filter(
        reach_q(member, "ageing.read"), due_date__range=(month.start, month.end), currency=member.tenant.base_currency
    )
    if entity is not None:
        rows = rows.filter(legal_entity=entity)
    if owners is not None:
        rows = rows.filter(owner__in=owners)
    due = rows.aggregate(sum=Sum(F("original") + F("adjusted")))["sum"] or ZERO
    in_period = Q(effective_date__range=(month.start, month.end))
    used = Allocation.objects.of(member.tenant_id).filter(in_period, receivable__in=rows.order_by().values("pk"))
    collected = used.aggregate(sum=Sum("amount"))["sum"] or ZERO
    return Collection(due, collected, collection_rate(collected, due))
