"""The link by which a customer reads and answers a quote without signing in.

Its secret is derived from the quote, the moment it was sent and the server's key: it can be shown to its owner
again, is never stored, and is worthless without the row. The address names the company, whose wall it opens.
"""

from datetime import datetime

from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from contracts.models import Quote
from crm.core.company.actions.tokens import digest
from crm.core.errors import Refused
from crm.core.tenancy.models import Tenant


def secret_of(quote: Quote, sent_at: datetime | None = None) -> str:
    """The secret part of the link of a quote that was sent."""
    moment = sent_at or quote.sent_at
    if moment is None:
        raise Refused(_("This quote has not been sent yet."), code="NOT_SENT")
    what = f"{quote.tenant_id}:{quote.pk}:{moment.isoformat()}"
    return salted_hmac("contracts.offer", what, algorithm="sha256").hexdigest()


def digest_of(quote: Quote, sent_at: datetime) -> str:
    """What is stored of the secret."""
    return digest(secret_of(quote, sent_at))


def path_of(quote: Quote, slug: str) -> str:
    return reverse("offers:show", kwargs={"slug": slug, "secret": secret_of(quote)})


def find(tenant: Tenant, secret: str) -> Quote | None:
    """The quote behind a link, whatever became of it."""
    rows = Quote.objects.of(tenant).filter(accept_digest=digest(secret))
    return rows.select_related("account", "contact", "legal_entity", "owner__user").first()
