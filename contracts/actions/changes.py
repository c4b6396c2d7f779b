"""Change orders: drafted with their effect on money, approved once, applied at once or not at all (domain.md 6.18).

Lock order: the contract, then the change, then what followers lock.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contracts import change_lines, effects, previews
from contracts.models import ChangeOrder, Contract, ContractVersion
from contracts.spreading import Spread, spread
from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.errors import Refused, ValidationError
from crm.core.money import money
from crm.core.people.models import Member
from crm.core.people.reach import require

from . import reordering, versions
from .contracts import TERMS

Kind, Status, Excess = ChangeOrder.Kind, ChangeOrder.Status, ChangeOrder.Excess
ZERO = Decimal("0.00")
Lines = Iterable[Mapping[str, Any]]


@transaction.atomic
def draft_change(contract: Contract, *, by: Member, kind: str, grounds: str, **content) -> ChangeOrder:
    """A draft on the contract's current version; `content` as `contents` reads it."""
    require(by, "change.create", contract)
    locked = _lock_contract(contract)
    values = contents(locked, kind=kind, **content)
    _require_role(values["delta"], locked, by)
    number = ChangeOrder.objects.of(by.tenant_id).filter(contract=locked).count() + 1
    return records.create(
        ChangeOrder, by=by, contract=locked, owner=by, number=number, base_revision=locked.revision,
        kind=kind, grounds=_said(grounds), **values,
    )  # fmt: skip


@transaction.atomic
def edit_change(change: ChangeOrder, *, by: Member, kind: str, grounds: str, expected: int | None = None,
                **content) -> ChangeOrder:  # fmt: skip
    """Write a draft anew, on the contract's version of now."""
    require(by, "change.create", change)
    contract = _lock_contract(change.contract)
    _require_draft(change)
    values = contents(contract, kind=kind, **content)
    _require_role(values["delta"], contract, by)
    return records.update(
        change, by=by, expected=expected, kind=kind, grounds=_said(grounds), base_revision=contract.revision, **values
    )


def _lock_contract(contract: Contract) -> Contract:
    locked = records.lock(contract)
    if locked.status not in previews.CHANGEABLE:
        raise Refused(
            _("“%(contract)s” is %(status)s. Only a contract in force is changed by a change order.")
            % {"contract": locked, "status": locked.get_status_display()}, code="CONTRACT_NOT_EFFECTIVE",
        )  # fmt: skip
    return locked


def _require_role(delta: Decimal, contract: Contract, by: Member) -> None:
    """Finance proposes changes of the receivables' terms; the amount is the sales side's (domain.md 9)."""
    if delta:
        require(by, "contract.update", contract)


def _require_draft(change: ChangeOrder) -> None:
    if records.lock(change).status != Status.DRAFT:
        raise Refused(_("Only a draft of a change can be edited. Withdraw it first."), code="NOT_DRAFT")


def contents(
    contract: Contract, *, kind: str, delta: Decimal | None = None, lines: Lines | None = None,
    effects: Lines | None = None, how: str = Spread.PRO_RATA, target: int | None = None,
    excess: str = Excess.CREDIT, refund_account: str = "", new_end_date: date | None = None,
    terms: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The columns of a change, checked, nothing written.

    `lines` name what changes of the lines; without them `delta` is spread over all lines in proportion. `effects`
    are {"receivable": id or None, "delta", "kind", "due_date"}; without them the change is spread over the
    receivables by `how` (`target` is the id of the one). ValidationError when the parts do not fit together.
    """
    after = _lines_after(contract, lines, delta)
    change = change_lines.total(after) - contract.effective_amount
    if lines is not None and delta is not None and change != delta:
        raise ValidationError({"delta": _("The lines change by %(sum)s. Correct them, or this amount.")
                               % {"sum": f"{change:,.2f}"}})  # fmt: skip
    terms = _terms(terms or {}, contract)
    _check_kind(kind, change, new_end_date, terms, effects)
    if new_end_date and contract.start_date and new_end_date < contract.start_date:
        raise ValidationError({"new_end_date": _("The contract would end before it starts.")})
    return {
        "delta": change, "lines": after, "excess": excess, "refund_account": refund_account.strip(),
        "new_end_date": new_end_date, "terms": terms,
        "effects": spread_effects(contract, change, how, target) if effects is None else _effects(effects),
    }  # fmt: skip


def _lines_after(contract: Contract, lines: Lines | None, delta: Decimal | None) -> list[dict]:
    if lines is not None:
        return change_lines.proposed(contract, lines)
    return change_lines.spread_over(contract, delta) if delta else change_lines.current(contract)


def _terms(terms: Mapping[str, str], contract: Contract) -> dict[str, str]:
    """The texts that really change."""
    if unknown := set(terms) - set(TERMS):
        raise ValidationError({"terms": _("A contract has no terms “%(name)s”.") % {"name": min(unknown)}})
    return {
        name: text.strip() for name, text in terms.items() if text.strip() and text.strip() != getattr(contract, name)
    }


def _check_kind(kind: str, delta: Decimal, end: date | None, terms: Mapping, effects: Lines | None) -> None:
    """What each kind of change must bring, and may not."""
    if kind not in Kind.values:
        raise ValidationError({"kind": _("Choose what kind of change this is.")})
    problems = {
        Kind.REDUCE: delta >= 0 and _("A reduction lowers the amount. Enter a negative change."),
        Kind.INCREASE: delta <= 0 and _("An increase raises the amount. Enter a positive change."),
        Kind.CANCEL: delta > 0 and _("A termination cannot raise the amount."),
        Kind.EXTEND: delta < 0 and _("An extension cannot lower the amount. Make it a reduction."),
        Kind.TERMS: delta != 0 and _("Terms change without the amount. Choose reduction or increase."),
    }
    if problem := problems[Kind(kind)]:
        raise ValidationError({"delta": problem})
    if kind == Kind.EXTEND and end is None:
        raise ValidationError({"new_end_date": _("Enter the new end of the contract.")})
    if kind == Kind.TERMS and not (terms or end or effects):
        raise ValidationError({"kind": _("Nothing changes. Enter new terms, a new end or new due dates.")})


def targets(contract: Contract) -> list[dict]:
    """What a change may move, in the order of the plan."""
    return [target for follower in effects.followers() for target in follower.targets(contract)]


def spread_effects(contract: Contract, delta: Decimal, how: str, target: int | None = None) -> list[dict]:
    """The change spread over the contract's receivables by one of the helpers."""
    rows = targets(contract)
    if not rows or not delta or contract.kind == Contract.Kind.FRAMEWORK:
        return []
    ids = [row["id"] for row in rows]
    if how == Spread.ONE and target not in ids:
        raise ValidationError({"target": _("Choose the receivable that takes the change.")})
    index = ids.index(target) if how == Spread.ONE else -1
    shares = spread(delta, [row["current"] for row in rows], how, index)
    return _effects({"receivable": pk, "delta": share} for pk, share in zip(ids, shares, strict=True))


def _effects(given: Lines) -> list[dict]:
    """Plain JSON values; a receivable that nothing happens to is left out."""
    found = []
    for effect in given:
        delta, due = money(effect.get("delta") or 0), effect.get("due_date")
        due = due.isoformat() if isinstance(due, date) else (due or "")
        pk = effect.get("receivable")
        if delta or (due and pk):
            row = {"receivable": pk and int(pk), "delta": f"{delta:.2f}", "due_date": due}
            found.append(row if pk else {**row, "kind": str(effect.get("kind") or "other")})
    return found


@transaction.atomic
def submit_change(change: ChangeOrder, *, by: Member, expected: int | None = None) -> ChangeOrder:
    """One request, one approval: refused with every reason why the change cannot be applied as things stand."""
    require(by, "change.create", change)
    contract = records.lock(change.contract)
    change.contract = contract
    _refuse(change)
    records.move(change, Status.IN_APPROVAL, by=by, verb="submitted", expected=expected,
                 preview=previews.plain(previews.preview(change)))  # fmt: skip
    approvals.submit(change, by=by, grounds=change.grounds)
    change.refresh_from_db()
    return change


def _refuse(change: ChangeOrder) -> None:
    for follower in effects.followers():
        follower.check(change)
    if sentences := previews.refusals(previews.preview(change)):
        raise Refused(" ".join(str(sentence) for sentence in sentences), code="CHANGE_REFUSED")


@transaction.atomic
def approved(change: ChangeOrder, *, by: Member) -> ChangeOrder:
    """The decision: applied at once, or void when the contract has moved on since it was drafted (INV-C2)."""
    contract, change = _lock(change)
    if change.status == Status.APPLIED:
        return change
    records.move(change, Status.APPROVED, by=by, verb="approved")
    if change.base_revision != contract.revision:
        return records.move(change, Status.VOID, by=by, verb="voided")
    return apply(change, by=by)


def _lock(change: ChangeOrder) -> tuple[Contract, ChangeOrder]:
    contract = records.lock(change.contract)
    locked = records.lock(change)
    locked.contract = contract
    return contract, locked


@transaction.atomic
def apply(change: ChangeOrder, *, by: Member) -> ChangeOrder:
    """Carry out an approved change: lines, orders, amount, version, and every follower, all or nothing (INV-R18)."""
    contract, change = _lock(change)
    if change.status == Status.APPLIED:
        return change
    records.move(change, Status.APPLIED, by=by, verb="applied", applied_at=timezone.now(),
                 preview=previews.plain(previews.preview(change)))  # fmt: skip
    change.contract = contract
    _refuse(change)
    _rewrite(contract, change, by)
    versions.write(contract, by=by, change=change)
    for follower in effects.followers():
        follower.applied(change, by=by)
    return change


def _rewrite(contract: Contract, change: ChangeOrder, by: Member) -> None:
    """The contract as it now reads; its amount is again the sum of its lines (INV-C1)."""
    change_lines.put(contract, change.lines, by=by)
    reordering.follow(contract, by=by)
    values: dict[str, Any] = {
        "revision": contract.revision + 1, "effective_amount": contract.effective_amount + change.delta, **change.terms,
    }  # fmt: skip
    if change.new_end_date:
        values["end_date"] = change.new_end_date
    how: dict[str, Any] = {"by": by, "verb": "changed", "reason": change.grounds, "data": {"change": change.pk}}
    if change.kind == Kind.CANCEL:
        records.move(contract, Contract.Status.TERMINATED, **{**how, "verb": "terminated"}, **values)
    else:
        records.update(contract, **how, **values)
    if change_lines.total(change_lines.current(contract)) != contract.effective_amount:
        raise Refused(_("The lines would not add up to the contract any more."), code="LINES_SUM")


def dropped(change: ChangeOrder, *, by: Member, status: str) -> ChangeOrder:
    """Rejected, returned or withdrawn: a draft again, and nothing has happened."""
    return records.move(change, Status.DRAFT, by=by, verb=str(status), preview=[])


def discard(change: ChangeOrder, *, by: Member, expected: int | None = None) -> ChangeOrder:
    """Put a draft away."""
    require(by, "change.create", change)
    if change.status != Status.DRAFT:
        raise Refused(_("Only a draft can be discarded."), code="INVALID_TRANSITION")
    return records.move(change, Status.VOID, by=by, verb="discarded", expected=expected)


@transaction.atomic
def draft_again(change: ChangeOrder, *, by: Member) -> ChangeOrder:
    """The same differences on the contract as it stands now: for a change that became void."""
    contract = records.lock(change.contract)
    base = ContractVersion.objects.of(by.tenant_id).get(contract=contract, number=change.base_revision)
    old = {line["id"]: line for line in base.snapshot["lines"]}
    now = {line["line"]: line for line in change_lines.current(contract)}
    return draft_change(
        contract, by=by, kind=change.kind, grounds=change.grounds, excess=change.excess, effects=change.effects,
        refund_account=change.refund_account, new_end_date=change.new_end_date, terms=change.terms,
        lines=[_moved(line, old.get(line["line"]), now.get(line["line"])) for line in change.lines],
    )  # fmt: skip


def _moved(line: Mapping, old: Mapping | None, now: Mapping | None) -> Mapping:
    """A line's difference to its old self, put on its present self."""
    if old is None or now is None:
        return line
    numbers = {
        name: str(max(Decimal(now[name]) + Decimal(line[name]) - Decimal(old[name]), ZERO))
        for name in change_lines.PLACES
    }
    return {"line": line["line"], "description": line["description"], **numbers}


def _said(grounds: str) -> str:
    if not grounds.strip():
        raise ValidationError({"grounds": _("Say why the contract changes.")})
    return grounds.strip()
