"""What people did and will do about a record: activities, tasks, files (domain.md 3.1, 6.1)."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey, TenantModel

from . import subjects

PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


class SubjectLink(TenantModel):
    """Ties a row to a record it is about; a row may be about several (a visit: deal and account)."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()

    class Meta:
        abstract = True


class Activity(AppendOnlyModel):
    """One contact with a customer, or one note. Never edited: a correction is another activity."""

    class Type(models.TextChoices):
        CALL = "call", _("Call")
        VISIT = "visit", _("Visit")
        MEETING = "meeting", _("Meeting")
        DEMO = "demo", _("Demonstration")
        MAIL_SENT = "mail_sent", _("E-mail sent")
        MAIL_RECEIVED = "mail_received", _("E-mail received")
        WECHAT = "wechat", _("WeChat")
        NOTE = "note", _("Note")

    class Outcome(models.TextChoices):
        INTERESTED = "interested", _("Interested")
        QUOTE = "quote", _("Wants a quote")
        FOLLOW_UP = "follow_up", _("Follow up")
        ABSENT = "absent", _("Nobody there")
        OTHER = "other", _("Other")

    type = models.CharField(_("type"), max_length=14, choices=Type)
    actor = TenantForeignKey(Member, related_name="+", verbose_name=_("by"))
    occurred_at = models.DateTimeField(_("time"), default=timezone.now)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    duration_min = models.PositiveSmallIntegerField(_("minutes"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    next_step = models.CharField(_("next step"), max_length=200, blank=True)
    next_at = models.DateTimeField(_("next time"), null=True, blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    # WGS-84 degrees and metres, as the device gave them; null when it gave none.
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    accuracy_m = models.PositiveIntegerField(null=True, blank=True)
    device_time = models.DateTimeField(null=True, blank=True)
    counts_as_followup = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("activity"), _("activities")
        ordering = ["-occurred_at", "-id"]
        indexes = [models.Index(fields=["tenant", "actor", "-occurred_at"], name="activity_of_actor")]

    def __str__(self):
        return self.get_type_display()

    @property
    def holder_ids(self) -> set[int]:
        return {self.actor_id}

    @classmethod
    def visible_q(cls, member) -> models.Q:
        return reach_q(member, "activity.read", "actor")

    @classmethod
    def readable_q(cls, member) -> models.Q:
        """Also what others did about records that the member may read: for one activity, not for lists."""
        links = ActivityLink.objects.of(member.tenant_id).filter(activity=models.OuterRef("pk"))
        return cls.visible_q(member) | subjects.linked_to_readable(links, member)


class ActivityLink(SubjectLink):
    activity = TenantForeignKey(Activity, models.CASCADE, related_name="links")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "activity", "subject_type", "subject_id"], name="activity_link_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "subject_type", "subject_id", "-id"], name="activity_of_subject")]


class Task(Record):
    """Something a member will do by a time; overdue is computed, never stored."""

    class Status(models.TextChoices):
        OPEN = "open", _("To do")
        DONE = "done", _("Done")
        DROPPED = "dropped", _("Dropped")

    MOVES = {Status.OPEN: {Status.DONE, Status.DROPPED}, Status.DONE: {Status.OPEN}, Status.DROPPED: {Status.OPEN}}

    owner = TenantForeignKey(Member, related_name="+", verbose_name=_("owner"))
    title = models.CharField(_("title"), max_length=200)
    due_at = models.DateTimeField(_("due"))
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)
    source = models.CharField(max_length=20, default="manual", editable=False)
    subject_type = models.CharField(max_length=60, blank=True, editable=False)
    subject_id = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("task"), _("tasks")
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(fields=["tenant", "owner", "due_at"], name="task_open", condition=models.Q(status="open")),
            models.Index(fields=["tenant", "subject_type", "subject_id"], name="task_of_subject"),
        ]

    def __str__(self):
        return self.title

    @classmethod
    def visible_q(cls, member) -> models.Q:
        return reach_q(member, "activity.read") | models.Q(owner=member)


class Attachment(Record):
    """A file kept outside static, named by a uuid, served by a view that checks who asks."""

    # Its name in the store, never shown.
    file = models.CharField(max_length=255, editable=False)
    name = models.CharField(_("file name"), max_length=200)
    content_type = models.CharField(max_length=100, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("file"), _("files")
        ordering = ["-id"]

    def __str__(self):
        return self.name

    @property
    def is_picture(self) -> bool:
        """Whether a browser may show it in place: a picture that was encoded anew on its way in."""
        return self.content_type in PICTURES

    @classmethod
    def visible_q(cls, member) -> models.Q:
        links = AttachmentLink.objects.of(member.tenant_id).filter(attachment=models.OuterRef("pk"))
        return subjects.linked_to_readable(links, member)


class AttachmentLink(SubjectLink):
    attachment = TenantForeignKey(Attachment, models.CASCADE, related_name="links")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "attachment", "subject_type", "subject_id"], name="attachment_link_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "subject_type", "subject_id"], name="attachment_of_subject")]
