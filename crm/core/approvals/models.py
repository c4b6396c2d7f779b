"""Decisions that need more than one pair of eyes (domain.md 3.1, 4.5, 6.8)."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.reach import may
from crm.core.people.roles import Role
from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey, TenantModel


class Flow(Record):
    """One version of the way a kind of document is approved. An edit makes the next version.

    `nodes` is a list of {key, name, mode, assignee, when}; `crm.core.approvals.levels` reads it. `cc` are the ids of
    members who are told of each request and may read it.
    """

    subject_type = models.CharField(max_length=60)
    number = models.PositiveIntegerField(_("version"), default=1, editable=False)
    name = models.CharField(_("name"), max_length=100)
    nodes = models.JSONField(default=list)
    cc = models.JSONField(default=list, blank=True)
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

    @classmethod
    def visible_q(cls, member) -> Q:
        """Everybody may know which way a document goes; a partner not (domain.md 9)."""
        return Q(pk__in=[]) if Role.PARTNER in member.roles else Q()


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
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    facts = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    grounds = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject_type", "subject_id"],
                condition=Q(status="pending"),
                name="instance_one_pending",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "subject_type", "subject_id", "-id"], name="instance_of_subject"),
            models.Index(fields=["tenant", "submitter", "-id"], name="instance_of_submitter"),
        ]

    def __str__(self):
        return self.subject_label

    @classmethod
    def visible_q(cls, member) -> Q:
        """Who asked, who is or was asked, who was sent a copy, and who repairs what is stuck."""
        if may(member, "approval.reassign"):
            return Q()
        asked = ApprovalTask.objects.of(member.tenant_id).filter(asked_q(member))
        copied = Copy.objects.of(member.tenant_id).filter(member=member)
        return (
            Q(submitter=member)
            | Q(owner=member)
            | Q(pk__in=asked.values("instance_id"))
            | Q(pk__in=copied.values("instance_id"))
        )

    @property
    def holder_ids(self) -> set[int]:
        return {self.submitter_id, self.owner_id}

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING


class Copy(TenantModel):
    """抄送: a member who was told of a request and may read it."""

    instance = TenantForeignKey(Instance, models.CASCADE, related_name="copies")
    member = TenantForeignKey(Member, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "instance", "member"], name="copy_once")]


def asked_q(member) -> Q:
    """Tasks that reached this member, as the one asked or as the one for whom a deputy was."""
    return (Q(assignee=member) | Q(principal=member)) & Q(opened_at__isnull=False)


class ApprovalTask(Record):
    """One person's decision in one node; the order of nodes and the round tell which run it belongs to.

    `principal` is the member for whom a deputy (the assignee) was asked: both may decide. `original_assignee` is who
    had the task before it was transferred. `waits_for` is the task of the same node after whose approval this one
    opens. A task without assignee waits for an administrator to choose who decides (INV-C7).
    """

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
    principal = TenantForeignKey(Member, null=True, related_name="+")
    waits_for = TenantForeignKey("self", models.CASCADE, null=True, related_name="+")
    decided_by = TenantForeignKey(Member, null=True, related_name="+")
    status = models.CharField(max_length=11, choices=Status, default=Status.WAITING, editable=False)
    comment = models.TextField(blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    urged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["instance_id", "round", "order", "id"]
        indexes = [
            models.Index(fields=["tenant", "assignee", "-id"], name="approval_inbox", condition=Q(status="open")),
            models.Index(fields=["tenant", "principal", "-id"], name="approval_deputised", condition=Q(status="open")),
        ]

    def __str__(self):
        return f"{self.node_name}: {self.assignee}"

    @classmethod
    def visible_q(cls, member) -> Q:
        return asked_q(member) | Q(instance__in=Instance.objects.visible_to(member))

    @property
    def holder_ids(self) -> set[int]:
        return {pk for pk in (self.assignee_id, self.principal_id) if pk}


class Delegation(Record):
    """`deputy` decides for `principal` in a period of local dates, both ends included (WC-25)."""

    principal = TenantForeignKey(Member, related_name="+", verbose_name=_("for"))
    deputy = TenantForeignKey(Member, related_name="+", verbose_name=_("deputy"))
    start = models.DateField(_("from"), default=timezone.localdate)
    end = models.DateField(_("until"))
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-start", "-id"]
        constraints = [models.CheckConstraint(condition=Q(end__gte=models.F("start")), name="delegation_has_days")]

    def __str__(self):
        return f"{self.principal} → {self.deputy}"

    @classmethod
    def visible_q(cls, member) -> Q:
        return Q() if may(member, "approval.reassign") else Q(principal=member) | Q(deputy=member)

    @property
    def holder_ids(self) -> set[int]:
        return {self.principal_id}
