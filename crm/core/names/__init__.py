"""Names and other marks by which people and firms are recognised and found (domain.md 6.4)."""

from crm.core.names.codes import Uscc, check_digit, uscc
from crm.core.names.companies import CompanyName, company_name
from crm.core.names.contacts import (
    PhoneKey,
    email_domain,
    email_key,
    mask_email,
    mask_phone,
    phone_key,
    web_domain,
)
from crm.core.names.grams import grams, matches, query_grams
from crm.core.names.matching import Identity, Tier, Verdict, dice, same_firm
from crm.core.names.text import fold

__all__ = [
    "CompanyName",
    "Identity",
    "PhoneKey",
    "Tier",
    "Uscc",
    "Verdict",
    "check_digit",
    "company_name",
    "dice",
    "email_domain",
    "email_key",
    "fold",
    "grams",
    "mask_email",
    "mask_phone",
    "matches",
    "phone_key",
    "query_grams",
    "same_firm",
    "uscc",
    "web_domain",
]
