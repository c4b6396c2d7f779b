"""What a contract's coming into force means upstream: its customer and its opportunity."""

from django.utils import timezone

from accounts.models import Account
from contracts.models import Contract
from crm.core import records
from crm.core.company.actions import system_member
from crm.core.people.models import Member
from opportunities import actions as opportunities
from opportunities.models import Opportunity


def awaken_customer(contract: Contract, *, by: Member) -> None:
    """The first effective contract makes a customer active; a dormant or lost one is active again."""
    account = records.lock(contract.account)
    if account.status in (Account.Status.POTENTIAL, Account.Status.DORMANT, Account.Status.LOST):
        records.move(account, Account.Status.ACTIVE, by=by, verb="activated")


def win_deal(contract: Contract, *, by: Member) -> None:
    """Win the opportunity if it is still open, with the amount that was signed.

    The signature is a fact: neither the order of a strict pipeline nor its gates are asked (`at`), and whoever
    brings the contract into force need not own the deal. The deal's history names the contract.
    """
    opportunity = contract.opportunity and records.lock(contract.opportunity)
    if opportunity is None or opportunity.status not in (Opportunity.Status.OPEN, Opportunity.Status.SUSPENDED):
        return
    system = system_member(contract.tenant_id)
    if opportunity.status == Opportunity.Status.SUSPENDED:
        opportunities.resume(opportunity, by=system)
    moment = max(timezone.now(), opportunity.stage_entered_at)
    opportunities.win(opportunity, by=system, at=moment, amount=contract.effective_amount)
    records.note(opportunity, by=by, verb="won_by_contract", data={"contract": contract.pk, "number": contract.number})
