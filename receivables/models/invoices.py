"""发票: requested, issued blue, corrected red; never over-invoiced (domain.md 4.8, INV-R7, INV-R8)."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account
from contracts.models import ChangeOrder, Contract, TaxCode
from crm.core.entities.models import LegalEntity
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, OwningTenant, TenantForeignKey

from .ledger import MONEY, ZERO, LedgerRow, Receivable


class Kind(models.TextChoices):
    SPECIAL = "special", _("Special VAT invoice")
    ORDINARY = "ordinary", _("Ordinary invoice")


class Medium(models.TextChoices):
    DIGITAL = "digital", _("Digital")
    PAPER = "paper", _("Paper")


class Reason(models.TextChoices):
    """红冲原因: why a red invoice is issued."""

    MISTAKE = "01", _("Issued by mistake")
    RETURN = "02", _("Goods returned")
    ENDED = "03", _("Service ended")
    REDUCTION = "04", _("Sales allowance")


class Confirmation(models.TextChoices):
    """红字信息确认单: where the confirmation of a red invoice stands; only 01 and 04 may be issued."""

    NONE = "", _("Not started")
    NOT_NEEDED = "01", _("01 · no confirmation needed")
    SELLER = "02", _("02 · entered by the seller, the buyer confirms")
    BUYER = "03", _("03 · entered by the buyer, the seller confirms")
    BOTH = "04", _("04 · confirmed by both")
    BUYER_DENIED = "05", _("05 · denied by the buyer")
    SELLER_DENIED = "06", _("06 · denied by the seller")
    EXPIRED = "07", _("07 · not confirmed within 72 hours")
    WITHDRAWN = "08", _("08 · withdrawn by who entered it")
    UNDONE = "09", _("09 · withdrawn after the confirmation")


class InvoiceRequest(Record):
    """开票申请, blue or red, for one receivable; requests of one `group` are issued as one document."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        APPROVED = "approved", _("Approved")
        ISSUING = "issuing", _("Being issued")
        ISSUED = "issued", _("Issued")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")

    MOVES = {
        Status.REQUESTED: {Status.APPROVED, Status.ISSUED, Status.REJECTED},
        Status.APPROVED: {Status.ISSUING, Status.ISSUED, Status.REJECTED},
        Status.ISSUING: {Status.ISSUED, Status.FAILED},
        Status.FAILED: {Status.ISSUING, Status.ISSUED, Status.REJECTED},
        Status.ISSUED: set(),
        Status.REJECTED: set(),
    }
    WAITING = (Status.REQUESTED, Status.APPROVED, Status.ISSUING, Status.FAILED)
    Confirmation = Confirmation
    Reason = Reason
    ISSUABLE = (Confirmation.NOT_NEEDED, Confirmation.BOTH)

    contract = TenantForeignKey(Contract, related_name="+")
    receivable = TenantForeignKey(Receivable, related_name="invoice_requests")
    group = models.UUIDField(default=uuid.uuid4, editable=False)
    amount = models.DecimalField(_("amount"), **MONEY)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.SPECIAL)
    medium = models.CharField(_("medium"), max_length=7, choices=Medium, default=Medium.DIGITAL)
    # {name, uscc, address, bank}: as it shall stand on the invoice.
    buyer = models.JSONField(default=dict, blank=True)
    tax_code = TenantForeignKey(TaxCode, null=True, blank=True, related_name="+", verbose_name=_("tax"))
    note = models.CharField(_("note"), max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED, editable=False)
    # What the tax bureau's channel knows it by: the same again at each retry.
    serial = models.CharField(max_length=40, blank=True, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)
    invoice = TenantForeignKey("Invoice", null=True, related_name="requests", editable=False)
    is_red = models.BooleanField(default=False, editable=False)
    blue = TenantForeignKey("Invoice", null=True, related_name="red_requests", editable=False)
    # [{"line": id of a blue line, "gross": "…"}]: which positions a red takes back; empty: in proportion.
    lines = models.JSONField(default=list, blank=True, editable=False)
    reason_code = models.CharField(_("reason"), max_length=2, choices=Reason, blank=True)
    confirmation = models.CharField(max_length=2, choices=Confirmation, blank=True, default="", editable=False)
    confirmation_due = models.DateTimeField(null=True, editable=False)
    change = TenantForeignKey(ChangeOrder, null=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="invoice_request_positive"),
            # INV-R8
            models.CheckConstraint(
                condition=Q(is_red=False) | Q(is_red=True, blue__isnull=False)
                & (~Q(status="issued") | Q(confirmation__in=["01", "04"])),
                name="invoice_request_red",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant", "status", "id"], name="invoice_request_of_status"),
            models.Index(fields=["tenant", "group"], name="invoice_request_of_group"),
        ]

    def __str__(self):
        return f"{self.receivable} · {self.amount}"

    @property
    def holder_ids(self) -> set[int]:
        return self.contract.holder_ids

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "invoice.read", "contract__owner")


class Invoice(Record):
    """An issued document: never edited or deleted. A red one has negative amounts and names its blue."""

    Kind = Kind
    Medium = Medium

    tenant = OwningTenant(append_only=True)
    number = models.CharField(_("number"), max_length=20)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.SPECIAL)
    medium = models.CharField(_("medium"), max_length=7, choices=Medium, default=Medium.DIGITAL)
    is_red = models.BooleanField(default=False, editable=False)
    blue = TenantForeignKey("self", null=True, related_name="reds", editable=False)
    date = models.DateField(_("date"))
    account = TenantForeignKey(Account, related_name="+", editable=False)
    contract = TenantForeignKey(Contract, related_name="+", editable=False)
    legal_entity = TenantForeignKey(LegalEntity, related_name="+", editable=False)
    buyer = models.JSONField(default=dict, editable=False)
    net = models.DecimalField(**MONEY, editable=False)
    tax = models.DecimalField(**MONEY, editable=False)
    gross = models.DecimalField(**MONEY, editable=False)

    class Meta:
        ordering = ["-date", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"], name="invoice_number_once",
                violation_error_message=_("An invoice with this number exists already."),
            ),
            models.CheckConstraint(
                condition=Q(is_red=False, blue__isnull=True, gross__gt=0)
                | Q(is_red=True, blue__isnull=False, gross__lt=0),
                name="invoice_colour",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant", "contract", "-date"], name="invoice_of_contract"),
            models.Index(fields=["tenant", "-date", "-id"], name="invoice_by_date"),
        ]

    def __str__(self):
        return self.number

    @property
    def holder_ids(self) -> set[int]:
        return self.contract.holder_ids

    @property
    def is_void(self) -> bool:
        return bool(self.voids.all())

    @property
    def colour(self):
        return pgettext_lazy("invoice", "Red") if self.is_red else pgettext_lazy("invoice", "Blue")

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "invoice.read", "contract__owner")


class InvoiceVoid(LedgerRow):
    """作废 of a paper invoice, in the month of its issue only."""

    invoice = TenantForeignKey(Invoice, related_name="voids")
    grounds = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "invoice"], name="invoice_void_once")]


class InvoiceLine(AppendOnlyModel):
    invoice = TenantForeignKey(Invoice, related_name="lines")
    blue_line = TenantForeignKey("self", null=True, related_name="reds")
    description = models.CharField(max_length=300)
    tax_code = TenantForeignKey(TaxCode, related_name="+")
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    net = models.DecimalField(**MONEY)
    tax = models.DecimalField(**MONEY)
    gross = models.DecimalField(**MONEY)

    class Meta:
        ordering = ["id"]


class InvoiceShare(AppendOnlyModel):
    """How much of an invoice bills which receivable (n:m)."""

    invoice = TenantForeignKey(Invoice, related_name="shares")
    receivable = TenantForeignKey(Receivable, related_name="invoice_shares")
    amount = models.DecimalField(**MONEY, default=ZERO)
