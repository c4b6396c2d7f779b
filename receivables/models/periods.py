"""Accounting periods, credit classes and the provision for doubtful accounts (domain.md 4.10, 6.19)."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey

from .ledger import MONEY, ZERO, Receivable

RATE = {"max_digits": 9, "decimal_places": 6}


def in_percent(rate: Decimal) -> str:
    """A share from 0 to 1 as people read it, with all its digits: 0.0225 → 2.25%."""
    text = f"{rate * 100:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


class Period(Record):
    """One month of a legal entity. A month without a row is open."""

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("period", "Open")
        SOFT_CLOSED = "soft_closed", _("Soft closed")
        CLOSED = "closed", pgettext_lazy("period", "Closed")

    MOVES = {
        Status.OPEN: {Status.SOFT_CLOSED},
        Status.SOFT_CLOSED: {Status.CLOSED, Status.OPEN},
        Status.CLOSED: {Status.OPEN},
    }

    legal_entity = TenantForeignKey(LegalEntity, related_name="periods", verbose_name=_("legal entity"))
    month = models.DateField(_("month"))
    status = models.CharField(_("status"), max_length=11, choices=Status, default=Status.OPEN, editable=False)
    reopen_requested_by = TenantForeignKey(Member, null=True, related_name="+", editable=False)
    reopen_reason = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["-month"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "legal_entity", "month"], name="period_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="period_first_of_month"),
        ]

    def __str__(self):
        return f"{self.month:%Y-%m}"


class CreditClass(Record):
    """A customer's credit: class A to D, limit in the company's currency, days to pay. Without a row: class B."""

    class Letter(models.TextChoices):
        A = "A", "A"
        B = "B", "B"
        C = "C", "C"
        D = "D", "D"

    account = TenantForeignKey(Account, related_name="+", verbose_name=_("customer"), editable=False)
    letter = models.CharField(_("class"), max_length=1, choices=Letter, default=Letter.B)
    limit = models.DecimalField(_("limit"), **MONEY, null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("days to pay"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account"], name="credit_class_once"),
            models.CheckConstraint(condition=Q(limit__isnull=True) | Q(limit__gte=0), name="credit_limit_positive"),
        ]

    def __str__(self):
        return self.letter

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "receivable.read", "account__owner")


class AgeingBuckets(Record):
    """Where a company's ageing buckets end, in days overdue; one row at most, 0/30/60/90 without it."""

    bounds = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="ageing_buckets_once")]


class ProvisionMatrix(Record):
    """Rates in force from a day: {"B": ["0.005", "0.02", …]} by class and bucket; `bounds` end the buckets (days)."""

    legal_entity = TenantForeignKey(LegalEntity, related_name="+", verbose_name=_("legal entity"))
    valid_from = models.DateField(_("in force from"))
    bounds = models.JSONField(default=list, editable=False)
    rates = models.JSONField(default=dict)

    class Meta:
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "legal_entity", "valid_from"], name="provision_matrix_once",
                violation_error_message=_("Rates that begin on this day exist already. Choose another day."),
            )
        ]  # fmt: skip

    def __str__(self):
        return f"{self.valid_from}"

    @property
    def percents(self) -> dict[str, list[str]]:
        """The rates as people read them."""
        return {letter: [in_percent(Decimal(rate)) for rate in row] for letter, row in sorted(self.rates.items())}


class Assessment(Record):
    """单项计提: a receivable judged on its own from a day on; it leaves the matrix. The latest one counts."""

    receivable = TenantForeignKey(Receivable, related_name="assessments", verbose_name=_("receivable"))
    valid_from = models.DateField(_("from"))
    rate = models.DecimalField(_("share not expected to come in"), **RATE, null=True, blank=True)
    grounds = models.TextField(_("reason"))

    class Meta:
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rate__isnull=True) | Q(rate__gte=0, rate__lte=1), name="assessment_rate_is_a_share"
            )
        ]
        indexes = [models.Index(fields=["tenant", "receivable", "-valid_from", "-id"], name="assessment_of_receivable")]

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "provision.read", "receivable__owner")

    @property
    def percent(self) -> str:
        return "" if self.rate is None else in_percent(self.rate)


class ProvisionRun(Record):
    """closing = opening + charge − written off + recovered (INV-R15); one posted run per entity and month."""

    legal_entity = TenantForeignKey(LegalEntity, related_name="+", verbose_name=_("legal entity"))
    month = models.DateField(_("month"))
    as_of = models.DateField()
    matrix = TenantForeignKey(ProvisionMatrix, null=True, related_name="+")
    opening = models.DecimalField(**MONEY, default=ZERO)
    closing = models.DecimalField(**MONEY)
    written_off = models.DecimalField(**MONEY)
    recovered = models.DecimalField(**MONEY)
    charge = models.DecimalField(**MONEY)
    is_posted = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["-month", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "legal_entity", "month"], condition=Q(is_posted=True), name="provision_posted_once",
                violation_error_message=_("The provision of this month is posted already."),
            ),
            models.CheckConstraint(
                condition=Q(closing=models.F("opening") + models.F("charge") - models.F("written_off")
                            + models.F("recovered")),
                name="provision_rolls_forward",
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.legal_entity} {self.month:%Y-%m}"


class ProvisionLine(AppendOnlyModel):
    """One class and bucket of a run, or one receivable judged on its own (`receivable` set, bucket empty)."""

    run = TenantForeignKey(ProvisionRun, related_name="lines")
    credit_class = models.CharField(max_length=1)
    bucket = models.CharField(max_length=10, blank=True)
    receivable = TenantForeignKey(Receivable, null=True, related_name="+")
    balance = models.DecimalField(**MONEY)
    rate = models.DecimalField(**RATE)
    amount = models.DecimalField(**MONEY)

    class Meta:
        ordering = ["id"]

    @property
    def percent(self) -> str:
        return in_percent(self.rate)
