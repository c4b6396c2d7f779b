"""What a customer does with an offer on its public page, written down by the company's system member."""

from django.db import transaction

from contracts.actions.quotes import accept_quote, decline_quote
from contracts.models import Quote
from crm.core.company.actions import system_member
from crm.core.people.models import Member


def accept_offer(quote: Quote, *, name: str) -> Quote:
    """The customer accepts; of two answers at once the second is refused."""
    with transaction.atomic():
        return accept_quote(quote, by=_scribe(quote), name=name)


def decline_offer(quote: Quote, *, grounds: str) -> Quote:
    with transaction.atomic():
        return decline_quote(quote, by=_scribe(quote), grounds=grounds)


def _scribe(quote: Quote) -> Member:
    """Customers have no seat in the company."""
    member = system_member(quote.tenant_id)
    member.tenant = quote.tenant
    return member
