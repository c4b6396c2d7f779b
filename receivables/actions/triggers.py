"""What makes a planned receivable fall due: a signature, an accepted batch, the final acceptance (domain.md 6.15).

A date that is set already stays: only receivables without one are moved, so that a repeated call changes nothing.
"""

from datetime import date

from django.db import transaction
from django.db.models import Q, QuerySet

from contracts.models import Batch, Contract, Order
from crm.core import records
from crm.core.people.models import Member
from receivables.due_dates import due_date
from receivables.models import Receivable

Trigger = Receivable.Trigger


@transaction.atomic
def signed(contract: Contract, by: Member) -> list[Receivable]:
    """The contract has its sign date: what waits for it falls due by its rule."""
    if contract.sign_date is None:
        return []
    return _due(_waiting(contract, Trigger.SIGN), contract.sign_date, by)


@transaction.atomic
def accepted(batch: Batch, by: Member, on: date) -> list[Receivable]:
    """A batch was accepted on a business day: the next line that waits for one falls due.

    With the last final acceptance of the contract (of the order, for a plan of one order) every line that still
    waits for a batch does, the acceptance lines do, and the warranty begins.
    """
    order = batch.order
    of_order, of_contract = Q(plan__order=order), Q(plan__order=None)
    moved = []
    for part, complete in ((of_order, batch.is_final), (of_contract, batch.is_final and _is_last(order))):
        waiting = _waiting(order.contract, Trigger.BATCH).filter(part)
        moved += _due(waiting if complete else waiting[:1], on, by)
        if complete:
            moved += _due(_waiting(order.contract, Trigger.ACCEPTANCE).filter(part), on, by)
            moved += _due(_waiting(order.contract, Trigger.WARRANTY).filter(part), on, by)
    return moved


@transaction.atomic
def warranty_begins(contract: Contract, by: Member, on: date) -> list[Receivable]:
    """The warranty begins: its term (such as 12 months) leads to the day on which the retention falls due."""
    return _due(_waiting(contract, Trigger.WARRANTY), on, by)


def _waiting(contract: Contract, trigger: str) -> QuerySet[Receivable]:
    rows = Receivable.objects.of(contract.tenant_id).filter(contract=contract, superseded=False, due_date=None)
    return rows.filter(trigger=trigger).order_by("line", "pk")


def _due(rows: QuerySet[Receivable], base: date, by: Member) -> list[Receivable]:
    locked = records.lock_all(Receivable, rows.values_list("pk", flat=True), by.tenant_id)
    return [
        records.update(
            one, by=by, verb="triggered", issue_date=base, due_date=due_date(base, one.term, one.term_n, one.shift)
        )
        for one in locked
        if one.due_date is None
    ]


def _is_last(order: Order) -> bool:
    """Whether every other order of the contract that is not cancelled has had its final acceptance."""
    others = order.contract.orders.exclude(pk=order.pk).exclude(status=Order.Status.CANCELLED)
    done = Batch.objects.of(order.tenant_id).filter(is_final=True, status=Batch.Status.ACCEPTED).values("order")
    return not others.exclude(pk__in=done).exists()
