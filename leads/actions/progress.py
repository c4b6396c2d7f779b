"""How far a lead has come (domain.md 4.1)."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from crm.core.pools import claims

from ..models import Lead
from .ownership import locked_in, required

ASSIGNED, WORKING, NURTURING, QUALIFIED = Lead.OWNED


def qualify(lead: Lead, *, by: Member) -> Lead:
    """Say that the lead is worth a deal: whom to talk to, how to reach him and what he needs are known.

    A manager may say so without them.
    """
    require(by, "lead.update", lead)
    if not may(by, "lead.assign"):
        _require_known(lead)
    return records.move(lead, QUALIFIED, by=by, verb="qualified")


def _require_known(lead: Lead) -> None:
    missing = {
        "contact_name": lead.contact_name,
        "phone": lead.phone or lead.email or lead.wechat,
        "needs": lead.needs,
    }
    if gaps := [name for name, value in missing.items() if not value]:
        message = _("Fill this in before you qualify the lead.")
        raise ValidationError(dict.fromkeys(gaps, message))


def nurture(lead: Lead, *, by: Member, reason: str = "") -> Lead:
    """Keep a lead warm that is not ready; its clock rests until it is resumed."""
    require(by, "lead.update", lead)
    return records.move(lead, NURTURING, by=by, verb="nurtured", reason=reason)


@transaction.atomic
def resume(lead: Lead, *, by: Member) -> Lead:
    """Take a nurtured (or qualified) lead up again; the days without follow-up run on from the last one."""
    require(by, "lead.update", lead)
    locked_in(lead, NURTURING, QUALIFIED)
    return records.move(lead, WORKING, by=by, verb="resumed", reminded_on=None)


def disqualify(lead: Lead, *, by: Member, reason: str) -> Lead:
    """Close a lead that leads nowhere; its owner stays named, a manager may revive it."""
    require(by, "lead.disqualify", lead)
    reason = required(reason)
    return records.move(
        lead, Lead.Status.DISQUALIFIED, by=by, verb="disqualified", reason=reason, pool=None, in_review=False,
        disqualified_reason=reason[:200],
    )  # fmt: skip


@transaction.atomic
def revive(lead: Lead, *, by: Member) -> Lead:
    """Put a disqualified lead into its pool again."""
    require(by, "lead.revive", lead)
    former = locked_in(lead, Lead.Status.DISQUALIFIED).owner
    pool = claims.target_of(lead)
    return records.move(
        lead, Lead.Status.POOLED, by=by, verb="revived", pool=pool, home_pool=pool, owner=None, owner_reason="",
        previous_owner=former or lead.previous_owner, released_at=timezone.now(), disqualified_reason="",
    )  # fmt: skip
