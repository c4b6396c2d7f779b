"""Bank accounts, statements and what came in."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts.models import Contract
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey

from .ledger import MONEY, ZERO


class BankAccount(Record):
    legal_entity = TenantForeignKey(LegalEntity, related_name="bank_accounts", verbose_name=_("legal entity"))
    name = models.CharField(_("name"), max_length=100)
    bank = models.CharField(_("bank"), max_length=100, blank=True)
    number = models.CharField(_("account number"), max_length=40)
    currency = models.CharField(max_length=3, default="CNY")
    profile = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="bank_account_once")]

    def __str__(self):
        return self.name


class StatementFile(Record):
    """An imported bank statement; the same file is never imported twice (WC-26)."""

    bank_account = TenantForeignKey(BankAccount, related_name="statements", verbose_name=_("bank account"))
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    lines_new = models.PositiveIntegerField(default=0)
    lines_known = models.PositiveIntegerField(default=0)
    gaps = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "bank_account", "sha256"], name="statement_once",
                violation_error_message=_("This file has been imported already."),
            )
        ]  # fmt: skip


class BankLine(AppendOnlyModel):
    """One line of a statement as the bank wrote it; whether it is matched is derived from receipts."""

    bank_account = TenantForeignKey(BankAccount, related_name="lines")
    statement = TenantForeignKey(StatementFile, related_name="lines")
    row_key = models.CharField(max_length=64)
    txn_no = models.CharField(max_length=60, blank=True)
    day = models.DateField()
    time = models.CharField(max_length=20, blank=True)
    credit = models.DecimalField(**MONEY, default=ZERO)
    debit = models.DecimalField(**MONEY, default=ZERO)
    running_balance = models.DecimalField(**MONEY, null=True)
    counterparty = models.CharField(max_length=200, blank=True)
    counterparty_account = models.CharField(max_length=60, blank=True)
    counterparty_bank = models.CharField(max_length=200, blank=True)
    summary = models.CharField(max_length=200, blank=True)
    memo = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-day", "-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "bank_account", "row_key"], name="bank_line_once")]
        indexes = [models.Index(fields=["tenant", "bank_account", "-day", "-id"], name="bank_line_by_day")]


class Receipt(Record):
    """收款单: money that came in. amount = allocated + reserved + refunded + unallocated (INV-R3)."""

    class Method(models.TextChoices):
        TRANSFER = "transfer", _("Bank transfer")
        CASH = "cash", _("Cash")
        CHEQUE = "cheque", _("Cheque")
        DRAFT = "bank_draft", _("Bank acceptance bill")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        POSTED = "posted", _("Posted")
        REVERSED = "reversed", _("Reversed")

    MOVES = {Status.DRAFT: {Status.POSTED}, Status.POSTED: {Status.REVERSED}, Status.REVERSED: set()}

    number = models.CharField(_("number"), max_length=40, editable=False)
    account = TenantForeignKey(Account, null=True, blank=True, related_name="+", verbose_name=_("customer"))
    payer = models.CharField(_("payer"), max_length=200, blank=True)
    legal_entity = TenantForeignKey(LegalEntity, related_name="+", verbose_name=_("legal entity"))
    contract = TenantForeignKey(Contract, null=True, blank=True, related_name="+", verbose_name=_("for contract"))
    method = models.CharField(_("method"), max_length=10, choices=Method, default=Method.TRANSFER)
    currency = models.CharField(max_length=3, default="CNY", editable=False)
    amount = models.DecimalField(_("amount"), **MONEY)
    received_on = models.DateField(_("received on"))
    bank_line = TenantForeignKey(BankLine, null=True, related_name="receipts", editable=False)
    note = models.CharField(_("note"), max_length=300, blank=True)
    allocated = models.DecimalField(**MONEY, default=ZERO, editable=False)
    reserved = models.DecimalField(**MONEY, default=ZERO, editable=False)
    refunded = models.DecimalField(**MONEY, default=ZERO, editable=False)
    unallocated = models.GeneratedField(
        expression=F("amount") - F("allocated") - F("reserved") - F("refunded"),
        output_field=models.DecimalField(**MONEY), db_persist=True,
    )  # fmt: skip
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT, editable=False)
    posted_by = TenantForeignKey(Member, null=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-received_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="receipt_number_once"),
            # INV-R3
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(allocated__gte=0) & Q(reserved__gte=0) & Q(refunded__gte=0)
                & Q(allocated__lte=F("amount") - F("reserved") - F("refunded")),
                name="receipt_sums",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant", "account", "-received_on"], name="receipt_of_account"),
            models.Index(fields=["tenant", "status", "-id"], name="receipt_of_status"),
        ]

    def __str__(self):
        return self.number

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receipt.read", "account__owner")


class PayerAlias(Record):
    """Who pays for whom: learned at the desk, or an approved third-party payer (INV-R6)."""

    account = TenantForeignKey(Account, related_name="+")
    name = models.CharField(max_length=200, blank=True)
    name_key = models.CharField(max_length=200, blank=True)
    number = models.CharField(max_length=60, blank=True)
    is_third_party = models.BooleanField(default=False)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account", "name_key", "number"], name="payer_alias_once")
        ]
        indexes = [
            models.Index(fields=["tenant", "number"], name="payer_by_number"),
            models.Index(fields=["tenant", "name_key"], name="payer_by_name"),
        ]
