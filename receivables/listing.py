"""The lists of receivables and invoices: orders, tabs, sums, and what one record's page shows."""

from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from crm.core.people.models import Member
from crm.core.people.reach import may, owners_covered
from opportunities.listing import with_values

from . import figures
from .due_dates import said
from .filters import UNSETTLED, InvoiceFilter, ReceivableFilter
from .models import Invoice, InvoiceRequest, Plan, Receivable
from .models.ledger import NEVER
from .states import State, flags_of, state_of

# What has no date yet stands after all dates.
ORDERS = {
    "": ("due_or_never", "id"),
    "-due": ("-due_or_never", "-id"),
    "balance": ("balance", "id"),
    "-balance": ("-balance", "-id"),
}
TABS = (
    (_("To be collected"), UNSETTLED),
    (_("Overdue"), State.OVERDUE.value),
    (_("Planned"), State.PLANNED.value),
    (_("Settled"), State.SETTLED.value),
    (_("All"), ""),
)
CHIPS = ("contract",)
KINDS = {State.OVERDUE: "danger", State.SETTLED: "success", State.OPEN: "info", State.WRITTEN_OFF: "warning"}


class Row:
    """A receivable with its derived state, as lists and panels show it."""

    def __init__(self, receivable: Receivable, today):
        self.one, self.state = receivable, state_of(receivable, today)
        self.kind, self.flags = KINDS.get(self.state, ""), flags_of(receivable)
        self.days = (today - receivable.due_date).days if self.state == State.OVERDUE else None


def asked(query: QueryDict) -> QueryDict:
    """What a list is asked for; what is to be collected when nothing is said."""
    return query if set(query) - {"sort", "after"} else QueryDict(f"state={UNSETTLED}")


def receivables_of(member: Member) -> QuerySet[Receivable]:
    """What a list shows: not what a plan that was given up had planned."""
    return Receivable.objects.visible_to(member).filter(superseded=False)


def in_order(filters: ReceivableFilter, query: QueryDict) -> tuple[QuerySet[Receivable], tuple[str, ...]]:
    rows = filters.qs.select_related("account", "contract", "owner")
    return rows.annotate(due_or_never=Coalesce("due_date", NEVER)), ORDERS.get(query.get("sort", ""), ORDERS[""])


def sums(filters: ReceivableFilter) -> dict[str, Any]:
    """Count and sums of all rows that the filter finds, not of one page (INV-G8)."""
    found = filters.qs.aggregate(count=Count("pk"), **figures.sums(filters.member.tenant.today()))
    return {"count": found["count"], **figures.read(found)}


def rows(receivables, member: Member) -> list[Row]:
    today = member.tenant.today()
    return [Row(one, today) for one in receivables]


def context(filters: ReceivableFilter, query: QueryDict) -> dict[str, Any]:
    state = query.get("state", "")
    needless = ["team", "owner"] if _is_alone(filters.member, "receivable.read") else []
    return {
        "tabs": [(label, with_values(query, "state", [value]), state == value) for label, value in TABS],
        "chips": chips(filters, query),
        "carry": " ".join(["sort", *CHIPS, *needless]),
    }


def chips(filters, query: QueryDict) -> list[tuple[Any, str, str]]:
    """(label, value, address without it) of the filters that links set."""
    found = [name for name in CHIPS if query.get(name) and name not in filters.form.errors]
    values = filters.form.cleaned_data if filters.form.is_valid() else {}
    return [
        (filters.filters[name].label, values[name], with_values(query, name, [])) for name in found if name in values
    ]


def _is_alone(member: Member, action: str) -> bool:
    covered = owners_covered(member, action)
    return covered is not None and len(covered) <= 1


def of_contract(contract: Contract, member: Member) -> dict[str, Any]:
    """The money side of a contract: its plans, its receivables in the order of the plan, and their sums."""
    found = Receivable.objects.visible_to(member).filter(contract=contract, superseded=False)
    plans = Plan.objects.of(member.tenant_id).filter(contract=contract).exclude(status=Plan.Status.SUPERSEDED)
    may_draft = may(member, "plan.draft", contract)
    return {
        "contract": contract, "rows": rows(found.order_by("plan_id", "line", "pk"), member),
        "plans": list(plans.select_related("order", "contract")), "figures": figures.figures(contract),
        "may_draft": may_draft, "may_request": may(member, "invoice.request", contract),
        "orders": list(contract.orders.exclude(status="cancelled")) if may_draft and _by_order(contract) else [],
        "by_order": _by_order(contract),
    }  # fmt: skip


def _by_order(contract: Contract) -> bool:
    return contract.kind == Contract.Kind.FRAMEWORK


def story(receivable: Receivable) -> dict[str, Any]:
    """The sub-ledger of one receivable with the documents behind its rows."""
    return {
        "terms": "" if receivable.trigger == Receivable.Trigger.DATE else said(receivable.term, receivable.term_n),
        "entries": list(receivable.entries.select_related("by")),
        "allocations": list(receivable.allocations.select_related("receipt", "by")),
        "adjustments": list(receivable.adjustments.select_related("change", "plan__contract", "plan__order")),
        "shares": list(receivable.invoice_shares.select_related("invoice").order_by("-pk")),
        "requests": list(receivable.invoice_requests.filter(status__in=InvoiceRequest.WAITING)),
    }


def invoices(filters: InvoiceFilter) -> QuerySet[Invoice]:
    return filters.qs.select_related("account", "contract", "blue").prefetch_related("voids")


def invoice_sums(filters: InvoiceFilter) -> dict[str, Any]:
    """Count, net, tax and gross of what the filter finds; void documents count nothing."""
    valid = filters.qs.filter(voids=None)
    return valid.aggregate(count=Count("pk"), net=Sum("net"), tax=Sum("tax"), gross=Sum("gross"))


def waiting(member: Member) -> list[list[InvoiceRequest]]:
    """Requests that wait, oldest first; those of one document together."""
    found = InvoiceRequest.objects.visible_to(member).filter(status__in=InvoiceRequest.WAITING)
    related = ("contract__account", "receivable", "created_by", "blue")
    groups: dict[Any, list[InvoiceRequest]] = {}
    for row in found.select_related(*related).order_by("pk")[:500]:
        groups.setdefault(row.group, []).append(row)
    return list(groups.values())
