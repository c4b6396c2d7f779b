"""What approvers see and decide of contracts and their changes (domain.md 6.8, INV-C3, INV-C4, WC-25)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from contracts import previews
from contracts.actions import changes, contracts, versions
from contracts.models import ChangeOrder, Contract
from crm.core.approvals import flows
from crm.core.approvals.levels import FINANCE_FROM, LEGAL_FROM, thresholds
from crm.core.approvals.subjects import Card, Facts, Line, Subject, deciding_amount, standard_levels
from crm.core.calendars import local_date

Status = ChangeOrder.Status
# The number comes with the approval, what is signed comes after it.
NOT_YET = ("number", "sign_date")
# The preview's tables that an approver must see.
MOST_LINES = 24


def contract_content(contract: Contract) -> Mapping[str, Any]:
    """Everything that will be signed."""
    shown = {name: value for name, value in versions.snapshot(contract).items() if name not in NOT_YET}
    return {**shown, "renewal_of": contract.renewal_of_id, "opportunity": contract.opportunity_id}


def contract_facts(contract: Contract) -> Facts:
    highest = max((row.discount for row in contract.lines.all()), default=Decimal(0))
    return Facts(amount=contract.effective_amount, nonstandard=contract.is_nonstandard, discount=highest / 100)


def contract_card(contract: Contract) -> Card:
    deviating = [f"{item['clause']}: {item['note']}" for item in contract.clauses if item["status"] == "deviates"]
    lines = [
        Line(str(_("Customer")), str(contract.account)),
        Line(str(_("Kind")), str(contract.get_kind_display())),
        *(Line(str(row.description or row.product), f"{row.amount:,.2f}") for row in contract.lines.all()[:MOST_LINES]),
        Line(str(_("Payment")), contract.payment_terms),
        Line(str(_("Term")), _term(contract)),
        *(Line(str(_("Differs")), text) for text in deviating),
    ]
    title = _("Contract: %(title)s") % {"title": contract.title}
    money = f"{contract.effective_amount:,.2f} {contract.currency}"
    return Card(str(title), "", money, [line for line in lines if line.value])


def _term(contract: Contract) -> str:
    if not contract.start_date and not contract.end_date:
        return ""
    return f"{contract.start_date or '—'} – {contract.end_date or '—'}"


def change_content(change: ChangeOrder) -> Mapping[str, Any]:
    return {
        "contract": change.contract_id, "base_revision": change.base_revision, "kind": change.kind,
        "grounds": change.grounds, "delta": f"{change.delta:.2f}", "lines": change.lines, "effects": change.effects,
        "excess": change.excess, "refund_account": change.refund_account, "terms": change.terms,
        "new_end_date": change.new_end_date.isoformat() if change.new_end_date else None,
    }  # fmt: skip


def gives_money_up(change: ChangeOrder) -> bool:
    """A reduction, or money that goes back to the customer: finance decides too (domain.md 9)."""
    lowers = any(Decimal(effect["delta"]) < 0 for effect in change.effects)
    return change.delta < 0 or (lowers and change.excess == ChangeOrder.Excess.REFUND)


def change_facts(change: ChangeOrder) -> Facts:
    return Facts(
        amount=change_amount(change), money=gives_money_up(change),
        nonstandard=any(name != "payment_terms" for name in change.terms),
    )  # fmt: skip


def change_amount(change: ChangeOrder) -> Decimal:
    """The level-deciding amount, with the changes of the same contract in the last 90 days (domain.md 6.8)."""
    contract, today = change.contract, change.tenant.today()
    others = contract.changes.filter(status__in=(Status.IN_APPROVAL, Status.APPROVED, Status.APPLIED))
    zone = change.tenant.zone
    earlier = [
        (local_date(other.applied_at, zone) if other.applied_at else today, other.delta)
        for other in others.exclude(pk=change.pk)
    ]
    steps = thresholds(flows.current(change.tenant, CHANGE.type).nodes)
    return deciding_amount(
        change.delta, approved_total=contract.effective_amount, on=today, earlier=earlier, steps=steps
    )


def change_card(change: ChangeOrder) -> Card:
    contract = change.contract
    after = contract.effective_amount + change.delta
    money = f"{contract.effective_amount:,.2f} → {after:,.2f} {contract.currency} ({change.delta:+,.2f})".replace(
        "-", "−"
    )
    lines = [
        Line(f"{table.title} · {row.label}", _worded(row), _amount(row.before))
        for table in previews.preview(change)
        for row in table.rows
        if row.before != row.after or (row.note and row.after is None)
    ]
    if gives_money_up(change):
        lines.append(Line(str(_("Money freed")), str(change.get_excess_display())))
    return Card(str(change), change.grounds, money, lines[:MOST_LINES])


def _worded(row) -> str:
    return " · ".join(part for part in (_amount(row.after), str(row.note)) if part)


def _amount(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _levels_of_changes() -> list[Mapping[str, Any]]:
    """The levels of WC-25; finance decides also below its level when money is given up."""
    when = {"match": "any", "money": True, "min_amount": str(FINANCE_FROM)}
    return [{**node, "when": when} if node["key"] == "finance" else node for node in standard_levels()]


def _levels_of_contracts() -> list[Mapping[str, Any]]:
    """The levels of WC-25; legal decides also below its level when terms differ from our standard."""
    when = {"match": "any", "nonstandard": True, "min_amount": str(LEGAL_FROM)}
    return [{**node, "when": when} if node["key"] == "legal" else node for node in standard_levels()]


CONTRACT = Subject(
    model=Contract, label=_("Contract"), url_name="contracts:detail", facts=contract_facts, content=contract_content,
    card=contract_card, approved=contracts.approved, dropped=contracts.dropped, default_nodes=_levels_of_contracts(),
)  # fmt: skip

CHANGE = Subject(
    model=ChangeOrder, label=_("Contract change"), url_name="contracts:change", facts=change_facts,
    content=change_content, card=change_card, approved=changes.approved, dropped=changes.dropped,
    party=lambda change: {change.created_by_id, change.owner_id}, default_nodes=_levels_of_changes(),
)  # fmt: skip
