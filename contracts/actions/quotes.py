"""What sales does with quotes: drafts, approval below the floor, sending, the answer, the contract (domain.md 4.4)."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contracts import floors, lines
from contracts.actions.contracts import draft_contract
from contracts.actions.prices import current_list
from contracts.models import Contract, Quote, QuoteLine
from contracts.offers import digest_of
from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.entities.actions import default_entity
from crm.core.entities.numbering import next_number
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from opportunities.models import Opportunity

Status = Quote.Status
VALID_DAYS = 30
MOST_LINES = 200
TERMS = (
    "payment_terms", "delivery_terms", "acceptance_terms", "warranty_terms", "penalty_terms", "nonstandard"
)  # fmt: skip
COPIED = (
    "title", "opportunity_id", "account_id", "contact_id", "legal_entity_id", "price_list_id", "currency",
    "discount_reason", "owner_id", "number", *TERMS,
)  # fmt: skip
LINE = ("product_id", "description", "quantity", "unit_price", "discount", "tax_code_id", "is_gift")
REPLACEABLE = (Status.DRAFT, Status.APPROVED, Status.SENT, Status.DECLINED)


@transaction.atomic
def create_quote(
    *, by: Member, opportunity: Opportunity, lines: Iterable[Mapping[str, Any]] = (), **values
) -> Quote:  # fmt: skip
    """A draft for a deal, numbered BJ-<entity>-<year>-nnnn without gaps.

    Customer, owner and currency are the deal's. Left out: the default legal entity, the price list in force,
    validity of 30 days. `lines` as `contracts.lines.build` reads them, with `is_gift`.
    """
    require(by, "quote.create", opportunity)
    if opportunity.status == Opportunity.Status.LOST:
        raise Refused(_("This deal is lost. Reopen it before you quote for it."), code="DEAL_LOST")
    values = {name: value for name, value in values.items() if value not in (None, "")}
    today, entity = by.tenant.today(), values.pop("legal_entity", None) or default_entity(by.tenant_id)
    values = {"title": opportunity.name, "valid_until": today + timedelta(days=VALID_DAYS), **values}
    values.setdefault("price_list", current_list(by.tenant_id, today))
    quote = Quote(tenant_id=by.tenant_id, account_id=opportunity.account_id, currency=opportunity.currency)
    _check(quote, {"legal_entity": entity, **values}, by)
    quote = records.create(
        Quote, by=by, opportunity=opportunity, account=opportunity.account, owner=opportunity.owner,
        currency=opportunity.currency, legal_entity=entity, number=next_number(entity, "BJ", today), **values,
    )  # fmt: skip
    return _put_lines(quote, lines, by)


def _check(quote: Quote, values: Mapping[str, Any], by: Member) -> None:
    """What the columns must say together."""
    wrong: dict[str, Any] = {}
    today = by.tenant.today()
    contact, entity, price_list = values.get("contact"), values.get("legal_entity"), values.get("price_list")
    if contact and contact.account_id != quote.account_id:
        wrong["contact"] = _("Choose somebody who works for this customer.")
    if entity and not entity.is_active:
        wrong["legal_entity"] = _("This legal entity is not in use. Choose another.")
    if price_list and not price_list.is_valid_on(today):
        wrong["price_list"] = _("This price list is not in force today. Choose another.")
    elif price_list and price_list.currency != quote.currency:
        wrong["price_list"] = _("Choose a price list in %(currency)s.") % {"currency": quote.currency}
    if values.get("valid_until") and values["valid_until"] < today:
        wrong["valid_until"] = _("This day has passed. Choose today or a later day.")
    if wrong:
        raise ValidationError(wrong)


@transaction.atomic
def update_quote(
    quote: Quote, *, by: Member, expected: int | None = None, lines: Iterable[Mapping[str, Any]] | None = None,
    **values,
) -> Quote:  # fmt: skip
    """Change a draft; `lines`, when given, take the place of all its lines."""
    require(by, "quote.update", quote)
    draft = _draft(quote)
    if values.get("legal_entity", draft.legal_entity) != draft.legal_entity:
        raise ValidationError({"legal_entity": _("The number names the legal entity. Make another quote instead.")})
    _check(draft, values, by)
    records.update(quote, by=by, expected=expected, **values)
    return _reckon(quote, by) if lines is None else _put_lines(quote, lines, by)


def _draft(quote: Quote) -> Quote:
    """The locked row, if it may still be edited."""
    locked = records.lock(quote)
    if not locked.is_draft:
        raise Refused(
            _("“%(quote)s” is %(status)s and is not edited any more. Make a new version instead.")
            % {"quote": locked, "status": locked.get_status_display()},
            code="NOT_DRAFT",
        )
    return locked


def _put_lines(quote: Quote, given: Iterable[Mapping[str, Any]], by: Member) -> Quote:
    """All lines anew, unless they say what is there already."""
    rows = lines.build(QuoteLine, (as_gift(line) for line in given), tenant_id=by.tenant_id, quote=quote)
    if len(rows) > MOST_LINES:
        raise ValidationError({"lines": _("A quote has %(n)d lines at most.") % {"n": MOST_LINES}})
    kept = quote.lines.all()
    if [_said(row) for row in rows] == [_said(row) for row in kept]:
        return _reckon(quote, by)
    records.unlink(kept, about=quote, by=by, verb="lines_replaced")
    records.append(rows)
    return _reckon(quote, by, edition=quote.edition + 1)


def as_gift(line: Mapping[str, Any]) -> dict[str, Any]:
    """A gift is a line at a discount of 100 %, so that the arithmetic knows no exception."""
    return {**line, "discount": lines.HUNDRED} if line.get("is_gift") else dict(line)


def _said(row: QuoteLine) -> tuple:
    return tuple(getattr(row, name) for name in LINE)


def _reckon(quote: Quote, by: Member, **values) -> Quote:
    """Amount, discount and floors from the lines and the prices of today."""
    found = checked(quote)
    below = bool(found.below or found.gifts)
    return records.update(
        quote, by=by, verb="priced", amount=found.amount, list_amount=found.list_amount, below_floor=below, **values
    )  # fmt: skip


def checked(quote: Quote) -> floors.Checked:
    return floors.check(quote.lines.all(), floors.prices_of(quote.price_list))


def needs_approval(quote: Quote) -> bool:
    """A line below its floor, something for nothing, or terms that are not ours (domain.md 6.8)."""
    return quote.below_floor or quote.nonstandard


@transaction.atomic
def submit_quote(quote: Quote, *, by: Member, expected: int | None = None, grounds: str = "") -> Quote:
    """Ready to be sent: at once when everything is within the floors, else after people have approved.

    No money is given away within the floors, so nobody has to decide and nothing is approved automatically (INV-C7).
    """
    require(by, "quote.update", quote)
    _check_complete(_draft(quote), by)
    _reckon(quote, by)
    if not needs_approval(quote):
        return records.move(quote, Status.APPROVED, by=by, verb="cleared", expected=expected)
    grounds = grounds.strip() or quote.discount_reason
    if not grounds:
        raise ValidationError({"discount_reason": _("This needs approval: say why the customer should get it.")})
    records.move(quote, Status.IN_APPROVAL, by=by, verb="submitted", discount_reason=grounds[:300], expected=expected)
    approvals.submit(quote, by=by, grounds=grounds)
    return quote


def _check_complete(quote: Quote, by: Member) -> None:
    today, rows = by.tenant.today(), list(quote.lines.select_related("tax_code"))
    if not any(row.quantity for row in rows):
        raise Refused(_("Add a line first: there is nothing to offer yet."), code="NO_LINES")
    _check(quote, {"valid_until": quote.valid_until, "price_list": quote.price_list}, by)
    for row in rows:
        code = row.tax_code
        if code.valid_from > today or (code.valid_until and code.valid_until < today):
            said = {"n": row.order, "code": code}
            raise ValidationError({"lines": _("Line %(n)d: the tax rate %(code)s is not in force today.") % said})


@transaction.atomic
def approved(quote: Quote, *, by: Member) -> Quote:
    """People have decided for it."""
    return records.move(quote, Status.APPROVED, by=by, verb="approved")


@transaction.atomic
def dropped(quote: Quote, *, by: Member, status: str) -> Quote:
    """Rejected, returned or withdrawn: a draft again."""
    return records.move(quote, Status.DRAFT, by=by, verb=str(status))


@transaction.atomic
def reopen_quote(quote: Quote, *, by: Member, expected: int | None = None) -> Quote:
    """Edit a quote again that nobody has sent yet; what was approved is approved anew."""
    require(by, "quote.update", quote)
    if quote.status != Status.APPROVED:
        raise Refused(_("Only a quote that is ready and was not sent goes back to a draft."), code="INVALID_TRANSITION")
    return records.move(quote, Status.DRAFT, by=by, verb="reopened", expected=expected)


@transaction.atomic
def send_quote(quote: Quote, *, by: Member, expected: int | None = None) -> Quote:
    """The customer gets it: from now on its link opens, until it is answered, replaced or expires."""
    require(by, "quote.update", quote)
    _check_date(quote, by)
    sent_at = timezone.now()
    return records.move(
        quote, Status.SENT, by=by, verb="sent", expected=expected, sent_at=sent_at,
        accept_digest=digest_of(quote, sent_at),
    )  # fmt: skip


def _check_date(quote: Quote, by: Member) -> None:
    if quote.has_expired(by.tenant.today()):
        raise Refused(
            _("This quote was valid until %(day)s. Make a new version of it.") % {"day": quote.valid_until},
            code="QUOTE_EXPIRED",
        )


@transaction.atomic
def accept_quote(quote: Quote, *, by: Member, name: str, expected: int | None = None) -> Quote:
    """The customer says yes; `name` is who said so."""
    require(by, "quote.update", quote)
    if not name.strip():
        raise ValidationError({"name": _("Enter the name of the person who accepts.")})
    _check_date(quote, by)
    return records.move(
        quote, Status.ACCEPTED, by=by, verb="accepted", accepted_at=timezone.now(),
        accepted_name=name.strip()[:100], expected=expected,
    )  # fmt: skip


@transaction.atomic
def decline_quote(quote: Quote, *, by: Member, grounds: str, expected: int | None = None) -> Quote:
    """The customer says no, and why."""
    require(by, "quote.update", quote)
    if not grounds.strip():
        raise ValidationError({"grounds": _("Say why, in a few words.")})
    return records.move(
        quote, Status.DECLINED, by=by, verb="declined", reason=grounds.strip()[:300], declined_at=timezone.now(),
        declined_grounds=grounds.strip()[:300], expected=expected,
    )  # fmt: skip


@transaction.atomic
def new_version(quote: Quote, *, by: Member, expected: int | None = None) -> Quote:
    """A draft with the same number, the next version, and the same lines; the quote is superseded and its link ends."""
    require(by, "quote.update", quote)
    if quote.status not in REPLACEABLE:
        raise Refused(
            _("“%(quote)s” is %(status)s and gets no new version.")
            % {"quote": quote, "status": quote.get_status_display()},
            code="INVALID_TRANSITION",
        )
    rows = list(quote.lines.all())
    records.move(quote, Status.SUPERSEDED, by=by, verb="superseded", expected=expected)
    latest = max(quote.valid_until, by.tenant.today() + timedelta(days=VALID_DAYS))
    values = {name: getattr(quote, name) for name in COPIED}
    made = records.create(Quote, by=by, revision=quote.revision + 1, valid_until=latest, **values)
    return _put_lines(made, [_copied(row) for row in rows], by)


def _copied(row: QuoteLine) -> dict[str, Any]:
    return {name: getattr(row, name) for name in LINE}


@transaction.atomic
def to_contract(quote: Quote, *, by: Member) -> Contract:
    """The draft contract of an accepted quote: lines, terms, customer, legal entity and deal as they were offered.

    The second call returns the contract of the first one, also when both come at once.
    """
    require(by, "contract.create", quote)
    locked = records.lock(quote)
    if made := contract_of(locked):
        return made
    if locked.status != Status.ACCEPTED:
        raise Refused(_("The customer has not accepted this quote yet."), code="NOT_ACCEPTED")
    terms = {name: getattr(locked, name) for name in TERMS}
    return draft_contract(
        by=by, owner=locked.owner, quote=locked, title=locked.title, account=locked.account, currency=locked.currency,
        legal_entity=locked.legal_entity, opportunity=locked.opportunity, lines=_contract_lines(locked), **terms,
    )  # fmt: skip


def contract_of(quote: Quote) -> Contract | None:
    """The contract that was made of this quote."""
    return Contract.objects.of(quote.tenant_id).filter(quote=quote).order_by("pk").first()


def _contract_lines(quote: Quote) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in LINE if name != "is_gift"} for row in quote.lines.all()]
