"""The company (tenant) and what every row of a company has in common."""

from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import clock

from .fields import OwningTenant, TenantForeignKey
from .managers import TenantManager
from .slugs import RESERVED_SLUGS

__all__ = ["AppendOnlyModel", "OwningTenant", "Tenant", "TenantForeignKey", "TenantModel"]


def validate_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(
            _("“%(name)s” is not a time zone. Choose one such as Asia/Shanghai."), params={"name": name}
        )


def validate_not_reserved(slug: str) -> None:
    if slug in RESERVED_SLUGS:
        raise ValidationError(_("This address is reserved. Choose another."))


class Tenant(models.Model):
    """A customer company. A global table: it has no policy and holds no business data."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        CLOSED = "closed", _("Closed")

    slug = models.CharField(
        _("address"),
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$", _("Use lower-case letters, digits and hyphens.")),
            validate_not_reserved,
        ],
    )
    name = models.CharField(_("company name"), max_length=200)
    tz = models.CharField(_("time zone"), max_length=64, default="Asia/Shanghai", validators=[validate_zone])
    locale = models.CharField(_("language"), max_length=16, default="zh-hans")
    base_currency = models.CharField(_("currency"), max_length=3, default="CNY")
    settings = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self):
        return self.name

    @property
    def tenant_id(self) -> int:
        """A company is its own tenant, so that it has a history as its records do."""
        return self.pk

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tz)

    def today(self):
        """The business date of now, in the company's zone (domain.md 0.1.2)."""
        return timezone.localdate(clock.now(), self.zone)

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.ACTIVE


class TenantModel(models.Model):
    """Base of every row of a company."""

    tenant = OwningTenant()

    objects = TenantManager()

    class Meta:
        abstract = True


class AppendOnlyModel(TenantModel):
    """Rows that are added and never changed or deleted by the app role (domain.md 0.1.3)."""

    tenant = OwningTenant(append_only=True)

    class Meta:
        abstract = True
