"""The home of finance: what waits, as numbers that link to exactly their rows (experience.md 2.5)."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.approvals.metrics import to_decide
from crm.core.people.models import Member
from crm.core.people.reach import may
from receivables import due, dunning_selection
from receivables.desk_page import open_rows
from receivables.models import InvoiceRequest, Refund

Sums = dict[str, tuple[int, Decimal]]


@dataclass(frozen=True)
class Tile:
    """One number: how many rows, and their money by currency where that has a sense."""

    label: str | Promise
    count: int
    url: str
    icon: str
    kind: str = ""
    sums: Sums | None = None

    @property
    def amounts(self) -> list[tuple[str, Decimal]]:
        return [(currency, amount) for currency, (_n, amount) in sorted((self.sums or {}).items())]


def tiles(member: Member) -> list[Tile]:
    """What the member's roles let him do something about."""
    makers: list[tuple[str, Callable[[Member], Tile]]] = [
        ("receipt.post", _to_match),
        ("receivable.read", _overdue),
        ("receivable.read", _due_this_week),
        ("approval.act", _approvals),
        ("refund.pay", _refunds),
        ("invoice.issue", _invoices),
        ("dunning.manage", _reminders),
    ]
    return [make(member) for action, make in makers if may(member, action)]


def _url(member: Member, name: str, query: str = "") -> str:
    url = reverse(name, kwargs={"tenant": member.tenant.slug})
    return f"{url}?{query}" if query else url


def _by_currency(rows, column: str, currency: str) -> Sums:
    found = rows.order_by().values(currency).annotate(n=Count("pk"), sum=Sum(column))
    return {row[currency]: (row["n"], row["sum"]) for row in found}


def _summed(label, sums: Sums, url: str, icon: str, kind: str = "") -> Tile:
    count = sum(n for n, _amount in sums.values())
    return Tile(label, count, url, icon, kind if count else "", sums)


def _to_match(member: Member) -> Tile:
    sums = _by_currency(open_rows(member), "left", "bank_account__currency")
    return _summed(_("Bank lines to match"), sums, _url(member, "desk:desk"), "arrows-exchange", "warning")


def _overdue(member: Member) -> Tile:
    found = due.overdue(member)
    return _summed(_("Overdue"), found.sums(), _url(member, "receivables:list", found.text), "alarm", "danger")


def _due_this_week(member: Member) -> Tile:
    found = due.due_this_week(member)
    return _summed(_("Due this week"), found.sums(), _url(member, "receivables:list", found.text), "calendar-due")


def _approvals(member: Member) -> Tile:
    return Tile(
        _("Approvals waiting for you"), to_decide(member).count(), _url(member, "approvals:list"), "circle-check"
    )


def _refunds(member: Member) -> Tile:
    rows = Refund.objects.visible_to(member).filter(status=Refund.Status.APPROVED)
    sums = _by_currency(rows, "amount", "receipt__currency")
    return _summed(_("Refunds to pay"), sums, _url(member, "closing:refunds", "status=approved"), "arrow-back-up")


def _invoices(member: Member) -> Tile:
    rows = InvoiceRequest.objects.visible_to(member).filter(status__in=InvoiceRequest.WAITING)
    sums = _by_currency(rows, "amount", "contract__currency")
    return _summed(_("Invoice requests to issue"), sums, _url(member, "invoices:requests"), "file-text")


def _reminders(member: Member) -> Tile:
    count = dunning_selection.waiting(member.tenant, member.tenant.today())
    return Tile(_("Reminders to give today"), count, _url(member, "dunning:preview"), "bell")
