"""What the faces keep for themselves."""

from django.db import models
from django.utils import timezone

from crm.core.people.models import Member
from crm.core.tenancy.models import TenantForeignKey, TenantModel


class IdempotencyKey(TenantModel):
    """The first answer to a keyed POST, written in the transaction of its effect (INV-G5); kept 30 days."""

    member = TenantForeignKey(Member, models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "member", "key"], name="idempotency_key_once")]
