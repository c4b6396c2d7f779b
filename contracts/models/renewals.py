"""What is known about a contract's renewal before it happens; that it happened is read off the next contract."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey

from .contracts import Contract
from .prices import MONEY, NOT_NEGATIVE


class Renewal(Record):
    """The owner's view of one contract that comes to its end (domain.md 3.5); one per contract, made when needed."""

    class Risk(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        LOST = "lost", pgettext_lazy("renewal", "Lost")

    class Loss(models.TextChoices):
        PRICE = "price", _("Price")
        COMPETITOR = "competitor", _("Competitor")
        SERVICE = "service", _("Unhappy with the service")
        NO_NEED = "no_need", _("No longer needed")
        BUDGET = "budget", _("No budget")
        OTHER = "other", _("Other")

    MOVES = {Status.OPEN: {Status.LOST}, Status.LOST: {Status.OPEN}}

    contract = TenantForeignKey(Contract, related_name="outlooks", verbose_name=_("contract"))
    forecast_amount = models.DecimalField(_("expected amount"), **MONEY, null=True, blank=True, validators=NOT_NEGATIVE)
    risk = models.CharField(_("risk"), max_length=6, choices=Risk, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=4, choices=Status, default=Status.OPEN, editable=False)
    loss = models.CharField(_("why it was lost"), max_length=10, choices=Loss, blank=True, editable=False)
    loss_detail = models.CharField(_("details"), max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contract"], name="renewal_once"),
            models.CheckConstraint(
                condition=(Q(status="lost") & ~Q(loss="")) | Q(status="open", loss=""), name="renewal_lost_for_a_reason"
            ),
        ]

    def __str__(self):
        return str(self.contract)

    @property
    def holder_ids(self) -> set[int]:
        return self.contract.holder_ids

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "contract.read", "contract__owner", "contract__delivery_manager")
