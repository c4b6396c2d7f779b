"""A lead becomes a customer, a contact and, if wanted, a deal: once, and all or nothing (INV-L8)."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import actions as customers
from accounts.models import Account, Contact
from crm.core import records
from crm.core.activities import actions as activities
from crm.core.names import email_key, phone_key
from crm.core.people.models import Member
from crm.core.people.reach import require
from opportunities import actions as deals
from opportunities.models import Opportunity

from ..models import Lead

# What a new customer and a new contact take over unless the user says otherwise.
TO_ACCOUNT = ("name", "uscc", "website", "region", "industry", "size_band")
TO_CONTACT = ("title", "phone", "email", "wechat")


@dataclass(frozen=True)
class Conversion:
    """What a lead became; `is_new` is False when it had been converted before."""

    lead: Lead
    account: Account
    contact: Contact | None
    opportunity: Opportunity | None
    is_new: bool


@transaction.atomic
def convert(lead: Lead, *, by: Member, account: Account | None = None, account_values: dict[str, Any] | None = None,
            contact_values: dict[str, Any] | None = None,
            opportunity_values: dict[str, Any] | None = None) -> Conversion:  # fmt: skip
    """Turn a lead into `account` (or a new one) with its contact and, when values are given, an opportunity.

    Activities and files go along. A second call, also at the same moment, returns what the first one made.
    """
    require(by, "lead.convert", lead)
    held = records.lock(lead)
    if held.status == Lead.Status.CONVERTED:
        lead.__dict__.update(held.__dict__)
        return Conversion(held, held.account, held.contact, held.opportunity, is_new=False)
    require(by, "lead.convert", held)
    account = _account(held, account, account_values or {}, by)
    contact = _contact(held, account, contact_values or {}, by)
    opportunity = _opportunity(held, account, opportunity_values, by)
    records.move(
        lead, Lead.Status.CONVERTED, by=by, verb="converted", account=account, contact=contact,
        opportunity=opportunity, converted_at=timezone.now(),
    )  # fmt: skip
    activities.carry(lead, [one for one in (account, contact, opportunity) if one], by=by)
    return Conversion(lead, account, contact, opportunity, is_new=True)


def _account(lead: Lead, account: Account | None, values: dict, by: Member) -> Account:
    if account is None:
        taken = {name: getattr(lead, name) for name in TO_ACCOUNT}
        return customers.create_account(by=by, owner=lead.owner, **{**taken, **values})
    if not Account.objects.visible_to(by).filter(pk=account.pk).exists():
        raise ValidationError({"account": _("Choose a customer that you can see.")})
    return account


def _contact(lead: Lead, account: Account, values: dict, by: Member) -> Contact | None:
    """The customer's contact with the same phone or e-mail, else a new one; None when the lead names nobody."""
    taken = {"name": lead.contact_name, **{name: getattr(lead, name) for name in TO_CONTACT}, **values}
    known = _known_contact(account, taken["phone"], taken["email"])
    if known or not taken["name"]:
        return known
    return customers.add_contact(account, by=by, **taken)


def _known_contact(account: Account, phone: str, email: str) -> Contact | None:
    line, address = phone_key(phone), email_key(email)
    for contact in Contact.objects.of(account.tenant_id).filter(account=account, has_left=False):
        same_line = line.kind == "mobile" and phone_key(contact.phone) == line
        if same_line or (address and email_key(contact.email) == address):
            return contact
    return None


def _opportunity(lead: Lead, account: Account, values: dict | None, by: Member) -> Opportunity | None:
    if values is None:
        return None
    origin = {"owner": lead.owner, "source": lead.get_source_display(), "name": lead.name}
    return deals.open_opportunity(by=by, account=account, **{**origin, **values})
