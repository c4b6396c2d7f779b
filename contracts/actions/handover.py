"""From sales to delivery: what was signed is offered, and accepted or given back, before it is performed."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contracts.models import Contract
from crm.core import records
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import reach_q, require
from crm.core.people.roles import GRANTS, Role

from .contracts import start_performing

Handover, Status = Contract.Handover, Contract.Status
OFFERED_IN = (Status.SIGNED, Status.EFFECTIVE)
DECIDES = "handover.decide"


def can_deliver(member: Member) -> bool:
    """Whether the member's roles let him take a contract over."""
    return member.is_active and not member.is_system and any(role in GRANTS[DECIDES] for role in member.roles)


@transaction.atomic
def offer(contract: Contract, *, by: Member, to: Member, expected: int | None = None) -> Contract:
    """Offer a signed contract to the member who shall deliver it; again after he gave it back."""
    require(by, "contract.update", contract)
    _require_signed(records.lock(contract))
    if not can_deliver(to):
        raise ValidationError({"to": _("%(name)s cannot take contracts over. Choose a manager or a presales "
                                       "engineer who still works here.") % {"name": to}})  # fmt: skip
    if records.lock(contract).handover == Handover.ACCEPTED:
        raise Refused(_("Delivery has accepted this contract already."), code="HANDOVER_ACCEPTED")
    return records.update(
        contract, by=by, verb="offered", expected=expected, handover=Handover.PENDING, handover_reason="",
        delivery_manager=to,
    )  # fmt: skip


def _require_signed(contract: Contract) -> None:
    if contract.status not in OFFERED_IN:
        raise Refused(
            _("Only a signed contract that is not performed yet is handed over; this one is %(status)s.")
            % {"status": contract.get_status_display()}, code="CONTRACT_NOT_SIGNED",
        )  # fmt: skip


@transaction.atomic
def accept(contract: Contract, *, by: Member, expected: int | None = None) -> Contract:
    """The delivery manager, or who leads him, takes the contract over."""
    _require_pending(contract, by)
    return records.update(contract, by=by, verb="taken_over", expected=expected, handover=Handover.ACCEPTED)


@transaction.atomic
def give_back(contract: Contract, *, by: Member, reason: str, expected: int | None = None) -> Contract:
    """It cannot be delivered as it is: back to sales with the reason."""
    _require_pending(contract, by)
    if not reason.strip():
        raise ValidationError({"reason": _("Say what is missing, so that sales can put it right.")})
    return records.update(
        contract, by=by, verb="given_back", expected=expected, reason=reason.strip(), handover=Handover.RETURNED,
        handover_reason=reason.strip(),
    )  # fmt: skip


def _require_pending(contract: Contract, by: Member) -> None:
    locked = records.lock(contract)
    require(by, DECIDES, locked.delivery_manager)
    if locked.handover != Handover.PENDING:
        raise Refused(_("This contract is not offered to delivery at present."), code="HANDOVER_NOT_PENDING")


def begin_performing(contract: Contract, *, by: Member) -> None:
    """The first shipment of a contract in force begins its performance."""
    if contract.status == Status.EFFECTIVE:
        start_performing(contract, by=by)


def inbox(member: Member, *, taken: bool = False) -> QuerySet[Contract]:
    """Contracts that wait for the member's decision, or that were taken over and are not finished."""
    rows = Contract.objects.visible_to(member).filter(reach_q(member, DECIDES, "delivery_manager"))
    rows = rows.filter(delivery_manager__isnull=False).select_related("account", "owner", "delivery_manager")
    if taken:
        return rows.filter(handover=Handover.ACCEPTED, status__in=(*OFFERED_IN, Status.PERFORMING))
    return rows.filter(handover=Handover.PENDING)


def waiting(member: Member) -> int:
    """How many contracts wait for the member himself, for the badge of delivery people; one cheap statement."""
    if Role.PRESALES not in member.roles:
        return 0
    return Contract.objects.of(member.tenant_id).filter(delivery_manager=member, handover=Handover.PENDING).count()
