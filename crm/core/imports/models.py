"""A file on its way into records: the row is the queue of record, so a crash loses nothing."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey


def stored_name(batch, name: str) -> str:
    """`<tenant>/imports/<uuid>`: what the user called the file is kept in a column, not on the disk."""
    return f"{batch.tenant_id}/imports/{uuid.uuid4().hex}"


class Import(Record):
    """One file and what became of it. `check` and `result` are Tally.as_json of the dry run and the run."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        MAPPED = "mapped", _("Columns chosen")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    WORKING = (Status.CHECKING, Status.RUNNING)
    OPEN = (Status.UPLOADED, Status.MAPPED, Status.CHECKED)
    MOVES = {
        Status.UPLOADED: {Status.MAPPED, Status.CANCELLED},
        Status.MAPPED: {Status.CHECKING, Status.RUNNING, Status.CANCELLED},
        Status.CHECKING: {Status.CHECKED, Status.FAILED, Status.CANCELLED},
        Status.CHECKED: {Status.MAPPED, Status.CHECKING, Status.RUNNING, Status.CANCELLED},
        Status.RUNNING: {Status.DONE, Status.FAILED, Status.CANCELLED},
        Status.FAILED: {Status.MAPPED, Status.CHECKING, Status.RUNNING, Status.CANCELLED},
        Status.DONE: set(),
        Status.CANCELLED: set(),
    }

    object = models.CharField(_("object"), max_length=20)
    file = models.FileField(upload_to=stored_name, max_length=255, editable=False)
    file_name = models.CharField(_("file"), max_length=200)
    size = models.PositiveBigIntegerField(default=0, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    headers = models.JSONField(default=list, editable=False)
    row_count = models.PositiveIntegerField(_("rows"), default=0, editable=False)
    # Column key → header; column key → {text in the file: text that is meant}; what the user decided besides.
    mapping = models.JSONField(default=dict, editable=False)
    values = models.JSONField(default=dict, editable=False)
    options = models.JSONField(default=dict, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.UPLOADED, editable=False)
    check_report = models.JSONField(default=dict, editable=False)
    result = models.JSONField(default=dict, editable=False)
    # Rows finished, written in the transaction of their chunk; what later chunks have to know of earlier ones.
    done_rows = models.PositiveIntegerField(default=0, editable=False)
    memo = models.JSONField(default=dict, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    message = models.TextField(blank=True, editable=False)
    error_file = models.FileField(upload_to=stored_name, max_length=255, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["tenant", "created_by", "-id"], name="import_of_member"),
            models.Index(
                fields=["tenant", "leased_until"],
                name="import_working",
                condition=Q(status__in=["checking", "running"]),
            ),
        ]

    def __str__(self):
        return self.file_name

    @property
    def author(self) -> Member:
        """Who brought the file; the import acts as this member."""
        assert self.created_by is not None  # by records.create
        return self.created_by

    @property
    def holder_ids(self) -> set[int]:
        return {self.author.pk}

    @property
    def is_working(self) -> bool:
        return self.status in self.WORKING

    @property
    def percent(self) -> int:
        """How much of the file is behind us, 0 to 100."""
        return min(100, self.done_rows * 100 // self.row_count) if self.row_count else 0

    @classmethod
    def visible_q(cls, member) -> Q:
        """Imports hold whole files of customer data: one's own, the teams' for managers, all for admins."""
        return reach_q(member, "import.run", "created_by")


class ImportProblem(AppendOnlyModel):
    """A row that did not go in, and why; written with its chunk. The error file is made from these."""

    batch = TenantForeignKey(Import, models.CASCADE, related_name="problems")
    row = models.PositiveIntegerField()
    reason = models.TextField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["row", "id"]
        indexes = [models.Index(fields=["tenant", "batch", "row"], name="problem_of_import")]
