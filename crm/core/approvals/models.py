"""Decisions that need more than one pair of eyes (domain.md 3.1, 4.5, 6.8)."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey


class Flow(Record):
    """One version of the way a kind of document is approved. An edit makes the next version.

    `nodes` is a list of {key, name, mode: sequential|all|any, assignee: {kind: role|manager|member|flag, value},
    when: {min_amount, max_amount, below_floor, nonstandard, money}}; a node without `when` always applies.
    """

    subject_type = models.CharField(max_length=60)
    number = models.PositiveIntegerField(_("version"), default=1, editable=False)
    name = models.CharField(_("name"), max_length=100)
    nodes = models.JSONField(default=list)
    is_current = models.BooleanField(default=True, editable=False)

    class Meta:
        ordering = ["subject_type", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "subject_type", "number"], name="flow_version_once"),
            models.UniqueConstraint(
                fields=["tenant", "subject_type"], condition=Q(is_current=True), name="flow_one_current"
            ),
        ]

    def __str__(self):
        return self.name


class Instance(Record):
    """One request for approval of one exact content (`subject_hash`) of one document."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        RETURNED = "returned", _("Returned")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        VOID = "void", _("Void")

    MOVES = {
        Status.PENDING: {Status.APPROVED, Status.REJECTED, Status.RETURNED, Status.WITHDRAWN, Status.VOID},
        Status.APPROVED: {Status.VOID},
        Status.REJECTED: set(),
        Status.RETURNED: set(),
        Status.WITHDRAWN: set(),
        Status.VOID: set(),
    }

    flow = TenantForeignKey(Flow, related_name="+")
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    subject_hash = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=200)
    submitter = TenantForeignKey(Member, related_name="+")
    owner = TenantForeignKey(Member, related_name="+")
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    facts = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    grounds = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING, editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject_type", "subject_id"],
                condition=Q(status="pending"),
                name="instance_one_pending",
            )
        ]
        indexes = [models.Index(fields=["tenant", "subject_type", "subject_id", "-id"], name="instance_of_subject")]

    def __str__(self):
        return self.subject_label


class ApprovalTask(Record):
    """One person's decision in one node; the order of nodes and the round tell which run it belongs to."""

    class Kind(models.TextChoices):
        NORMAL = "normal", _("Approver")
        BEFORE = "added_before", _("Added before")
        AFTER = "added_after", _("Added after")
        PARALLEL = "added_parallel", _("Added beside")
        ADMIN = "admin_queue", _("Nobody was found: administrators decide who")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Not yet")
        OPEN = "open", _("To decide")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        RETURNED = "returned", _("Returned")
        NO_RESPONSE = "no_response", _("Not needed any more")

    MOVES = {
        Status.WAITING: {Status.OPEN, Status.NO_RESPONSE},
        Status.OPEN: {Status.APPROVED, Status.REJECTED, Status.RETURNED, Status.NO_RESPONSE, Status.WAITING},
        Status.APPROVED: set(),
        Status.REJECTED: set(),
        Status.RETURNED: set(),
        Status.NO_RESPONSE: set(),
    }

    instance = TenantForeignKey(Instance, models.CASCADE, related_name="tasks")
    node = models.CharField(max_length=40)
    node_name = models.CharField(max_length=100)
    order = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField(default=1)
    mode = models.CharField(max_length=10, default="sequential")
    kind = models.CharField(max_length=14, choices=Kind, default=Kind.NORMAL)
    assignee = TenantForeignKey(Member, null=True, related_name="+")
    original_assignee = TenantForeignKey(Member, null=True, related_name="+")
    decided_by = TenantForeignKey(Member, null=True, related_name="+")
    status = models.CharField(max_length=11, choices=Status, default=Status.WAITING, editable=False)
    comment = models.TextField(blank=True)
    opened_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    urged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["instance_id", "round", "order", "id"]
        indexes = [
            models.Index(fields=["tenant", "assignee", "-id"], name="approval_inbox", condition=Q(status="open")),
        ]

    def __str__(self):
        return f"{self.node_name}: {self.assignee}"

    @property
    def holder_ids(self) -> set[int]:
        return {self.assignee_id} if self.assignee_id else set()


class Delegation(Record):
    """`deputy` decides for `principal` in a period of local dates, both ends included (WC-25)."""

    principal = TenantForeignKey(Member, related_name="+", verbose_name=_("for"))
    deputy = TenantForeignKey(Member, related_name="+", verbose_name=_("deputy"))
    start = models.DateField(_("from"), default=timezone.localdate)
    end = models.DateField(_("until"))

    class Meta:
        ordering = ["-start", "-id"]
        constraints = [models.CheckConstraint(condition=Q(end__gte=models.F("start")), name="delegation_has_days")]
