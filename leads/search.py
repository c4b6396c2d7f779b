"""Leads by what people type, without telling whose phone a hidden number is (INV-L12)."""

from django.db.models import QuerySet

from crm.core import names
from crm.core.identity.models import IdentityKey
from crm.core.identity.search import matching

from .models import Lead

Kind = IdentityKey.Kind


def search(rows: QuerySet, text: str, member) -> QuerySet:
    """Leads whose name, contact or credit code has the words; or whose phone or e-mail is exactly the text,
    among those whose contact data `member` may see."""
    keys = list(_contact_keys(text))
    if not keys:
        return matching(rows, text)
    known = IdentityKey.objects.of(member.tenant_id).filter(subject_type=Lead._meta.label_lower, key__in=keys)
    reached = known.filter(kind__in=[Kind.MOBILE, Kind.LANDLINE, Kind.EMAIL])
    return rows.filter(pk__in=reached.values("subject_id")).exclude(Lead.hidden_q(member))


def _contact_keys(text: str):
    line = names.phone_key(text)
    if line.kind in ("mobile", "landline"):
        yield line.key
    if address := names.email_key(text):
        yield address
