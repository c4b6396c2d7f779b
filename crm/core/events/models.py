"""What happened, and who still has to hear of it."""

from django.db import models
from django.utils import timezone

from crm.core.people.models import Member
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey, TenantModel


class Event(AppendOnlyModel):
    """One business fact: who did what to which record, when, and what it changed.

    `at` is the business time, `recorded_at` the time of the entry (domain.md 0.1.4).
    `changes` maps a field to [before, after]; foreign keys appear as ids, money as strings.
    """

    kind = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    actor = TenantForeignKey(Member, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    recorded_at = models.DateTimeField(default=timezone.now)
    changes = models.JSONField(default=dict)
    reason = models.TextField(blank=True, default="")
    data = models.JSONField(default=dict)
    source = models.CharField(max_length=20, blank=True, default="")
    request_id = models.CharField(max_length=40, blank=True, default="")
    batch = models.UUIDField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["tenant", "subject_type", "subject_id", "-at"], name="event_of_subject"),
            models.Index(fields=["tenant", "kind", "-at"], name="event_of_kind"),
            models.Index(fields=["tenant", "actor", "-at"], name="event_of_actor"),
            models.Index(fields=["tenant", "batch"], name="event_of_batch", condition=models.Q(batch__isnull=False)),
        ]

    def __str__(self):
        return f"{self.kind} {self.subject_type}:{self.subject_id}"


class Delivery(TenantModel):
    """An outbox row: one handler that has to hear of one event, at least once."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        DEAD = "dead"

    event = TenantForeignKey(Event, models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=120)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "due_at"], name="delivery_waiting", condition=models.Q(status="waiting"))
        ]


class Wakeup(models.Model):
    """A tenant whose outbox has work: an id only, so that the drainer can find it without a tenant."""

    tenant = models.ForeignKey("tenancy.Tenant", models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)


class Slot(models.Model):
    """A minute of a periodic job that has been started; unique, so that two beats start it once."""

    job = models.CharField(max_length=60)
    at = models.DateTimeField()
    started_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "at"], name="slot_once")]
