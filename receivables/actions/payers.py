"""Who pays for whom: learned from what people accept, approved where somebody pays for another (INV-R6)."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core import records
from crm.core.errors import Refused
from crm.core.names import company_name
from crm.core.people.models import Member
from crm.core.people.reach import require
from receivables.models import PayerAlias


def is_known(account: Account, payer: str, tenant) -> bool:
    """Whether the payer is the customer himself, unnamed, or approved to pay for him."""
    key = company_name(payer).key
    if not key or key == company_name(account.name).key:
        return True
    return PayerAlias.objects.of(tenant).filter(account=account, name_key=key, is_third_party=True).exists()


def admit(account: Account, payer: str, number: str = "", *, by: Member, approve: bool = False) -> None:
    """Refuse money of a third party (THIRD_PARTY_PAYER) unless it is approved, now or earlier."""
    if is_known(account, payer, by.tenant_id):
        return
    if not approve:
        raise Refused(
            _("“%(payer)s” has not paid for %(customer)s before. Approve this payer, or choose another customer.")
            % {"payer": payer, "customer": account},
            code="THIRD_PARTY_PAYER",
        )
    approve_payer(account, payer, number, by=by)


@transaction.atomic
def approve_payer(account: Account, payer: str, number: str = "", *, by: Member) -> PayerAlias:
    """From now on this payer's money may be used for the customer's receivables."""
    require(by, "payer.approve")
    alias = _alias(account, payer, number, by.tenant_id)
    if alias is None:
        return records.create(PayerAlias, by=by, verb="approved", is_third_party=True, times=0,
                              **_names(account, payer, number))  # fmt: skip
    return records.update(alias, by=by, verb="approved", is_third_party=True)


def learn(account: Account, payer: str, number: str, *, by: Member, times: int = 1) -> None:
    """Remember that this payer, by this account, has paid for the customer so many times more (or fewer)."""
    if not (company_name(payer).key or number):
        return
    alias = _alias(account, payer, number, by.tenant_id)
    if alias is not None:
        records.update(alias, by=by, verb="learned", times=max(alias.times + times, 0))
    elif times > 0:
        records.create(PayerAlias, by=by, verb="learned", times=times, **_names(account, payer, number))


def forget(alias: PayerAlias, *, by: Member) -> PayerAlias:
    """The payer counts for nothing any more until somebody accepts him again; what was posted stays."""
    require(by, "payer.approve")
    return records.update(alias, by=by, verb="forgotten", times=0, is_third_party=False)


def _alias(account: Account, payer: str, number: str, tenant) -> PayerAlias | None:
    key = company_name(payer).key[:200]
    return PayerAlias.objects.of(tenant).filter(account=account, name_key=key, number=number).first()


def _names(account: Account, payer: str, number: str) -> dict:
    return {"account": account, "name": payer[:200], "name_key": company_name(payer).key[:200], "number": number}
