"""Accounting periods, credit classes and the provision for doubtful accounts (domain.md 4.10, 6.19)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey

from .ledger import MONEY


class Period(Record):
    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        SOFT_CLOSED = "soft_closed", _("Soft closed")
        CLOSED = "closed", _("Closed")

    MOVES = {
        Status.OPEN: {Status.SOFT_CLOSED},
        Status.SOFT_CLOSED: {Status.CLOSED, Status.OPEN},
        Status.CLOSED: {Status.OPEN},
    }

    legal_entity = TenantForeignKey(LegalEntity, related_name="periods")
    month = models.DateField(_("month"))
    status = models.CharField(max_length=11, choices=Status, default=Status.OPEN, editable=False)
    reopen_requested_by = TenantForeignKey(Member, null=True, related_name="+", editable=False)
    reopen_reason = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["-month"]
        constraints = [models.UniqueConstraint(fields=["tenant", "legal_entity", "month"], name="period_once")]

    def __str__(self):
        return f"{self.month:%Y-%m}"


class CreditClass(Record):
    """A customer's credit: class A to D, limit and days."""

    account = TenantForeignKey(Account, related_name="+")
    letter = models.CharField(_("class"), max_length=1, default="B")
    limit = models.DecimalField(_("limit"), **MONEY, null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("days"), null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "account"], name="credit_class_once")]


class ProvisionMatrix(Record):
    """Rates in force from a day: {"B": ["0.005", "0.02", …]} by class and bucket."""

    legal_entity = TenantForeignKey(LegalEntity, related_name="+")
    valid_from = models.DateField(_("from"))
    rates = models.JSONField(default=dict)

    class Meta:
        ordering = ["-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "legal_entity", "valid_from"], name="provision_matrix_once")
        ]


class ProvisionRun(Record):
    """closing = opening + charge − written off + recovered (INV-R15); one posted run per entity and month."""

    legal_entity = TenantForeignKey(LegalEntity, related_name="+")
    month = models.DateField()
    as_of = models.DateField()
    opening = models.DecimalField(**MONEY)
    closing = models.DecimalField(**MONEY)
    written_off = models.DecimalField(**MONEY)
    recovered = models.DecimalField(**MONEY)
    charge = models.DecimalField(**MONEY)
    is_posted = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["-month", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "legal_entity", "month"], condition=Q(is_posted=True), name="provision_posted_once"
            )
        ]


class ProvisionLine(AppendOnlyModel):
    run = TenantForeignKey(ProvisionRun, related_name="lines")
    credit_class = models.CharField(max_length=1)
    bucket = models.CharField(max_length=10)
    balance = models.DecimalField(**MONEY)
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    amount = models.DecimalField(**MONEY)
