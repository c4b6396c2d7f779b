"""The ladder's end: holds on customers and legal steps; both move on by approval only (domain.md 9, D10)."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account
from contracts.effects import Follower
from crm.core import records
from crm.core.approvals import actions as approvals
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import CustomerHold, LegalStep

from .reasons import said


def held(account: Account) -> CustomerHold | None:
    """The hold that stands on a customer, also while its release is asked for."""
    rows = CustomerHold.objects.of(account.tenant_id).filter(account=account)
    return rows.exclude(status=CustomerHold.Status.RELEASED).first()


@transaction.atomic
def request_release(hold: CustomerHold, *, by: Member, reason: str) -> CustomerHold:
    """Ask to let the customer order again."""
    return _ask(hold, by, reason)


@transaction.atomic
def request_legal_step(step: LegalStep, *, by: Member, reason: str) -> LegalStep:
    """Ask to take the customer to law."""
    return _ask(step, by, reason)


def _ask(record, by: Member, reason: str):
    require(by, "dunning.manage")
    records.move(record, "in_approval", by=by, verb="submitted", grounds=said(reason))
    approvals.submit(record, by=by, grounds=record.grounds)
    record.refresh_from_db()
    return record


@transaction.atomic
def drop_legal_step(step: LegalStep, *, by: Member, reason: str) -> LegalStep:
    """No legal step for this: the reason stays with it."""
    require(by, "dunning.manage")
    return records.move(step, LegalStep.Status.DROPPED, by=by, verb="dropped", grounds=said(reason))


def release_approved(hold: CustomerHold, *, by: Member) -> CustomerHold:
    return records.move(hold, CustomerHold.Status.RELEASED, by=by, verb="released")


def release_dropped(hold: CustomerHold, *, by: Member, status: str) -> CustomerHold:
    return records.move(hold, CustomerHold.Status.ACTIVE, by=by, verb="kept")


def legal_approved(step: LegalStep, *, by: Member) -> LegalStep:
    return records.move(step, LegalStep.Status.APPROVED, by=by, verb="approved")


def legal_dropped(step: LegalStep, *, by: Member, status: str) -> LegalStep:
    return records.move(step, LegalStep.Status.PROPOSED, by=by, verb="returned")


class HoldFollower(Follower):
    """What the orders hear of it."""

    def blocks_orders(self, account: Account) -> str | None:
        if held(account) is None:
            return None
        return _("%(customer)s is on hold because of unpaid receivables. Ask finance to release it.") % {
            "customer": account
        }
