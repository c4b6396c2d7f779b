"""What a member should know, in the product and by mail."""

from django.db import models
from django.utils import timezone

from crm.core.people.models import Member
from crm.core.tenancy.models import TenantForeignKey, TenantModel


class Notification(TenantModel):
    """One thing one member should know, once per `dedupe_key`; the text is made in the reader's language."""

    recipient = TenantForeignKey(Member, models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.BigIntegerField(null=True)
    params = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "recipient", "dedupe_key"], name="notification_once")]
        indexes = [
            models.Index(fields=["tenant", "recipient"], name="notification_unread", condition=models.Q(read_at=None)),
            models.Index(
                fields=["tenant", "created_at"], name="notification_unmailed", condition=models.Q(mailed_at=None)
            ),
        ]

    def __str__(self):
        return self.kind

    @classmethod
    def visible_q(cls, member) -> models.Q:
        return models.Q(recipient=member)
