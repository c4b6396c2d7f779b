"""Bank accounts, statements and what came in."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account
from contracts.models import Contract
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey

from .ledger import MONEY, ZERO


class BankAccount(Record):
    """An account of ours. `profile` remembers how its statements are laid out: {field: header}."""

    legal_entity = TenantForeignKey(LegalEntity, related_name="bank_accounts", verbose_name=_("legal entity"))
    name = models.CharField(_("name"), max_length=100)
    bank = models.CharField(_("bank"), max_length=100, blank=True)
    number = models.CharField(_("account number"), max_length=40)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    is_active = models.BooleanField(_("in use"), default=True)
    profile = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"], name="bank_account_once",
                violation_error_message=_("This account number is entered already."),
            )
        ]  # fmt: skip

    def __str__(self):
        return self.name


def stored_statement(statement, name: str) -> str:
    """`<tenant>/statements/<uuid>`: what the user called the file is kept in a column, not on the disk."""
    return f"{statement.tenant_id}/statements/{uuid.uuid4().hex}"


class StatementFile(Record):
    """A bank statement, kept as it came; the same file is never imported twice (WC-26)."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("To be imported")
        IMPORTED = "imported", pgettext_lazy("statement", "Imported")

    MOVES = {Status.UPLOADED: {Status.IMPORTED}, Status.IMPORTED: set()}

    bank_account = TenantForeignKey(BankAccount, related_name="statements", verbose_name=_("bank account"))
    name = models.CharField(_("file"), max_length=200)
    file = models.FileField(upload_to=stored_statement, max_length=255, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.UPLOADED, editable=False)
    # Field → header, as chosen for this file; empty: recognised.
    columns = models.JSONField(default=dict, editable=False)
    lines_new = models.PositiveIntegerField(_("new lines"), default=0, editable=False)
    lines_known = models.PositiveIntegerField(_("known lines"), default=0, editable=False)
    first_day = models.DateField(null=True, editable=False)
    last_day = models.DateField(null=True, editable=False)
    # Rows whose running balance does not follow: {"row", "expected", "found"}, amounts as text.
    gaps = models.JSONField(default=list, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "bank_account", "sha256"], name="statement_once",
                violation_error_message=_("This file has been imported already."),
            )
        ]  # fmt: skip

    def __str__(self):
        return self.name


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

    def __str__(self):
        return f"{self.day} {self.counterparty}".strip()

    @property
    def text(self) -> str:
        """What the payer and the banks wrote about the payment."""
        return " ".join(part for part in (self.summary, self.memo) if part)


class Incoming(Record):
    """What of a bank line's credit has been booked as receipts (INV-R10); set aside when no customer paid it.

    The line itself never changes; this row is what receipts of the line lock.
    """

    line = TenantForeignKey(BankLine, related_name="incoming", editable=False)
    bank_account = TenantForeignKey(BankAccount, related_name="+", editable=False)
    day = models.DateField(editable=False)
    amount = models.DecimalField(**MONEY, editable=False)
    booked = models.DecimalField(**MONEY, default=ZERO, editable=False)
    left = models.GeneratedField(
        expression=F("amount") - F("booked"), output_field=models.DecimalField(**MONEY), db_persist=True
    )
    set_aside = models.BooleanField(_("set aside"), default=False, editable=False)
    grounds = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        ordering = ["day", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "line"], name="incoming_once"),
            models.CheckConstraint(condition=Q(booked__gte=0) & Q(booked__lte=F("amount")), name="incoming_sums"),
        ]
        indexes = [
            models.Index(fields=["tenant", "day", "id"], name="incoming_open", condition=Q(left__gt=0, set_aside=False))
        ]

    def __str__(self):
        return str(self.line)


class DeskRules(Record):
    """How a company matches: what is posted by itself, how small a difference may be dropped (domain.md 6.16)."""

    class Advances(models.TextChoices):
        CONTRACT = "contract", _("of the same contract")
        CUSTOMER = "customer", _("of the same customer")

    posts_itself = models.BooleanField(_("Post what is certain without asking"), default=True)
    small_difference = models.DecimalField(
        _("small difference up to"), max_digits=6, decimal_places=2, default=ZERO,
        validators=[MinValueValidator(ZERO), MaxValueValidator(100)],
    )  # fmt: skip
    advances = models.CharField(
        _("advances pay new receivables"), max_length=8, choices=Advances, default=Advances.CONTRACT
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="desk_rules_once")]

    def __str__(self):
        return str(_("Rules of the reconcile desk"))

    @classmethod
    def of(cls, tenant) -> "DeskRules":
        """The company's rules, or the defaults while nobody has changed them."""
        return cls.objects.of(tenant).first() or cls(tenant_id=getattr(tenant, "pk", tenant))


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
            models.Index(fields=["tenant", "bank_line"], name="receipt_of_line"),
            models.Index(
                fields=["tenant", "account", "id"],
                name="receipt_advance",
                condition=Q(status="posted", unallocated__gt=0),
            ),
        ]

    def __str__(self):
        return self.number

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receipt.read", "account__owner")


class PayerAlias(Record):
    """Who pays for whom: learned at the desk, or an approved third-party payer (INV-R6)."""

    account = TenantForeignKey(Account, related_name="+", verbose_name=_("customer"))
    name = models.CharField(_("payer"), max_length=200, blank=True)
    name_key = models.CharField(max_length=200, blank=True, editable=False)
    number = models.CharField(_("account number"), max_length=60, blank=True)
    is_third_party = models.BooleanField(_("pays for somebody else"), default=False)
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account", "name_key", "number"], name="payer_alias_once")
        ]
        indexes = [
            models.Index(fields=["tenant", "number"], name="payer_by_number"),
            models.Index(fields=["tenant", "name_key"], name="payer_by_name"),
        ]

    def __str__(self):
        return self.name or self.number
