"""What approvers see of a release and of a legal step (domain.md 6.20, 9)."""

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from crm.core.approvals.subjects import Card, Facts, Line, Subject
from crm.core.money import to_json
from receivables.actions import holds
from receivables.dunning_selection import open_rows
from receivables.models import CustomerHold, LegalStep

LEGAL = {"kind": "role", "value": "legal"}


def _owed(hold: CustomerHold):
    """What the customer owes beyond the due date, in the currency of the receivable that placed the hold."""
    today = hold.tenant.today()
    rows = open_rows(hold.tenant_id).filter(account=hold.account, due_date__lt=today)
    return rows.filter(currency=hold.receivable.currency).aggregate(sum=Sum("balance"))["sum"] or 0


def _release_card(hold: CustomerHold) -> Card:
    lines = [
        Line(str(_("Customer")), str(hold.account)),
        Line(str(_("Placed for")), f"{hold.receivable} · {hold.receivable.due_date}"),
        Line(str(_("Overdue")), f"{_owed(hold):,.2f} {hold.receivable.currency}"),
    ]
    return Card(str(_("Let %(customer)s order again") % {"customer": hold.account}), hold.grounds, "", lines)


def _legal_card(step: LegalStep) -> Card:
    one = step.receivable
    lines = [
        Line(str(_("Customer")), str(one.account)),
        Line(str(_("Contract")), str(one.contract)),
        Line(str(_("Due")), str(one.due_date)),
        Line(str(_("Still open")), f"{one.balance:,.2f} {one.currency}"),
    ]
    return Card(str(_("Legal step for %(receivable)s") % {"receivable": one}), step.grounds, "", lines)


def _node(name) -> dict:
    return {"key": "legal", "name": name, "mode": "any", "assignee": LEGAL, "when": {}}


RELEASE = Subject(
    model=CustomerHold, label=_("Release of a customer"), url_name="dunning:hold",
    facts=lambda hold: Facts(amount=_owed(hold), money=True), card=_release_card,
    content=lambda hold: {"account": hold.account_id, "grounds": hold.grounds},
    approved=holds.release_approved, dropped=holds.release_dropped, default_nodes=(_node(_("Legal")),),
)  # fmt: skip

LEGAL_STEP = Subject(
    model=LegalStep, label=_("Legal step"), url_name="dunning:legal",
    facts=lambda step: Facts(amount=step.receivable.balance, money=True), card=_legal_card,
    content=lambda step: {
        "receivable": step.receivable_id, "balance": to_json(step.balance), "grounds": step.grounds,
    },
    approved=holds.legal_approved, dropped=holds.legal_dropped, default_nodes=(_node(_("Legal")),),
)  # fmt: skip
