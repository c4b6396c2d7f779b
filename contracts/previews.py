"""What a change order does, before and after in money, and what forbids it; nothing is written (domain.md 6.18)."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from contracts import change_lines, effects
from contracts.actions.orders import live_lines, part
from contracts.effects import Preview, Row
from contracts.models import ChangeOrder, Contract, OrderLine

ZERO = Decimal("0.00")
Kind, Status = ChangeOrder.Kind, ChangeOrder.Status
CHANGEABLE = (*Contract.LIVE, Contract.Status.COMPLETED)


def preview(change: ChangeOrder) -> list[Preview]:
    """The contract, its lines, what is ordered and delivered, and what every follower says."""
    contract = change.contract
    own = [_contract(change, contract), _lines(change, contract), _delivered(change, contract)]
    theirs = [table for follower in effects.followers() for table in follower.preview(change)]
    return [table for table in (*own, *theirs) if table.rows or table.refusals]


def refusals(tables: list[Preview]) -> list[str]:
    return [sentence for table in tables for sentence in table.refusals]


def plain(tables: list[Preview]) -> list[dict]:
    """As JSON keeps it beside the change: what was shown when it was decided."""
    return [
        {
            "title": str(table.title),
            "rows": [
                {"label": str(row.label), "before": _text(row.before), "after": _text(row.after), "note": str(row.note)}
                for row in table.rows
            ],
            "refusals": [str(sentence) for sentence in table.refusals],
        }
        for table in tables
    ]  # fmt: skip


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def read(kept: list[dict]) -> list[Preview]:
    """A kept preview as it was."""
    return [
        Preview(
            table["title"],
            [Row(row["label"], _amount(row["before"]), _amount(row["after"]), row["note"]) for row in table["rows"]],
            table["refusals"],
        )
        for table in kept
    ]  # fmt: skip


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _contract(change: ChangeOrder, contract: Contract) -> Preview:
    after = contract.effective_amount + change.delta
    rows = [Row(_("Effective amount"), contract.effective_amount, after)]
    if change.new_end_date:
        days = {"old": contract.end_date.isoformat() if contract.end_date else "—", "new": change.new_end_date}
        rows.append(Row(_("End"), None, None, _("%(old)s → %(new)s") % days))
    for name, text in change.terms.items():
        rows.append(Row(str(Contract._meta.get_field(name).verbose_name), None, None, text))
    return Preview(_("Contract"), rows, list(_forbidding(change, contract)))


def _forbidding(change: ChangeOrder, contract: Contract) -> Iterator[str]:
    if contract.status not in CHANGEABLE:
        yield _("The contract is %(status)s: it cannot be changed any more.") % {
            "status": contract.get_status_display()
        }
    if change.base_revision != contract.revision:
        yield _("The contract was changed meanwhile. Draft this change anew on version %(n)s.") % {
            "n": contract.revision
        }
    if change.kind == Kind.CANCEL and contract.status not in Contract.LIVE:
        yield _("Only a contract in force can be terminated.")
    if contract.effective_amount + change.delta < 0:
        yield _("The contract would be below zero.")


def _lines(change: ChangeOrder, contract: Contract) -> Preview:
    before = {line["line"]: line for line in change_lines.current(contract)}
    rows = []
    for line in change.lines:
        old = before.get(line["line"]) if line["line"] else None
        if old != line:
            rows.append(
                Row(
                    line["description"] or str(_product(contract, line)),
                    Decimal(old["amount"]) if old else None, Decimal(line["amount"]), _quantities(old, line),
                )
            )  # fmt: skip
    return Preview(_("Lines"), rows)


def _product(contract: Contract, line: dict) -> str:
    row = next((row for row in contract.lines.select_related("product") if row.pk == line["line"]), None)
    return str(row.product) if row else _("New line")


def _quantities(old: dict | None, line: dict) -> str:
    """What changed besides the amount: quantity and price."""
    parts = []
    for name, label in (("quantity", _("quantity")), ("unit_price", _("price"))):
        if old and old[name] != line[name]:
            parts.append(f"{label} {_trimmed(old[name])} → {_trimmed(line[name])}")
    return " · ".join(parts)


def _trimmed(number: str) -> str:
    """With thousands, without zeros that say nothing."""
    return f"{Decimal(number).normalize():,f}"


def _delivered(change: ChangeOrder, contract: Contract) -> Preview:
    """What is ordered and delivered of each line; no quantity may fall below what is under way (INV-C5)."""
    held, rows, forbidden = live_lines(contract), [], []
    for old in change_lines.current(contract):
        pieces = held.get(old["line"], [])
        new = next((line for line in change.lines if line["line"] == old["line"]), old)
        if not pieces:
            continue
        shipped, delivered = (sum((getattr(p, name) for p in pieces), ZERO) for name in ("shipped", "delivered"))
        allowed = Decimal(new["quantity"]) + Decimal(new["over_delivery"])
        name = new["description"] or str(pieces[0])
        note = _("%(delivered)s of %(quantity)s delivered") % {
            "delivered": _trimmed(str(delivered)), "quantity": _trimmed(new["quantity"]),
        }  # fmt: skip
        rows.append(Row(name, _worth(pieces, old), _worth(pieces, new), note))
        if shipped > allowed:
            forbidden.append(
                _("%(shipped)s of “%(line)s” is shipped already: the quantity cannot be lowered to %(quantity)s.")
                % {"shipped": _trimmed(str(shipped)), "line": name, "quantity": _trimmed(new["quantity"])}
            )
    return Preview(_("Delivered"), rows, forbidden)


def _worth(pieces: list[OrderLine], line: dict) -> Decimal:
    """What is delivered of a line, at its price."""
    delivered = sum((min(piece.delivered, piece.quantity) for piece in pieces), ZERO)
    quantity = Decimal(line["quantity"])
    return part(Decimal(line["amount"]), min(delivered, quantity), quantity)
