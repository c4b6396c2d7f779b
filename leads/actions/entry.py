"""How leads come in: typed, by the API or imported, and never twice (domain.md 6.4)."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.company.actions import system_member
from crm.core.errors import Refused
from crm.core.identity import duplicates
from crm.core.identity.duplicates import Hit
from crm.core.names import Tier
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from crm.core.pools.claims import default_pool
from crm.core.pools.models import OwnerReason, Pool

from ..models import Lead, LeadTouch
from .ownership import require_open_pool, require_salesperson

LIVE = (Lead.Status.POOLED, *Lead.OWNED)


@dataclass(frozen=True)
class Arrival:
    """The lead that an enquiry became, or was added to as one more touch."""

    lead: Lead
    is_new: bool


class Lookalike(Refused):
    """The firm may be known already; `hits` say from where."""

    def __init__(self, hits: list[Hit]):
        text = _("This looks like a firm we know already. Look at the list, then create the lead anyway or leave it.")
        super().__init__(text, code="DUPLICATE", hits=[as_data(hit) for hit in hits])
        self.hits = hits


@transaction.atomic
def receive(*, by: Member, decided: bool = False, pool: Pool | None = None, **values) -> Arrival:
    """Take in one enquiry, into `by`'s hands or into `pool`.

    A live lead that is surely the same (BLOCK) gets a touch instead of a second record. What may be
    the same (REVIEW) is refused with DUPLICATE until `decided`; managers decide at once.
    """
    require(by, "lead.create")
    if known := known_lead(values, by):
        return Arrival(touch(known, by=by, **values), is_new=False)
    hits = [hit for hit in lookalikes(values, by=by) if hit.tier >= Tier.REVIEW]
    if hits and not decided and not may(by, "lead.assign"):
        raise Lookalike(hits)
    return Arrival(create_lead(by=by, pool=pool, **values), is_new=True)


def lookalikes(values: dict, *, by: Member, exclude: Lead | None = None) -> list[Hit]:
    """Leads, customers and contacts like the one being typed, as far as `by` may know of them (INV-L13)."""
    return duplicates.find(identity_of(values), by=by, exclude=exclude)


def identity_of(values: dict):
    from crm.core.identity.subjects import subject_of

    columns = {field.name for field in Lead._meta.concrete_fields}
    return subject_of(Lead).identity(Lead(**{name: value for name, value in values.items() if name in columns}))


def known_lead(values: dict, by: Member) -> Lead | None:
    """The live lead that blocks a second record, whoever may see it."""
    hits = duplicates.find(identity_of(values), by=system_member(by.tenant_id))
    ids = [hit.pk for hit in hits if hit.tier == Tier.BLOCK and hit.subject_type == Lead._meta.label_lower]
    return Lead.objects.of(by.tenant_id).filter(pk__in=ids, status__in=LIVE).order_by("-pk").first()


def as_data(hit: Hit) -> dict:
    """A hit for programs; blank where the member may not know."""
    return {
        "tier": hit.tier.name, "reasons": list(hit.reasons), "type": hit.subject_type, "id": hit.pk,
        "label": hit.label, "owner": hit.owner_name, "status": hit.status,
    }  # fmt: skip


def touch(lead: Lead, *, by: Member, at: datetime | None = None, **values) -> Lead:
    """Keep one more arrival of a lead that is there already."""
    _keep_arrival(lead, values, at)
    records.note(lead, by=by, verb="touched", data={"source": str(values.get("source", ""))})
    return lead


def _keep_arrival(lead: Lead, values: dict, at: datetime | None) -> None:
    payload = {name: str(value) for name, value in values.items() if value not in (None, "")}
    channel = values.get("source") or lead.source
    touched = LeadTouch(tenant_id=lead.tenant_id, lead=lead, channel=channel, at=at or timezone.now(), payload=payload)
    records.append([touched])


@transaction.atomic
def create_lead(*, by: Member, owner: Member | None = None, pool: Pool | None = None, at: datetime | None = None,
                owner_reason: str = OwnerReason.CREATED, **values) -> Lead:  # fmt: skip
    """Make a lead without asking for duplicates: `owner`'s, or in `pool`, or else where `by`'s leads begin.

    `at` is a true date of the past (imports and demo data only).
    """
    require(by, "lead.create")
    place = _place(by, owner, pool, at or timezone.now(), owner_reason)
    lead = records.create(Lead, by=by, at=at, **{**values, "name": values.get("name", "").strip()}, **place)
    _keep_arrival(lead, values, at)
    return lead


def _place(by: Member, owner: Member | None, pool: Pool | None, at: datetime, reason: str) -> dict:
    """In exactly one place (INV-L1): a salesperson's own hands unless a pool is named."""
    if pool is not None:
        require_open_pool(pool, by)
    elif owner is None and may(by, "lead.follow_up") and not by.is_system:
        owner = by
    home = pool or default_pool(by.tenant_id)
    if owner is None and home is None:
        raise ValidationError({"pool": _("There is no pool to put this into. Ask an administrator to open one.")})
    if owner is None:
        return {"status": Lead.Status.POOLED, "pool": home, "home_pool": home}
    if owner.pk != by.pk:
        require(by, "lead.assign", owner)
        require_salesperson(owner)
    return {
        "status": Lead.Status.ASSIGNED, "owner": owner, "owner_reason": reason, "owned_at": at, "home_pool": home,
    }  # fmt: skip


def update_lead(lead: Lead, *, by: Member, expected: int | None = None, **values) -> Lead:
    """Change a lead's facts; what lies in a pool is claimed first by those who may not see its contact data."""
    require(by, "lead.update", lead)
    if lead.hides_contact_from(by):
        raise Refused(_("Claim this lead before you change it."), code="CLAIM_FIRST")
    return records.update(lead, by=by, expected=expected, **values)
