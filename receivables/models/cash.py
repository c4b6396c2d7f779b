"""What is measured and forecast of cash (D15): customers' real delay, usual terms, and each day's forecast."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey, TenantModel

from .ledger import MONEY, Receivable

SHARE = {"max_digits": 9, "decimal_places": 6}


class PaymentDelay(TenantModel):
    """Median days from due date to payment, of a customer or (no account) of the company; measured anew each night."""

    account = TenantForeignKey(Account, null=True, related_name="payment_delays")
    measured_on = models.DateField()
    days = models.IntegerField()
    sample = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account"], name="payment_delay_once", nulls_distinct=False)
        ]

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "cash.read", "account__owner")


class UsualTerm(TenantModel):
    """One part of the usual plan: from `share_from` to `share_to` of the amount, due `days` after signing."""

    kind = models.CharField(max_length=10, choices=Receivable.Kind)
    measured_on = models.DateField()
    days = models.IntegerField()
    share_from = models.DecimalField(**SHARE)
    share_to = models.DecimalField(**SHARE)
    sample = models.PositiveIntegerField()

    class Meta:
        ordering = ["days", "id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="usual_term_once")]

    @property
    def share(self):
        return self.share_to - self.share_from


class CashSnapshot(AppendOnlyModel):
    """The forecast of one day was kept: once, and never again for that day."""

    taken_on = models.DateField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-taken_on"]
        constraints = [models.UniqueConstraint(fields=["tenant", "taken_on"], name="cash_snapshot_once")]


class Source(models.TextChoices):
    RECEIVABLE = "receivable", _("Receivables")
    OPPORTUNITY = "opportunity", _("Open opportunities")


class CashForecast(AppendOnlyModel):
    """What one owner's receivables or deals were expected to bring in a slot, as forecast on the snapshot's day.

    A slot is the part of a week (Monday to Sunday) that lies in one month, named by its first day, so that slots
    add up to weeks and to months.
    """

    snapshot = TenantForeignKey(CashSnapshot, related_name="rows")
    owner = TenantForeignKey(Member, related_name="+", db_index=False)
    source = models.CharField(max_length=11, choices=Source)
    slot = models.DateField()
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(**MONEY)
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "snapshot", "owner", "source", "slot", "currency"], name="cash_forecast_once"
            )
        ]

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "cash.read")
