"""What finance does at the reconcile desk: accept, put aside, undo (experience.md 2.6). Nothing is ever deleted."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts.models import Contract
from crm.core import records
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import (
    Adjustment,
    Allocation,
    ArEntry,
    BankLine,
    DeskRules,
    Incoming,
    Receipt,
    Receivable,
)

from . import payers
from .allocation import settle
from .periods import require_open
from .receipts import post_receipt, reverse_receipt, said

Rule = Allocation.Rule
ZERO = Decimal("0.00")


@transaction.atomic
def accept(
    lines: Iterable[BankLine],
    *,
    by: Member,
    account: Account,
    shares: Mapping[int, Decimal],
    amount: Decimal | None = None,
    rule: str = Rule.MANUAL,
    contract: Contract | None = None,
    approve_payer: bool = False,
    drop_difference: bool = False,
    seen: Decimal | None = None,
) -> list[Receipt]:
    """Post what is left of bank lines as receipts of a customer and use it for receivables (id → amount).

    `amount` books a part of a single line; what the shares do not use stays on account. `seen` is what the user saw
    left: another sum is refused with LINE_CHANGED. `drop_difference` closes the remainders within the tolerance.
    Refused with THIRD_PARTY_PAYER unless the payer is the customer, known, or approved here.
    """
    require(by, "receipt.post")
    held = _hold(lines, by, seen)
    parts = _parts(held, amount)
    if sum(shares.values(), ZERO) > sum(parts.values(), ZERO):
        raise ValidationError(_("You distribute more than has come in. Lower the amounts."))
    rest, receipts = dict(shares), []
    for incoming, part in parts.items():
        receipts.append(_receive(incoming, part, account, contract, approve_payer, by))
        if used := _draw(rest, part):
            settle(receipts[-1], used, by=by, rule=rule)
    if drop_difference:
        for receivable in Receivable.objects.of(by.tenant_id).filter(pk__in=list(shares), balance__gt=0):
            drop(receivable, by=by)
    return receipts


def _hold(lines: Iterable[BankLine], by: Member, seen: Decimal | None) -> list[Incoming]:
    """The lines' open amounts, locked in order of their ids; all of them must still be open."""
    wanted = {line.pk for line in lines}
    rows = Incoming.objects.of(by.tenant_id).filter(line_id__in=wanted).order_by("pk")
    rows = rows.select_related("line", "bank_account__legal_entity")
    held = list(rows.select_for_update(of=("self",), no_key=True))
    left = sum((one.left for one in held), ZERO)
    if len(held) != len(wanted) or not all(one.left > 0 for one in held) or (seen is not None and seen != left):
        raise Refused(
            _("Somebody has booked this bank line meanwhile. Reload the desk to see what is left of it."),
            code="LINE_CHANGED",
        )
    if len({(one.bank_account.legal_entity_id, one.bank_account.currency) for one in held}) > 1:
        raise Refused(_("These lines belong to different legal entities or currencies."), code="MISMATCH")
    return held


def _parts(held: Sequence[Incoming], amount: Decimal | None) -> dict[Incoming, Decimal]:
    """How much of each line is booked: all that is left, or `amount` of the only one."""
    if amount is None:
        return {one: one.left for one in held}
    if len(held) != 1:
        raise ValidationError({"amount": _("Book a part of one line at a time.")})
    if not 0 < amount <= held[0].left:
        raise ValidationError({"amount": _("Enter an amount up to %(left)s.") % {"left": held[0].left}})
    return {held[0]: amount}


def _receive(incoming: Incoming, amount: Decimal, account, contract, approve_payer: bool, by: Member) -> Receipt:
    line = incoming.line
    payers.admit(account, line.counterparty, line.counterparty_account, by=by, approve=approve_payer)
    payers.learn(account, line.counterparty, line.counterparty_account, by=by)
    return post_receipt(
        by=by, legal_entity=incoming.bank_account.legal_entity, amount=amount, received_on=line.day, automatic=False,
        bank_line=line, account=account, contract=contract, payer=line.counterparty,
        currency=incoming.bank_account.currency, note=line.text[:300],
    )  # fmt: skip


def _draw(rest: dict[int, Decimal], amount: Decimal) -> dict[int, Decimal]:
    """Take up to `amount` out of the shares that are left, in their order."""
    drawn = {}
    for pk in list(rest):
        part = min(rest[pk], amount)
        if part > 0:
            drawn[pk], amount = part, amount - part
        rest[pk] -= part
    return drawn


@transaction.atomic
def drop(receivable: Receivable, *, by: Member) -> Adjustment | None:
    """Close a small remainder by a rounding adjustment (domain.md 6.16); None when it exceeds the tolerance."""
    require(by, "allocate")
    locked = records.lock(receivable)
    if not 0 < locked.balance <= DeskRules.of(by.tenant_id).small_difference:
        return None
    today, amount = by.tenant.today(), -locked.balance
    require_open(locked.legal_entity, today)
    common = {"tenant_id": by.tenant_id, "receivable": locked, "amount": amount, "effective_date": today, "by": by}
    [row] = records.append([Adjustment(is_rounding=True, **common)])
    records.append([ArEntry(type=ArEntry.Type.ADJUST, source_type="adjustment", source_id=row.pk, **common)])
    records.update(receivable, by=by, verb="rounded", adjusted=locked.adjusted + amount)
    return row


@transaction.atomic
def undo(receipt: Receipt, *, by: Member, reason: str = "") -> Receipt:
    """Take back what was posted from a bank line, by opposite rows; the line is open again, its payer unlearned."""
    reverse_receipt(receipt, by=by, reason=reason or str(_("Undone at the desk")), release=True)
    if receipt.bank_line is not None and receipt.account is not None:
        line = receipt.bank_line
        payers.learn(receipt.account, line.counterparty, line.counterparty_account, by=by, times=-1)
    return receipt


@transaction.atomic
def set_aside(lines: Iterable[BankLine], *, by: Member, reason: str) -> list[Incoming]:
    """Money that no customer paid (interest, a transfer of our own): the desk does not ask about it any more."""
    require(by, "receipt.post")
    held = _hold(lines, by, None)
    changes = {"set_aside": True, "grounds": said(reason)[:300]}
    records.update_many([(one, changes) for one in held], by=by, verb="set_aside")
    return held


@transaction.atomic
def take_back(line: BankLine, *, by: Member) -> Incoming:
    """Bring a line that was set aside back to the desk."""
    require(by, "receipt.post")
    incoming = Incoming.objects.of(by.tenant_id).filter(line=line).first()
    if incoming is None:
        raise ValidationError(_("No money came in by this bank line."))
    return records.update(incoming, by=by, verb="taken_back", set_aside=False, grounds="")


def change_rules(*, by: Member, expected: int | None = None, **values) -> DeskRules:
    """How the company matches; see DeskRules."""
    require(by, "bank.manage")
    rules = DeskRules.of(by.tenant_id)
    if rules.pk is None:
        return records.create(DeskRules, by=by, **values)
    return records.update(rules, by=by, expected=expected, **values)
