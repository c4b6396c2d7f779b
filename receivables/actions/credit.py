"""A customer's credit class, and where the company's ageing buckets end."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core import records
from crm.core.errors import ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.ageing_rules import BOUNDS
from receivables.models import AgeingBuckets, CreditClass

DEFAULT = CreditClass.Letter.B
MOST = 8


@transaction.atomic
def set_credit(
    account: Account, *, by: Member, letter: str, limit: Decimal | None = None, days: int | None = None,
    expected: int | None = None,
) -> CreditClass:  # fmt: skip
    """Class A to D, limit in the company's currency (None: no limit), days to pay (None: as the contract says)."""
    require(by, "credit.manage")
    records.lock(account)
    values: dict[str, Any] = {"letter": letter, "limit": limit, "days": days}
    found = CreditClass.objects.of(by.tenant_id).filter(account=account).first()
    if found is None:
        return records.create(CreditClass, by=by, verb="set", account=account, **values)
    return records.update(found, by=by, verb="set", expected=expected, **values)


def letters(tenant, accounts: Iterable[int] | None = None) -> dict[int, str]:
    """The class of each customer that has one; the others are class B."""
    rows = CreditClass.objects.of(tenant)
    if accounts is not None:
        rows = rows.filter(account__in=accounts)
    return dict(rows.values_list("account_id", "letter"))


def bounds_of(tenant) -> tuple[int, ...]:
    """The last days of the company's ageing buckets."""
    found = AgeingBuckets.objects.of(tenant).values_list("bounds", flat=True).first()
    return tuple(found) if found else BOUNDS


@transaction.atomic
def set_bounds(bounds: Sequence[int], *, by: Member) -> AgeingBuckets:
    """Change where the buckets end. They begin with 0 (not due) and rise; provision rates keep the bounds they had."""
    require(by, "credit.manage")
    bounds = list(bounds)
    rising = all(a < b for a, b in pairwise(bounds))
    if not 2 <= len(bounds) <= MOST or bounds[0] != 0 or not rising or bounds[-1] > 3650:
        raise ValidationError({"bounds": _("Enter two to eight rising days that begin with 0, such as 0, 30, 60, 90.")})
    found = AgeingBuckets.objects.of(by.tenant_id).first()
    if found is None:
        return records.create(AgeingBuckets, by=by, verb="set", bounds=bounds)
    return records.update(found, by=by, verb="set", bounds=bounds)
