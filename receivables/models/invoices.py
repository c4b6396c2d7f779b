"""发票: requested, issued blue, corrected red; never over-invoiced (domain.md 4.8, INV-R7, INV-R8)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts.models import ChangeOrder, Contract, TaxCode
from crm.core.entities.models import LegalEntity
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey

from .ledger import MONEY, ZERO, Receivable


class InvoiceRequest(Record):
    """开票申请, blue or red. What is asked for is kept per receivable."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        ISSUED = "issued", _("Issued")
        REJECTED = "rejected", _("Rejected")

    MOVES = {Status.REQUESTED: {Status.ISSUED, Status.REJECTED}, Status.ISSUED: set(), Status.REJECTED: set()}

    contract = TenantForeignKey(Contract, related_name="+")
    receivable = TenantForeignKey(Receivable, related_name="invoice_requests")
    amount = models.DecimalField(_("amount"), **MONEY)
    is_red = models.BooleanField(default=False, editable=False)
    blue = TenantForeignKey("Invoice", null=True, related_name="+", editable=False)
    reason_code = models.CharField(max_length=2, blank=True)
    confirmation = models.CharField(max_length=2, blank=True, editable=False)
    confirmation_due = models.DateTimeField(null=True, editable=False)
    change = TenantForeignKey(ChangeOrder, null=True, related_name="+", editable=False)
    kind = models.CharField(_("kind"), max_length=8, default="special")
    note = models.CharField(_("note"), max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="invoice_request_positive")]

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "invoice.read", "contract__owner")


class Invoice(Record):
    """An issued document: never edited or deleted. A red one has negative amounts and names its blue."""

    class Kind(models.TextChoices):
        SPECIAL = "special", _("Special VAT invoice")
        ORDINARY = "ordinary", _("Ordinary invoice")

    class Medium(models.TextChoices):
        DIGITAL = "digital", _("Digital")
        PAPER = "paper", _("Paper")

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
            )
        ]  # fmt: skip
        indexes = [models.Index(fields=["tenant", "contract", "-date"], name="invoice_of_contract")]

    def __str__(self):
        return self.number

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "invoice.read", "contract__owner")


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
