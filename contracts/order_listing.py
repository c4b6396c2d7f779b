"""What the pages of orders show: rows, sums, and the figures of each line."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Least, NullIf
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.people.models import Member
from crm.core.people.reach import may, owners_covered

from . import order_verbs as verbs
from .actions import batches
from .actions import orders as actions
from .filters.orders import OrderFilter
from .metrics.orders import completion
from .models import Batch, BatchLine, Contract, ContractLine, Order, OrderLine
from .order_forms import Asked, plain

OPEN = Order.Status.OPEN
TABS = (*((status.value, status.label) for status in Order.Status), ("", gettext_lazy("All")))


def asked(request) -> OrderFilter:
    """What a list is asked for; open orders when nothing is said."""
    query = request.GET.copy()
    if not set(query) - {"after"}:
        query["status"] = OPEN
    return OrderFilter(query, Order.objects.visible_to(request.member), request=request)


def rows(orders: QuerySet, tenant) -> QuerySet:
    """Orders with `delivered`: the part of their amount that is at the customer."""
    lines = OrderLine.objects.of(tenant).filter(order=OuterRef("pk")).order_by().values("order")
    worth = F("amount") * Least(F("delivered"), F("quantity")) / NullIf(F("quantity"), Decimal(0))
    orders = orders.annotate(delivered=Subquery(lines.annotate(sum=Sum(worth)).values("sum")))
    return orders.select_related("contract__account", "contract__owner")


def context(filters: OrderFilter) -> dict[str, Any]:
    """Tabs by status, and the completion rate of what the other filters leave."""
    query, today = filters.data, filters.request.member.tenant.today()
    others = query.copy()
    for name in ("status", "promise", "after"):
        others.pop(name, None)
    everything = OrderFilter(others, Order.objects.visible_to(filters.request.member), request=filters.request)
    kept, chosen = others.urlencode(), None if query.get("promise") else query.get("status", "")
    return {
        "tabs": [(label, f"?{urlencode({'status': key})}&{kept}", chosen == key) for key, label in TABS],
        "completion": completion(everything.qs, today), "kept": kept, "today": today,
        "carry": "status promise contract" + ("" if _sees_others(filters.request.member) else " owner team"),
    }  # fmt: skip


def _sees_others(member: Member) -> bool:
    covered = owners_covered(member, "contract.read")
    return covered is None or len(covered) > 1


def facts(order: Order, member: Member) -> dict[str, Any]:
    """Lines, deliveries with what may be done with each, and the order's own verbs."""
    order.lines_shown = _lines(order)
    return {
        "lines": order.lines_shown,
        "batches": _batches(order, member),
        "verbs": verbs.offered(verbs.ORDER, order, member),
        "may_edit": order.status == OPEN and may(member, "order.create", order.contract),
        "may_plan": _may_plan(order, member),
        "is_late": bool(order.promised_on and order.status == OPEN and order.promised_on < member.tenant.today()),
    }


def _lines(order: Order) -> list[OrderLine]:
    return list(order.lines.select_related("contract_line__product").order_by("pk"))


def _may_plan(order: Order, member: Member) -> bool:
    live = order.status == OPEN and order.contract.status in Contract.LIVE
    return live and may(member, "batch.record", order) and any(batches.unplanned(order).values())


def _batches(order: Order, member: Member) -> list[dict]:
    found = list(order.batches.order_by("number"))
    rows = BatchLine.objects.of(order.tenant_id).filter(batch__in=found).order_by("pk")
    lines = list(rows.select_related("order_line__contract_line__product", "batch"))
    for batch in found:
        batch.order = order
    return [
        {"batch": batch, "lines": [line for line in lines if line.batch_id == batch.pk],
         "verbs": verbs.offered(verbs.BATCH, batch, member)}
        for batch in found
    ]  # fmt: skip


def batch_lines(batch: Batch) -> list[BatchLine]:
    rows = batch.lines.select_related("order_line__contract_line__product").order_by("order_line_id")
    for line in rows:
        line.batch = batch
    return list(rows)


def may_edit(batch: Batch, member: Member) -> bool:
    return batch.status != Batch.Status.ACCEPTED and may(member, "batch.record", batch)


def orderable(contract: Contract) -> list[Asked]:
    """The contract's lines of which something may still be ordered."""
    left = actions.orderable(contract)
    lines = contract.lines.select_related("product").order_by("order", "pk")
    return [_asked(line, left[line.pk]) for line in lines if left[line.pk] is None or left[line.pk]]


def _asked(line: ContractLine, rest: Decimal | None) -> Asked:
    hint = _("%(rest)s not ordered yet") % {"rest": plain(rest)} if rest is not None else ""
    return Asked(line.pk, line.description or str(line.product), rest, hint)


def plannable(order: Order) -> list[Asked]:
    """The order's lines of which something is neither shipped nor planned."""
    left = batches.unplanned(order)
    return [
        Asked(line.pk, str(line), left[line.pk], _("%(rest)s not planned yet") % {"rest": plain(left[line.pk])})
        for line in _lines(order)
        if left[line.pk]
    ]


@dataclass(frozen=True)
class Progress:
    """One line of a contract: what was agreed, ordered and delivered."""

    label: str
    agreed: Decimal
    ordered: Decimal
    delivered: Decimal
    accepted: Decimal

    @property
    def remaining(self) -> Decimal:
        return max(self.ordered - self.delivered, actions.NO_QUANTITY)


def delivery(contract: Contract, member: Member) -> dict[str, Any]:
    """The panel of a contract: its orders, and each line's progress."""
    held = actions.live_lines(contract)
    lines = contract.lines.select_related("product").order_by("order", "pk")
    return {
        "orders": contract.orders.order_by("-pk")[:50],
        "progress": [_progress(line, held.get(line.pk, ())) for line in lines],
        "delivered_amount": actions.delivered_amount(contract),
        "today": member.tenant.today(),
    }


def _progress(line: ContractLine, orders: Iterable[OrderLine]) -> Progress:
    sums = [sum((getattr(one, name) for one in orders), Decimal(0)) for name in ("quantity", "delivered", "accepted")]
    return Progress(line.description or str(line.product), line.quantity, *sums)
