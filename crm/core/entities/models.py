"""The legal entities a company sells through, and their document numbers (domain.md 0.1.6, 3.1)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey, TenantModel


class LegalEntity(Record):
    """销售主体: contracts, receivables, invoices, receipts and periods belong to one."""

    class Taxpayer(models.TextChoices):
        GENERAL = "general", _("General taxpayer")
        SMALL = "small_scale", _("Small-scale taxpayer")

    name = models.CharField(_("name"), max_length=200)
    short_name = models.CharField(_("short name"), max_length=40, blank=True)
    code = models.CharField(_("code in document numbers"), max_length=8)
    uscc = models.CharField(_("credit code"), max_length=18, blank=True)
    taxpayer = models.CharField(_("taxpayer"), max_length=12, choices=Taxpayer, default=Taxpayer.GENERAL)
    address = models.CharField(_("address"), max_length=300, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"], name="entity_code_once",
                violation_error_message=_("Another legal entity uses this code."),
            ),
            models.UniqueConstraint(fields=["tenant"], condition=Q(is_default=True), name="entity_one_default"),
        ]  # fmt: skip

    def __str__(self):
        return self.short_name or self.name


class NumberSeries(TenantModel):
    """The last number given in one series; the row is locked while a number is taken, so none is skipped."""

    entity = TenantForeignKey(LegalEntity, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    period = models.CharField(max_length=7)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "entity", "kind", "period"], name="number_series_once")
        ]
