"""Keys by which records are recognised, and grams by which they are found (tenancy.md 2)."""

from django.db import models

from crm.core.tenancy.models import TenantModel


class IdentityKey(TenantModel):
    """One comparable fact of a record: its name core, a phone, an e-mail, a domain, a credit code."""

    class Kind(models.TextChoices):
        USCC = "uscc"
        NAME = "name"
        MOBILE = "mobile"
        LANDLINE = "landline"
        EMAIL = "email"
        EMAIL_DOMAIN = "email_domain"
        WEB_DOMAIN = "web_domain"

    kind = models.CharField(max_length=12, choices=Kind)
    key = models.CharField(max_length=200)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "key", "subject_type", "subject_id"], name="identity_key_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "subject_type", "subject_id"], name="identity_of_subject")]


class SearchGram(TenantModel):
    """One searchable piece of a record; plain equality, so that it is fast under row-level security."""

    gram = models.CharField(max_length=16)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "subject_type", "gram", "subject_id"], name="gram_once")
        ]
        indexes = [models.Index(fields=["tenant", "subject_type", "subject_id"], name="gram_of_subject")]
