"""What approvers see and decide of refunds and write-offs (INV-C4, INV-C7, domain.md 9)."""

from django.utils.translation import gettext_lazy as _

from crm.core.approvals.subjects import Card, Facts, Line, Subject
from crm.core.money import to_json
from receivables.actions import refunds, write_offs
from receivables.models import Refund, WriteOff

FINANCE = {"kind": "role", "value": "finance"}
LEGAL = {"kind": "role", "value": "legal"}
LEGAL_FROM = "500000"


def _node(key: str, name, assignee: dict, **when) -> dict:
    return {"key": key, "name": name, "mode": "any", "assignee": assignee, "when": when}


def _refund_content(refund: Refund) -> dict:
    return {
        "receipt": refund.receipt_id, "amount": to_json(refund.amount), "payee_account": refund.payee_account,
        "grounds": refund.grounds,
    }  # fmt: skip


def _refund_card(refund: Refund) -> Card:
    receipt = refund.receipt
    lines = [
        Line(str(_("Customer")), str(receipt.account or receipt.payer)),
        Line(str(_("Receipt")), f"{receipt} · {receipt.received_on} · {receipt.amount:,.2f} {receipt.currency}"),
        Line(str(_("To account")), refund.payee_account, refunds.payer_account(receipt) * refund.other_account),
    ]
    title = _("Refund %(number)s") % {"number": refund.number}
    return Card(str(title), refund.grounds, f"−{refund.amount:,.2f} {receipt.currency}", lines)


def _write_off_content(write_off: WriteOff) -> dict:
    return {"receivable": write_off.receivable_id, "amount": to_json(write_off.amount), "grounds": write_off.grounds}


def _write_off_card(write_off: WriteOff) -> Card:
    receivable = write_off.receivable
    lines = [
        Line(str(_("Customer")), str(receivable.account)),
        Line(str(_("Contract")), str(receivable.contract)),
        Line(str(_("Due")), str(receivable.due_date or "—")),
        Line(str(_("Still open")), f"{receivable.balance - write_off.amount:,.2f}", f"{receivable.balance:,.2f}"),
    ]
    title = _("Write-off of %(receivable)s") % {"receivable": receivable}
    return Card(str(title), write_off.grounds, f"−{write_off.amount:,.2f} {receivable.currency}", lines)


REFUND = Subject(
    model=Refund, label=_("Refund"), url_name="closing:refund",
    facts=lambda refund: Facts(amount=refund.amount, money=True, nonstandard=refund.other_account),
    content=_refund_content, card=_refund_card, approved=refunds.approved, dropped=refunds.dropped,
    party=refunds.party,
    default_nodes=(
        _node("finance", _("Finance"), FINANCE),
        _node("legal", _("Legal"), LEGAL, min_amount=LEGAL_FROM),
        _node("other_account", _("Another account than the payer's"), LEGAL, nonstandard=True),
    ),
)  # fmt: skip

# Two persons: whoever is chosen second must not be the first (receivables.actions.write_offs.approved).
WRITE_OFF = Subject(
    model=WriteOff, label=_("Write-off"), url_name="closing:write_off",
    facts=lambda write_off: Facts(amount=write_off.amount, money=True),
    content=_write_off_content, card=_write_off_card, approved=write_offs.approved, dropped=write_offs.dropped,
    party=lambda write_off: {write_off.created_by_id},
    default_nodes=(
        _node("legal", _("Legal"), LEGAL),
        _node("second", _("Second person"), {"kind": "queue"}),
    ),
)  # fmt: skip
