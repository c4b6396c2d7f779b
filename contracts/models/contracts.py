"""What was signed, every version of it, and the changes in between (domain.md 3.5, 4.4)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.activities.models import Attachment
from crm.core.approvals.subjects import asked_q
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey
from opportunities.models import Opportunity

from .prices import MONEY, NOT_NEGATIVE, QUANTITY, Line
from .quotes import Quote, Terms
from .templates import ContractTemplate


class Clause(models.TextChoices):
    """How far the two sides are with one clause."""

    OPEN = "open", _("To be settled")
    AGREED = "agreed", _("As our standard")
    DEVIATES = "deviates", _("Differs")


class Contract(Terms, Record):
    """What a customer signed. Amounts are tax-inclusive; everything collected or delivered is derived."""

    class Kind(models.TextChoices):
        FIXED = "fixed", _("Fixed amount")
        FRAMEWORK = "framework", _("Framework")
        CONSTRUCTION = "construction", _("Construction")
        SERVICE = "service", _("Service")
        SUBSCRIPTION = "subscription", _("Subscription")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_APPROVAL = "in_approval", _("In approval")
        APPROVED = "approved", _("Approved")
        SIGNED = "signed", _("Signed")
        EFFECTIVE = "effective", _("Effective")
        PERFORMING = "performing", _("Being performed")
        COMPLETED = "completed", _("Completed")
        CLOSED = "closed", _("Closed")
        EXPIRED = "expired", _("Expired")
        TERMINATED = "terminated", _("Terminated")

    LIVE = (Status.EFFECTIVE, Status.PERFORMING)
    # Kept in full by the Events, but no sentences for a timeline.
    UNTOLD_COLUMNS = ("clauses", "signed_hash")
    MOVES = {
        Status.DRAFT: {Status.IN_APPROVAL},
        Status.IN_APPROVAL: {Status.APPROVED, Status.DRAFT},
        Status.APPROVED: {Status.SIGNED, Status.DRAFT},
        Status.SIGNED: {Status.EFFECTIVE},
        Status.EFFECTIVE: {Status.PERFORMING, Status.TERMINATED},
        Status.PERFORMING: {Status.COMPLETED, Status.TERMINATED, Status.EXPIRED},
        Status.COMPLETED: {Status.CLOSED},
        Status.CLOSED: set(),
        Status.EXPIRED: {Status.CLOSED},
        Status.TERMINATED: {Status.CLOSED},
    }

    class Handover(models.TextChoices):
        NONE = "", _("Not yet")
        PENDING = "pending", _("Offered to delivery")
        ACCEPTED = "accepted", _("Accepted by delivery")
        RETURNED = "returned", _("Returned by delivery")

    number = models.CharField(_("number"), max_length=40, blank=True, editable=False)
    title = models.CharField(_("title"), max_length=200)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.FIXED)
    account = TenantForeignKey(Account, related_name="contracts", verbose_name=_("customer"))
    legal_entity = TenantForeignKey(LegalEntity, related_name="+", verbose_name=_("legal entity"))
    opportunity = TenantForeignKey(
        Opportunity, null=True, blank=True, related_name="contracts", verbose_name=_("opportunity")
    )
    quote = TenantForeignKey(Quote, null=True, blank=True, related_name="contracts", editable=False)
    template = TenantForeignKey(
        ContractTemplate, null=True, blank=True, related_name="+", editable=False, verbose_name=_("template")
    )
    renewal_of = TenantForeignKey(
        "self", null=True, blank=True, related_name="renewals", editable=False, verbose_name=_("renews")
    )
    base_amount = models.DecimalField(_("signed amount"), **MONEY, default=0, editable=False)
    effective_amount = models.DecimalField(_("effective amount"), **MONEY, default=0, editable=False)
    currency = models.CharField(max_length=3, default="CNY", editable=False)
    sign_date = models.DateField(_("signed on"), null=True, blank=True)
    start_date = models.DateField(_("from"), null=True, blank=True)
    end_date = models.DateField(_("until"), null=True, blank=True)
    effective_on = models.DateField(_("in force since"), null=True, editable=False)
    # What the contract must settle: [{"clause", "text", "status": open | agreed | deviates, "note"}].
    clauses = models.JSONField(default=list, blank=True, editable=False)
    # The signed copy and its hash, or where the paper lies.
    signed_file = TenantForeignKey(Attachment, null=True, related_name="+", editable=False)
    signed_hash = models.CharField(max_length=64, blank=True, editable=False)
    on_paper = models.CharField(_("paper on file"), max_length=300, blank=True, editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False, verbose_name=_("owner"))
    handover = models.CharField(max_length=8, choices=Handover, blank=True, default="", editable=False)
    handover_reason = models.CharField(max_length=300, blank=True, editable=False)
    delivery_manager = TenantForeignKey(Member, null=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], condition=~Q(number=""), name="contract_number_once"),
            models.CheckConstraint(condition=Q(effective_amount__gte=0), name="contract_amount_not_negative"),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "-id"], name="contract_of_status"),
            models.Index(fields=["tenant", "owner", "-id"], name="contract_of_owner"),
            models.Index(fields=["tenant", "account", "-id"], name="contract_of_account"),
            models.Index(fields=["tenant", "end_date"], name="contract_by_end", condition=Q(end_date__isnull=False)),
        ]

    def __str__(self):
        return f"{self.number} {self.title}".strip()

    @property
    def holder_ids(self) -> set[int]:
        """The owner, and who delivers it."""
        return {self.owner_id, self.delivery_manager_id} - {None}

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    @property
    def is_nonstandard(self) -> bool:
        """Said by its author, or told by a clause that deviates."""
        return self.nonstandard or any(item.get("status") == Clause.DEVIATES for item in self.clauses)

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "contract.read", "owner", "delivery_manager") | asked_q(member, cls)


class ContractLine(Line):
    """A position as it stands now; older positions are in ContractVersion."""

    contract = TenantForeignKey(Contract, models.CASCADE, related_name="lines")
    over_delivery = models.DecimalField(_("may be exceeded by"), **QUANTITY, default=0, validators=NOT_NEGATIVE)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["order", "id"]


class ContractVersion(AppendOnlyModel):
    """The contract as it was agreed: never changed, hashed (INV-C1)."""

    contract = TenantForeignKey(Contract, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    snapshot = models.JSONField()
    hash = models.CharField(max_length=64)
    amount = models.DecimalField(**MONEY)
    effective_at = models.DateTimeField()
    change = TenantForeignKey("ChangeOrder", null=True, related_name="+")

    class Meta:
        ordering = ["contract_id", "number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "contract", "number"], name="contract_version_once")]


class ChangeOrder(Record):
    """A change of a signed contract, with its effect on money spelled out (domain.md 6.18)."""

    class Kind(models.TextChoices):
        REDUCE = "reduce", _("Reduction")
        INCREASE = "increase", _("Increase")
        CANCEL = "cancel", _("Termination")
        EXTEND = "extend", _("Extension")
        TERMS = "terms", _("Terms")

    class Excess(models.TextChoices):
        CREDIT = "CREDIT", _("Keep as the customer's credit")
        OFFSET = "OFFSET_SAME_CONTRACT", _("Use for open receivables of this contract")
        REFUND = "REFUND", _("Refund")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_APPROVAL = "in_approval", _("In approval")
        APPROVED = "approved", _("Approved")
        APPLIED = "applied", _("Applied")
        VOID = "void", _("Void")

    UNTOLD_COLUMNS = ("lines", "effects", "terms", "preview")
    MOVES = {
        Status.DRAFT: {Status.IN_APPROVAL, Status.VOID},
        Status.IN_APPROVAL: {Status.DRAFT, Status.APPROVED},
        Status.APPROVED: {Status.APPLIED, Status.VOID},
        Status.APPLIED: set(),
        Status.VOID: set(),
    }

    contract = TenantForeignKey(Contract, related_name="changes")
    number = models.PositiveSmallIntegerField(_("change no."), editable=False)
    base_revision = models.PositiveIntegerField(editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    grounds = models.TextField(_("reason"))
    delta = models.DecimalField(_("change"), **MONEY, default=0)
    # [{"line": id or null, "quantity": "…", "unit_price": "…", "amount": "…", …}]: the lines as they shall be.
    lines = models.JSONField(default=list, blank=True)
    # [{"receivable": id, "delta": "-6000.00", "due_date": "…"}]: Σ = delta; a row without a receivable opens one
    # ({"receivable": null, "delta", "kind", "due_date"}). Read by whoever registered in contracts.effects.
    effects = models.JSONField(default=list, blank=True)
    excess = models.CharField(_("money freed"), max_length=22, choices=Excess, default=Excess.CREDIT)
    # The texts of the contract's terms that change: {"payment_terms": "…"}.
    terms = models.JSONField(default=dict, blank=True)
    refund_account = models.CharField(_("refund to account"), max_length=100, blank=True)
    new_end_date = models.DateField(_("new end"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False)
    # The preview as it was shown when the change was submitted, then as it was applied.
    preview = models.JSONField(default=list, blank=True, editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False)
    applied_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "contract", "number"], name="change_number_once")]

    def __str__(self):
        return f"{self.contract} · {self.get_kind_display()} {self.number}"

    @property
    def holder_ids(self) -> set[int]:
        """Who drafted it, and whose contract it is."""
        return {self.owner_id, self.contract.owner_id}

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "contract.read", "owner", "contract__owner") | asked_q(member, cls)
