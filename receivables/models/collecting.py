"""催收: reminders before and after the due date, promises, disputes (domain.md 6.20)."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey

from .ledger import MONEY, Receivable


class DunningPolicy(Record):
    """The steps for a credit class: [{level, days, recipients: [owner, customer, manager, finance], fee_rate}]."""

    name = models.CharField(_("name"), max_length=100)
    credit_class = models.CharField(_("credit class"), max_length=1, blank=True)
    steps = models.JSONField(default=list)
    min_gap_days = models.PositiveSmallIntegerField(_("days between two notices"), default=3)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "credit_class"], name="dunning_policy_once")]

    def __str__(self):
        return self.name


class DunningNotice(AppendOnlyModel):
    """One notice of one level in one cycle of a receivable (INV-R14)."""

    receivable = TenantForeignKey(Receivable, related_name="notices")
    cycle = models.PositiveSmallIntegerField()
    level = models.SmallIntegerField()
    day = models.DateField()
    balance = models.DecimalField(**MONEY)
    fee = models.DecimalField(**MONEY, default=0)
    recipients = models.JSONField(default=list)
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "receivable", "cycle", "level"], name="dunning_notice_once")
        ]


class PromiseToPay(Record):
    receivable = TenantForeignKey(Receivable, related_name="promises")
    promised_for = models.DateField(_("promised for"))
    amount = models.DecimalField(_("amount"), **MONEY)
    note = models.CharField(_("note"), max_length=300, blank=True)
    by = TenantForeignKey(Member, related_name="+", editable=False)

    class Meta:
        ordering = ["-id"]
