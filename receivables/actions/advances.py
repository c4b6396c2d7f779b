"""Money on account meets a new receivable (domain.md 6.16)."""

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from crm.core import records
from crm.core.company.actions import system_member
from crm.core.events.schedule import periodic
from receivables.matching.sharing import Choice, fill
from receivables.models import Allocation, DeskRules, Receipt, Receivable

from .allocation import post_choice

CHUNK = 200


@periodic("receivables.advances", minutes=10)
def apply_advances(tenant) -> int:
    """Use advances for receivables opened since, of the same contract (or customer, by the company's rules).

    Returns how many receipts were used. What somebody has taken back is not used again: a receipt and a
    receivable that have met once are left alone, so the job may run any number of times.
    """
    used = last = 0
    while True:
        with transaction.atomic():
            widely = DeskRules.of(tenant).advances == DeskRules.Advances.CUSTOMER
            chunk = list(_waiting(tenant, widely).filter(pk__gt=last).order_by("pk")[:CHUNK])
            used += sum(_apply(receipt, widely, tenant) for receipt in chunk)
        if len(chunk) < CHUNK:
            return used
        last = chunk[-1].pk


def _waiting(tenant, widely: bool) -> QuerySet[Receipt]:
    """Receipts with money left for which a receivable has been opened later."""
    rows = Receipt.objects.of(tenant).filter(status=Receipt.Status.POSTED, unallocated__gt=0)
    of = {name: OuterRef(name) for name in ("account_id", "legal_entity_id", "currency", "contract_id", "created_at")}
    return rows.filter(Exists(_opened_later(tenant, widely, **of).exclude(_met(OuterRef(OuterRef("pk"))))))


def _opened_later(tenant, widely: bool, *, created_at, contract_id, **same) -> QuerySet[Receivable]:
    rows = Receivable.objects.of(tenant).filter(balance__gt=0, disputed=False, superseded=False)
    rows = rows.filter(created_at__gt=created_at, **same)
    return rows if widely else rows.filter(contract_id=contract_id)


def _met(receipt) -> Exists:
    rows = Allocation._base_manager.filter(tenant_id=OuterRef("tenant_id"), receivable=OuterRef("pk"))
    return Exists(rows.filter(receipt_id=receipt))


def _apply(receipt: Receipt, widely: bool, tenant) -> bool:
    locked = records.lock(receipt)
    if locked.contract_id is None and not widely:
        return False
    same = {name: getattr(locked, name) for name in ("account_id", "legal_entity_id", "currency", "contract_id")}
    rows = _opened_later(tenant, widely, created_at=locked.created_at, **same).exclude(_met(locked.pk))
    owed = rows.order_by(F("due_date").asc(nulls_last=True), "pk")
    choice = Choice(Allocation.Rule.ADVANCE, fill(locked.unallocated, owed))
    return bool(post_choice(receipt, locked, choice, by=system_member(tenant), effective=None))
