"""What people do with contracts (domain.md 4.4): draft, submit, sign, bring into force, perform, complete, close."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts import effects, lines
from contracts.models import Clause, ClauseTemplate, Contract, ContractLine, ContractTemplate, Order
from contracts.models.quotes import Terms
from crm.core import records
from crm.core.activities import actions as activities
from crm.core.activities.models import Attachment
from crm.core.approvals import actions as approvals
from crm.core.entities.numbering import next_number
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from opportunities.models import Opportunity

from . import activation, versions

Status, Kind = Contract.Status, Contract.Kind
ZERO = lines.ZERO
TERMS = tuple(field.name for field in Terms._meta.get_fields() if field.name != "nonstandard")


@transaction.atomic
def draft_contract(
    *, by: Member, lines: Iterable[Mapping[str, Any]], owner: Member | None = None,
    template: ContractTemplate | None = None, **values,
) -> Contract:  # fmt: skip
    """A new draft of `owner` (default `by`); `lines` as contracts.lines.build reads them, `values` its columns.

    A template fills kind and the terms that are not given. The clause checklist starts with our standard
    clauses, all to be settled. The number comes with the approval: a dropped draft takes none.
    """
    require(by, "contract.create", owner or by)
    values = {**_from_template(template), **{name: value for name, value in values.items() if value not in (None, "")}}
    _check_dates(values.get("start_date"), values.get("end_date"))
    _check_deal(values.get("opportunity"), values["account"])
    values.setdefault("clauses", standard_clauses(by.tenant_id, values.get("kind", Kind.FIXED)))
    values.setdefault("currency", by.tenant.base_currency)
    contract = records.create(Contract, by=by, owner=owner or by, template=template, **values)
    return _put_lines(contract, lines, by)


def _from_template(template: ContractTemplate | None) -> dict:
    if template is None:
        return {}
    return {name: getattr(template, name) for name in ("kind", "nonstandard", *TERMS)}


def standard_clauses(tenant, kind: str) -> list[dict]:
    """The checklist a new contract of this kind starts with."""
    rows = ClauseTemplate.objects.of(tenant).filter(is_active=True)
    return [
        {"clause": row.name, "text": row.text, "status": Clause.OPEN.value, "note": ""}
        for row in rows
        if not row.kinds or kind in row.kinds
    ]


def _put_lines(contract: Contract, given: Iterable[Mapping[str, Any]], by: Member) -> Contract:
    """The lines of a draft anew; its amount is their sum (INV-C1)."""
    rows = lines.build(ContractLine, given, tenant_id=by.tenant_id, contract=contract)
    records.unlink(contract.lines.all(), about=contract, by=by, verb="lines_replaced")
    records.append(rows)
    amount = lines.total(rows)
    return records.update(contract, by=by, verb="priced", base_amount=amount, effective_amount=amount)


def _check_dates(start: date | None, end: date | None) -> None:
    if start and end and end < start:
        raise ValidationError({"end_date": _("The contract ends before it starts. Check the dates.")})


def _check_deal(deal: Opportunity | None, account: Account) -> None:
    if deal is not None and deal.account_id != account.pk:
        raise ValidationError({"opportunity": _("Choose a deal of the same customer.")})


@transaction.atomic
def edit_draft(
    contract: Contract, *, by: Member, expected: int | None = None, lines: Iterable[Mapping[str, Any]] | None = None,
    **values,
) -> Contract:  # fmt: skip
    """Change a draft; `lines`, when given, replace its lines. Anything later changes by a change order only."""
    require(by, "contract.update", contract)
    _require_draft(contract)
    _check_dates(values.get("start_date", contract.start_date), values.get("end_date", contract.end_date))
    _check_deal(values.get("opportunity"), contract.account)
    records.update(contract, by=by, expected=expected, **values)
    return contract if lines is None else _put_lines(contract, lines, by)


def _require_draft(contract: Contract) -> None:
    locked = records.lock(contract)
    if locked.status != Status.DRAFT:
        raise Refused(
            _("“%(contract)s” is %(status)s. Only a draft can be edited: take it back, or make a change order.")
            % {"contract": locked, "status": locked.get_status_display()},
            code="NOT_DRAFT",
        )


@transaction.atomic
def settle_clauses(contract: Contract, items: Iterable[Mapping[str, str]], *, by: Member) -> Contract:
    """Say for each clause of the checklist whether it is agreed or deviates, in order: {status, note}."""
    require(by, "contract.update" if may(by, "contract.update", contract) else "clause.manage", contract)
    _require_draft(contract)
    given = list(items)
    if len(given) != len(contract.clauses):
        raise ValidationError({"clauses": _("The checklist changed meanwhile. Reload the page.")})
    settled = [_settled(old, new) for old, new in zip(contract.clauses, given, strict=True)]
    return records.update(contract, by=by, verb="clauses_settled", clauses=settled)


def _settled(old: Mapping, new: Mapping) -> dict:
    status, note = new.get("status", Clause.OPEN), new.get("note", "").strip()[:300]
    if status not in Clause.values:
        raise ValidationError({"clauses": _("Choose how far the clause is.")})
    if status == Clause.DEVIATES and not note:
        raise ValidationError({"clauses": _("Say how “%(clause)s” differs.") % {"clause": old["clause"]}})
    return {**old, "status": str(status), "note": note}


@transaction.atomic
def submit_contract(contract: Contract, *, by: Member, grounds: str = "", expected: int | None = None) -> Contract:
    """Send a draft for approval; it is locked until people have decided."""
    require(by, "contract.update", contract)
    records.move(contract, Status.IN_APPROVAL, by=by, verb="submitted", expected=expected)
    _check_complete(contract)
    approvals.submit(contract, by=by, grounds=grounds)
    contract.refresh_from_db()
    return contract


def _check_complete(contract: Contract) -> None:
    if contract.kind != Kind.FRAMEWORK and contract.effective_amount <= 0:
        raise Refused(_("Add lines first: the contract has no amount."), code="NO_AMOUNT")
    open_clauses = [item["clause"] for item in contract.clauses if item["status"] == Clause.OPEN]
    if open_clauses:
        raise Refused(
            _("Settle these clauses first: %(clauses)s.") % {"clauses": ", ".join(open_clauses)}, code="CLAUSES_OPEN"
        )


@transaction.atomic
def approved(contract: Contract, *, by: Member) -> Contract:
    """All have agreed: the contract gets its number, in the order of approval and without gaps."""
    number = contract.number or next_number(contract.legal_entity, "HT", by.tenant.today())
    return records.move(contract, Status.APPROVED, by=by, verb="approved", number=number)


def dropped(contract: Contract, *, by: Member, status: str) -> Contract:
    """Rejected, returned or withdrawn: a draft again."""
    return records.move(contract, Status.DRAFT, by=by, verb=str(status))


def take_back(contract: Contract, *, by: Member, reason: str, expected: int | None = None) -> Contract:
    """An approved contract that the customer wants changed becomes a draft again; it must be approved anew."""
    require(by, "contract.update", contract)
    if contract.status != Status.APPROVED:
        raise Refused(_("Only an approved contract that is not signed can be taken back."), code="INVALID_TRANSITION")
    return records.move(contract, Status.DRAFT, by=by, verb="taken_back", reason=_said(reason), expected=expected)


@transaction.atomic
def sign_contract(
    contract: Contract, *, by: Member, sign_date: date, file: Attachment | None = None, upload=None,
    on_paper: str = "", expected: int | None = None,
) -> Contract:  # fmt: skip
    """Both sides signed: keep the copy and its hash, or say where the paper lies."""
    require(by, "contract.sign", contract)
    if sign_date > by.tenant.today():
        raise ValidationError({"sign_date": _("This day is in the future. Enter the day of the last signature.")})
    file = activities.attach([contract], upload, by=by) if upload else file
    if file is None and not on_paper.strip():
        raise ValidationError({"upload": _("Add the signed file, or say where the paper is kept.")})
    if file is not None and not _belongs(file, contract):
        raise ValidationError({"file": _("Choose one of the contract's own files.")})
    records.move(
        contract, Status.SIGNED, by=by, verb="signed", sign_date=sign_date, signed_file=file, expected=expected,
        signed_hash=file.sha256 if file else "", on_paper=on_paper.strip()[:300],
    )  # fmt: skip
    for follower in effects.followers():
        follower.signed(contract, by=by)
    return contract


def _belongs(file: Attachment, contract: Contract) -> bool:
    return file.links.filter(subject_type=contract._meta.label_lower, subject_id=contract.pk).exists()


@transaction.atomic
def activate(contract: Contract, *, by: Member, expected: int | None = None) -> Contract:
    """The contract comes into force: version 1, an active customer, a won deal, and whoever follows."""
    require(by, "contract.sign", contract)
    records.move(
        contract, Status.EFFECTIVE, by=by, verb="activated", revision=1, effective_on=by.tenant.today(),
        expected=expected,
    )  # fmt: skip
    versions.write(contract, by=by)
    activation.awaken_customer(contract, by=by)
    activation.win_deal(contract, by=by)
    for follower in effects.followers():
        follower.effective(contract, by=by)
    return contract


@transaction.atomic
def start_performing(contract: Contract, *, by: Member, expected: int | None = None) -> Contract:
    """Work begins, once delivery has accepted the handover (domain.md 4.4)."""
    require(by, "batch.record", contract)
    if contract.handover != Contract.Handover.ACCEPTED:
        raise Refused(_("Delivery has not accepted the handover yet."), code="HANDOVER_OPEN")
    return records.move(contract, Status.PERFORMING, by=by, verb="performing", expected=expected)


@transaction.atomic
def complete(contract: Contract, *, by: Member, expected: int | None = None) -> Contract:
    """All is delivered: of a fixed contract exactly what was agreed has been ordered (INV-C6)."""
    require(by, "contract.complete", contract)
    records.move(contract, Status.COMPLETED, by=by, verb="completed", expected=expected)
    ordered = ordered_amount(contract)
    if contract.kind == Kind.FIXED and ordered != contract.effective_amount:
        raise Refused(
            _("%(ordered)s of %(amount)s has been ordered. Order the rest, or reduce the contract by a change.")
            % {"ordered": ordered, "amount": contract.effective_amount},
            code="NOT_ALL_ORDERED",
        )
    return contract


def ordered_amount(contract: Contract):
    """Σ of the contract's orders that were not cancelled."""
    orders = contract.orders.exclude(status=Order.Status.CANCELLED)
    return orders.aggregate(sum=Sum("amount"))["sum"] or ZERO


@transaction.atomic
def close(contract: Contract, *, by: Member, expected: int | None = None) -> Contract:
    """Nothing is left to do or to collect."""
    require(by, "contract.complete", contract)
    owed = sum((follower.figures(contract).get("balance", ZERO) for follower in effects.followers()), ZERO)
    if owed:
        raise Refused(_("%(owed)s is still to be collected.") % {"owed": owed}, code="BALANCE_OPEN")
    return records.move(contract, Status.CLOSED, by=by, verb="closed", expected=expected)


@transaction.atomic
@transaction.atomic
def transfer_contract(contract: Contract, to: Member, *, by: Member, reason: str = "") -> Contract:
    """Hand a contract, and what is owed under it, to another seller."""
    require(by, "contract.update", contract)
    require(by, "contract.update", to)
    if not to.is_active or not may(to, "contract.create"):
        raise ValidationError({"to": _("%(name)s cannot own contracts. Choose a seller.") % {"name": to}})
    records.update(contract, by=by, verb="transferred", owner=to, reason=reason)
    for follower in effects.followers():
        follower.transferred(contract, by=by)
    return contract


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValidationError({"reason": _("Say why, in a few words.")})
    return reason.strip()
