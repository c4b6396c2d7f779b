"""The customer's word on when he pays; it stops the reminders until its day (domain.md 6.20)."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import PromiseToPay, Receivable

# A promise may not put reminders off for ever.
LONGEST = timedelta(days=90)


@transaction.atomic
def promise(
    receivable: Receivable, *, by: Member, promised_for: date, amount: Decimal | None = None, note: str = ""
) -> PromiseToPay:
    """Note a promise of `amount` (the whole balance if None); it replaces an earlier one that is still open."""
    require(by, "receivable.dispute", receivable)
    receivable = records.lock(receivable)
    amount = receivable.balance if amount is None else amount
    _check(receivable, promised_for, amount, by.tenant.today())
    for earlier in PromiseToPay.objects.of(by.tenant_id).filter(
        receivable=receivable, withdrawn_at=None, promised_for__gte=by.tenant.today()
    ):
        records.update(earlier, by=by, verb="replaced", withdrawn_at=timezone.now())
    told = {"promised_for": str(promised_for), "amount": str(amount)}
    records.note(receivable, by=by, verb="promised", reason=note, data=told)
    return records.create(
        PromiseToPay, by=by, receivable=receivable, promised_for=promised_for, amount=amount, note=note, by_id=by.pk
    )


def _check(receivable: Receivable, promised_for: date, amount: Decimal, today: date) -> None:
    if receivable.balance <= 0:
        raise Refused(_("Nothing is owed on %(receivable)s any more.") % {"receivable": receivable}, code="SETTLED")
    if not today <= promised_for <= today + LONGEST:
        raise ValidationError({"promised_for": _("Choose a day from today on, at most 90 days ahead.")})
    if not 0 < amount <= receivable.balance:
        raise ValidationError({"amount": _("Enter an amount above zero, at most the balance.")})


@transaction.atomic
def withdraw(promise: PromiseToPay, *, by: Member) -> PromiseToPay:
    """The promise does not count any more: reminders go on."""
    require(by, "receivable.dispute", promise.receivable)
    if promise.withdrawn_at:
        raise Refused(_("This promise was withdrawn already."), code="WITHDRAWN")
    return records.update(promise, by=by, verb="withdrawn", withdrawn_at=timezone.now())
