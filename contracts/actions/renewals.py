"""What becomes of a contract that ends: the next one, or the reason why there is none (domain.md 4.4)."""

from datetime import date
from decimal import Decimal

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.utils.translation import gettext as _

from contracts.metrics.renewals import BINDING, HELD
from contracts.models import Contract, Renewal
from crm.core import records
from crm.core.calendars import DAY
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require

from .contracts import TERMS, draft_contract

LINE = ("product", "description", "quantity", "unit_price", "discount", "tax_code", "over_delivery")
SAME = ("title", "kind", "account", "legal_entity", "currency", "nonstandard", "template", *TERMS)


def next_dates(contract: Contract) -> tuple[date | None, date | None]:
    """The day after the end, and the same term in calendar months from then on; a year where none is known."""
    if contract.end_date is None:
        return None, None
    start = contract.end_date + DAY
    begun = contract.start_date
    term = relativedelta(start, begun) if begun and begun < start else relativedelta(years=1)
    return start, start + term - DAY


@transaction.atomic
def renew(contract: Contract, *, by: Member, start_date: date | None = None, end_date: date | None = None) -> Contract:
    """A draft with the lines and terms of `contract` for the following term; once made, the same one again.

    The seller edits the draft before it goes for approval. A renewal that was given up is taken up again.
    """
    require(by, "contract.create", contract)
    contract = records.lock(contract)
    if following := successor(contract):
        return following
    _require_held(contract)
    _reopen(contract, by)
    first, last = next_dates(contract)
    following = draft_contract(
        by=by, owner=contract.owner if contract.owner.is_active else by, lines=_lines(contract), renewal_of=contract,
        start_date=start_date or first, end_date=end_date or last, **{name: getattr(contract, name) for name in SAME},
    )  # fmt: skip
    records.note(contract, by=by, verb="renewal_begun", data={"contract": following.pk})
    return following


def successor(contract: Contract) -> Contract | None:
    return Contract.objects.of(contract.tenant_id).filter(renewal_of=contract).order_by("pk").first()


def _require_held(contract: Contract) -> None:
    if contract.status not in HELD:
        raise Refused(
            _("“%(contract)s” is %(status)s. Only a contract that is or was in force can be renewed.")
            % {"contract": contract, "status": contract.get_status_display()}, code="CONTRACT_NOT_EFFECTIVE",
        )  # fmt: skip


def _lines(contract: Contract) -> list[dict]:
    rows = contract.lines.select_related("product", "tax_code").order_by("order", "pk")
    return [{name: getattr(line, name) for name in LINE} for line in rows]


def _reopen(contract: Contract, by: Member) -> None:
    view = Renewal.objects.of(by.tenant_id).filter(contract=contract, status=Renewal.Status.LOST).first()
    if view:
        records.move(view, Renewal.Status.OPEN, by=by, verb="reopened", loss="", loss_detail="")


@transaction.atomic
def lose(contract: Contract, *, by: Member, loss: str, detail: str = "") -> Renewal:
    """The customer does not go on; why. Refused when the next contract is signed already."""
    require(by, "contract.update", contract)
    contract = records.lock(contract)
    _require_held(contract)
    following = successor(contract)
    if following and following.status in BINDING:
        raise Refused(
            _("This contract has been renewed by “%(next)s”; it is not lost.") % {"next": following},
            code="CONTRACT_RENEWED",
        )
    if loss not in Renewal.Loss.values:
        raise ValidationError({"loss": _("Choose why it was lost.")})
    view = _view(contract, by)
    return records.move(view, Renewal.Status.LOST, by=by, verb="lost", reason=detail, loss=loss, loss_detail=detail)


@transaction.atomic
def assess(contract: Contract, *, by: Member, risk: str = "", forecast_amount: Decimal | None = None,
           note: str = "") -> Renewal:  # fmt: skip
    """How likely it is to go on, and with what amount (None: as now)."""
    require(by, "contract.update", contract)
    view = _view(records.lock(contract), by)
    return records.update(view, by=by, verb="assessed", risk=risk, forecast_amount=forecast_amount, note=note)


def _view(contract: Contract, by: Member) -> Renewal:
    """The one row of a locked contract."""
    found = Renewal.objects.of(by.tenant_id).filter(contract=contract).first()
    return found or records.create(Renewal, by=by, contract=contract)
