"""Plans, receivables and the sub-ledger: rows are added, never changed; balances are guarded caches."""

from datetime import date
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account
from contracts.models import ChangeOrder, Contract, Order
from crm.core.approvals.subjects import asked_q
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey
from receivables.due_dates import Shift, Term

MONEY = {"max_digits": 18, "decimal_places": 2}
ZERO = Decimal("0.00")
NEVER = Value(date.max, output_field=models.DateField())


class LedgerRow(AppendOnlyModel):
    """A posted fact with its business date and the time of its entry (domain.md 0.1.4)."""

    effective_date = models.DateField()
    recorded_at = models.DateTimeField(default=timezone.now)
    by = TenantForeignKey(Member, null=True, related_name="+", db_index=False)

    class Meta:
        abstract = True


class Plan(Record):
    """How a contract's amount will be collected."""

    class Mode(models.TextChoices):
        AMOUNT = "amount", _("Amounts")
        PERCENT = "percent", _("Percentages")
        EQUAL = "equal", _("Equal parts")
        MIXED = "mixed", _("Amounts, percentages and a remainder")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        CONFIRMED = "confirmed", _("Confirmed")
        SUPERSEDED = "superseded", _("Superseded")

    MOVES = {
        Status.DRAFT: {Status.CONFIRMED, Status.SUPERSEDED},
        Status.CONFIRMED: {Status.SUPERSEDED},
        Status.SUPERSEDED: set(),
    }

    contract = TenantForeignKey(Contract, related_name="plans")
    order = TenantForeignKey(Order, null=True, blank=True, related_name="plans")
    number = models.PositiveSmallIntegerField(default=1, editable=False)
    mode = models.CharField(pgettext_lazy("plan", "mode"), max_length=8, choices=Mode, default=Mode.PERCENT)
    lines = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "contract", "order"], name="plan_one_confirmed", nulls_distinct=False,
                condition=Q(status="confirmed"),
            )
        ]  # fmt: skip

    def __str__(self):
        return f"{self.order or self.contract} · {self.number}"

    @property
    def holder_ids(self) -> set[int]:
        return self.contract.holder_ids

    @property
    def total(self) -> Decimal:
        """What the plan parts: the order's amount, else the contract's."""
        return self.order.amount if self.order_id else self.contract.effective_amount

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read", "contract__owner")


class Receivable(Record):
    """应收单. `balance` = original + adjusted − allocated − written off; its state is derived (domain.md 4.6)."""

    class Kind(models.TextChoices):
        ADVANCE = "advance", _("Advance")
        PROGRESS = "progress", _("Progress")
        ACCEPTANCE = "acceptance", _("Acceptance")
        RETENTION = "retention", _("Retention")
        SERVICE = "service", _("Service")
        OTHER = "other", _("Other")

    class Trigger(models.TextChoices):
        DATE = "date", _("On a date")
        SIGN = "sign", _("After signing")
        BATCH = "batch", _("After a batch is accepted")
        ACCEPTANCE = "acceptance", _("After final acceptance")
        WARRANTY = "warranty_end", _("After the warranty ends")

    number = models.CharField(_("number"), max_length=40, editable=False)
    plan = TenantForeignKey(Plan, null=True, related_name="receivables", editable=False)
    line = models.PositiveSmallIntegerField(default=1, editable=False)
    contract = TenantForeignKey(Contract, related_name="receivables", editable=False)
    account = TenantForeignKey(Account, related_name="+", editable=False)
    legal_entity = TenantForeignKey(LegalEntity, related_name="+", editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False)
    currency = models.CharField(max_length=3, default="CNY", editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.OTHER)
    trigger = models.CharField(_("falls due"), max_length=12, choices=Trigger, default=Trigger.DATE)
    term = models.CharField(max_length=16, choices=Term, default=Term.NET_DAYS)
    term_n = models.PositiveSmallIntegerField(default=0)
    shift = models.CharField(max_length=8, choices=Shift, default=Shift.NONE)
    due_date = models.DateField(_("due"), null=True, blank=True)
    issue_date = models.DateField(null=True, editable=False)
    original = models.DecimalField(**MONEY, editable=False, validators=[MinValueValidator(ZERO)])
    adjusted = models.DecimalField(**MONEY, default=ZERO, editable=False)
    allocated = models.DecimalField(**MONEY, default=ZERO, editable=False)
    written_off = models.DecimalField(**MONEY, default=ZERO, editable=False)
    invoiced = models.DecimalField(**MONEY, default=ZERO, editable=False)
    red_pending = models.DecimalField(**MONEY, default=ZERO, editable=False)
    balance = models.GeneratedField(
        expression=F("original") + F("adjusted") - F("allocated") - F("written_off"),
        output_field=models.DecimalField(**MONEY), db_persist=True,
    )  # fmt: skip
    superseded = models.BooleanField(default=False, editable=False)
    disputed = models.BooleanField(_("disputed"), default=False, editable=False)
    dispute_reason = models.CharField(max_length=300, blank=True, editable=False)
    on_hold = models.BooleanField(default=False, editable=False)
    dunning_level = models.SmallIntegerField(default=-1, editable=False)
    dunning_cycle = models.PositiveSmallIntegerField(default=1, editable=False)
    dunned_on = models.DateField(null=True, editable=False)

    class Meta:
        ordering = ["due_date", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="receivable_number_once"),
            # INV-R2
            models.CheckConstraint(
                condition=Q(original__gte=0) & Q(allocated__gte=0) & Q(written_off__gte=0)
                & Q(adjusted__gte=-F("original")) & Q(allocated__lte=F("original") + F("adjusted") - F("written_off")),
                name="receivable_sums",
            ),
            models.CheckConstraint(
                condition=Q(invoiced__gte=0) & Q(red_pending__gte=0) & Q(red_pending__lte=F("invoiced")),
                name="receivable_invoices",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant", "contract", "due_date", "id"], name="receivable_of_contract"),
            models.Index(fields=["tenant", "account", "due_date", "id"], name="receivable_of_account"),
            models.Index(fields=["tenant", "due_date", "id"], name="receivable_by_due"),
            # The list's own order: what has no date yet stands after all dates.
            models.Index("tenant", Coalesce("due_date", NEVER), "id", name="receivable_due_or_never"),
            models.Index(
                "tenant",
                Coalesce("due_date", NEVER),
                "id",
                name="receivable_waiting",
                condition=Q(balance__gt=0, superseded=False),
            ),
            models.Index(fields=["tenant", "owner", "due_date"], name="receivable_of_owner"),
            models.Index(fields=["tenant", "balance"], name="receivable_open_balance", condition=Q(balance__gt=0)),
        ]

    def __str__(self):
        return self.number

    @property
    def current(self) -> Decimal:
        """What is owed in all: the original amount and its changes."""
        return self.original + self.adjusted

    @property
    def billable(self) -> Decimal:
        """What a blue invoice may still bill (INV-R7)."""
        return max(self.current - self.invoiced, ZERO)

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read")


class ArEntry(LedgerRow):
    """The sub-ledger of a receivable. Amounts are signed: what raises the balance is positive."""

    class Type(models.TextChoices):
        OPEN = "OPEN", pgettext_lazy("receivable", "Opened")
        ADJUST = "ADJUST", _("Adjusted")
        ALLOCATE = "ALLOCATE", _("Allocated")
        UNALLOCATE = "UNALLOCATE", _("Allocation reversed")
        WRITE_OFF = "WRITE_OFF", _("Written off")
        RECOVER = "RECOVER", _("Recovered")

    receivable = TenantForeignKey(Receivable, related_name="entries")
    type = models.CharField(max_length=10, choices=Type)
    amount = models.DecimalField(**MONEY)
    source_type = models.CharField(max_length=40, blank=True)
    source_id = models.BigIntegerField(null=True)
    reverses = TenantForeignKey("self", null=True, related_name="+")

    class Meta:
        ordering = ["effective_date", "id"]
        indexes = [
            # With the amount, so that balances of a past day are added up from the index alone.
            models.Index(
                fields=["tenant", "receivable", "effective_date"], include=["amount"], name="ar_entry_of_receivable"
            )
        ]


class Adjustment(LedgerRow):
    """A change of a receivable: by a change order, within the rounding tolerance, or with its whole plan (INV-R16)."""

    receivable = TenantForeignKey(Receivable, related_name="adjustments")
    amount = models.DecimalField(**MONEY)
    change = TenantForeignKey(ChangeOrder, null=True, related_name="+")
    is_rounding = models.BooleanField(default=False)
    # The plan that was given up: its receivables go back to nothing.
    plan = TenantForeignKey(Plan, null=True, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(change__isnull=False, is_rounding=False, plan__isnull=True)
                | Q(change__isnull=True, is_rounding=True, plan__isnull=True)
                | Q(change__isnull=True, is_rounding=False, plan__isnull=False),
                name="adjustment_has_one_cause",
            )
        ]


class Allocation(LedgerRow):
    """核销: money of a receipt used for a receivable; a negative row takes back the one it names."""

    class Rule(models.TextChoices):
        REFERENCE = "reference", _("Named by the payer")
        EXACT = "exact", _("Exact amount")
        OLDEST = "oldest", _("Oldest due first")
        MANUAL = "manual", _("By hand")
        CHANGE = "change", _("By a contract change")
        ADVANCE = "advance", _("From an advance")

    receipt = TenantForeignKey("receivables.Receipt", related_name="allocations")
    receivable = TenantForeignKey(Receivable, related_name="allocations")
    amount = models.DecimalField(**MONEY)
    reverses = TenantForeignKey("self", null=True, related_name="reversals")
    rule = models.CharField(max_length=10, choices=Rule)
    batch = models.UUIDField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, reverses__isnull=True) | Q(amount__lt=0, reverses__isnull=False),
                name="allocation_sign",
            )
        ]


class WriteOff(Record):
    """坏账核销: an approved loss; the contract's amount stays (INV-R16)."""

    class Status(models.TextChoices):
        IN_APPROVAL = "in_approval", _("In approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    MOVES = {Status.IN_APPROVAL: {Status.APPROVED, Status.REJECTED}, Status.APPROVED: set(), Status.REJECTED: set()}

    receivable = TenantForeignKey(Receivable, related_name="write_offs", verbose_name=_("receivable"))
    amount = models.DecimalField(_("amount"), **MONEY)
    grounds = models.TextField(_("reason"))
    recovered = models.DecimalField(_("recovered"), **MONEY, default=ZERO, editable=False)
    status = models.CharField(max_length=11, choices=Status, default=Status.IN_APPROVAL, editable=False)
    effective_date = models.DateField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(recovered__gte=0) & Q(recovered__lte=F("amount")), name="write_off_sums"
            )
        ]
        indexes = [models.Index(fields=["tenant", "status", "-id"], name="write_off_of_status")]

    def __str__(self):
        return f"{self.receivable} −{self.amount}"

    @classmethod
    def visible_q(cls, member) -> Q:
        """Whose receivable one may see, and what one was asked to approve."""
        return reach_q(member, "write_off.read", "receivable__owner") | asked_q(member, cls)

    @property
    def holder_ids(self) -> set[int]:
        return {self.created_by_id}

    @property
    def unrecovered(self) -> Decimal:
        return self.amount - self.recovered


class CreditEntry(LedgerRow):
    """The ledger of a receipt: what came, what was used, reserved, refunded; signed by its effect on `unallocated`."""

    class Type(models.TextChoices):
        RECEIPT = "RECEIPT", _("Received")
        ALLOCATE = "ALLOCATE", _("Allocated")
        UNALLOCATE = "UNALLOCATE", _("Allocation reversed")
        RESERVE = "RESERVE", _("Reserved for refund")
        RELEASE = "RELEASE", _("Reserve released")
        REFUND = "REFUND", _("Refunded")
        REVERSE = "REVERSE", _("Receipt reversed")

    receipt = TenantForeignKey("receivables.Receipt", related_name="entries")
    type = models.CharField(max_length=10, choices=Type)
    amount = models.DecimalField(**MONEY)
    source_type = models.CharField(max_length=40, blank=True)
    source_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["effective_date", "id"]


class Refund(Record):
    """Money given back; reserved on the receipt from the request on (domain.md 4.9)."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        APPROVED = "approved", _("Approved")
        PAID = "paid", _("Paid")
        REJECTED = "rejected", _("Rejected")
        CANCELLED = "cancelled", _("Cancelled")

    MOVES = {
        Status.REQUESTED: {Status.APPROVED, Status.REJECTED, Status.CANCELLED},
        Status.APPROVED: {Status.PAID, Status.CANCELLED},
        Status.PAID: set(),
        Status.REJECTED: set(),
        Status.CANCELLED: set(),
    }

    number = models.CharField(_("number"), max_length=40, editable=False)
    receipt = TenantForeignKey("receivables.Receipt", related_name="refunds", verbose_name=_("receipt"))
    amount = models.DecimalField(_("amount"), **MONEY)
    grounds = models.TextField(_("reason"))
    payee_account = models.CharField(_("to account"), max_length=100)
    other_account = models.BooleanField(_("not the payer's account"), default=False, editable=False)
    change = TenantForeignKey(ChangeOrder, null=True, related_name="+", editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED, editable=False)
    approved_by = TenantForeignKey(Member, null=True, related_name="+", editable=False)
    paid_on = models.DateField(null=True, editable=False)
    payment_ref = models.CharField(max_length=60, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "payment_ref"], condition=~Q(payment_ref=""), name="refund_payment_once",
                violation_error_message=_("A refund with this bank reference is paid already."),
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_positive"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["tenant", "status", "-id"], name="refund_of_status")]

    def __str__(self):
        return self.number

    @classmethod
    def visible_q(cls, member) -> Q:
        """Whose customer's money one may see, what one asked for, and what one was asked to approve."""
        own = reach_q(member, "refund.read", "receipt__account__owner", "created_by")
        return own | asked_q(member, cls)

    @property
    def holder_ids(self) -> set[int]:
        return {self.created_by_id}
