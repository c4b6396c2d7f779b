"""催收: reminders before and after the due date, promises, holds and legal steps (domain.md 6.20, D10)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account
from crm.core.approvals.subjects import asked_q
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey
from receivables.dunning_rules import Level, Step

from .ledger import MONEY, Receivable


class DunningPolicy(Record):
    """The ladder for a credit class; the one without a class is for everybody else. Changes are Events.

    `steps`: [{"level": 0…6, "days": -7, "to": ["owner", "customer", "manager", "finance"]}], days ascending.
    """

    name = models.CharField(_("name"), max_length=100)
    credit_class = models.CharField(_("credit class"), max_length=1, blank=True)
    steps = models.JSONField(default=list, editable=False)
    min_gap_days = models.PositiveSmallIntegerField(
        _("days between two notices"), default=3, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    rep_lead_hours = models.PositiveSmallIntegerField(
        _("hours between the owner's notice and the customer's mail"), default=4, validators=[MaxValueValidator(72)]
    )
    daily_rate = models.DecimalField(
        _("late fee per day"), max_digits=9, decimal_places=6, default=0,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Share of the balance: 0.0005 is 0.05 % a day. 0: no late fee."),
    )  # fmt: skip
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["credit_class", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "credit_class"], name="dunning_policy_once",
                violation_error_message=_("This credit class has a policy already. Change that one."),
            )
        ]  # fmt: skip

    def __str__(self):
        return self.name

    @property
    def ladder(self) -> tuple[Step, ...]:
        return tuple(Step.read(step) for step in self.steps)

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "dunning.manage", "created_by")


class DunningRun(Record):
    """The log of one run: what it sent and what it left out, and why."""

    day = models.DateField()
    # {"disputed": 3, …}: what would have been due and was left out, when the run began.
    left_out = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return str(self.day)

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "dunning.manage", "created_by")


class DunningLetter(Record):
    """One mail to one customer with everything a run reminds of; stopped when nothing of it is owed any more."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waits for the owner's hours")
        SENT = "sent", pgettext_lazy("letter", "Sent")
        STOPPED = "stopped", _("Stopped before it was sent")
        NO_ADDRESS = "no_address", _("No mail address")

    MOVES = {
        Status.QUEUED: {Status.SENT, Status.STOPPED, Status.NO_ADDRESS},
        Status.SENT: set(),
        Status.STOPPED: set(),
        Status.NO_ADDRESS: set(),
    }

    run = TenantForeignKey(DunningRun, related_name="letters")
    account = TenantForeignKey(Account, related_name="+")
    day = models.DateField()
    send_after = models.DateTimeField()
    address = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "day"], condition=Q(status="queued"), name="dunning_letter_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "send_after"], condition=Q(status="queued"), name="dunning_letter_queued")
        ]

    def __str__(self):
        return f"{self.account} · {self.day}"

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read", "account__owner")


class DunningNotice(AppendOnlyModel):
    """One notice of one level in one cycle of a receivable (INV-R14)."""

    receivable = TenantForeignKey(Receivable, related_name="notices")
    run = TenantForeignKey(DunningRun, related_name="notices")
    letter = TenantForeignKey(DunningLetter, null=True, related_name="notices")
    cycle = models.PositiveSmallIntegerField()
    level = models.SmallIntegerField(choices=Level)
    day = models.DateField()
    balance = models.DecimalField(**MONEY)
    fee = models.DecimalField(**MONEY, default=0)
    recipients = models.JSONField(default=list)
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "receivable", "cycle", "level"], name="dunning_notice_once")
        ]

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read", "receivable__owner")


class PromiseToPay(Record):
    """The customer's word. Kept or broken follows from the money (receivables.promises)."""

    receivable = TenantForeignKey(Receivable, related_name="promises", verbose_name=_("receivable"))
    promised_for = models.DateField(_("promised for"))
    amount = models.DecimalField(_("amount"), **MONEY)
    note = models.CharField(_("note"), max_length=300, blank=True)
    by = TenantForeignKey(Member, related_name="+", editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="promise_positive")]
        indexes = [models.Index(fields=["tenant", "receivable", "promised_for"], name="promise_of_receivable")]

    def __str__(self):
        return f"{self.receivable} · {self.promised_for}"

    @property
    def holder_ids(self) -> set[int]:
        return self.receivable.holder_ids

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read", "receivable__owner")


class CustomerHold(Record):
    """The ladder's last rung: no new orders for this customer until an approver releases it (D10)."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("On hold")
        IN_APPROVAL = "in_approval", _("Release asked for")
        RELEASED = "released", _("Released")

    MOVES = {
        Status.ACTIVE: {Status.IN_APPROVAL},
        Status.IN_APPROVAL: {Status.ACTIVE, Status.RELEASED},
        Status.RELEASED: set(),
    }

    account = TenantForeignKey(Account, related_name="+", editable=False)
    receivable = TenantForeignKey(Receivable, related_name="+", editable=False)
    grounds = models.CharField(_("reason"), max_length=300, blank=True)
    status = models.CharField(max_length=11, choices=Status, default=Status.ACTIVE, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account"], condition=~Q(status="released"), name="customer_hold_once"
            )
        ]

    def __str__(self):
        return str(self.account)

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read", "account__owner") | asked_q(member, cls)


class LegalStep(Record):
    """The task that the legal level creates: nothing leaves the house before an approver says so."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("To decide whether to ask")
        IN_APPROVAL = "in_approval", _("In approval")
        APPROVED = "approved", _("Approved")
        DROPPED = "dropped", _("Dropped")

    MOVES = {
        Status.PROPOSED: {Status.IN_APPROVAL, Status.DROPPED},
        Status.IN_APPROVAL: {Status.PROPOSED, Status.APPROVED},
        Status.APPROVED: set(),
        Status.DROPPED: set(),
    }

    receivable = TenantForeignKey(Receivable, related_name="legal_steps", editable=False)
    cycle = models.PositiveSmallIntegerField(editable=False)
    balance = models.DecimalField(**MONEY, editable=False)
    grounds = models.CharField(_("reason"), max_length=300, blank=True)
    status = models.CharField(max_length=11, choices=Status, default=Status.PROPOSED, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "receivable", "cycle"], name="legal_step_once")]

    def __str__(self):
        return str(self.receivable)

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read", "receivable__owner") | asked_q(member, cls)
