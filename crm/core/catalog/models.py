"""What the company sells. Tax codes and price lists come with quotes."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.records import Record


class Product(Record):
    code = models.CharField(_("code"), max_length=40, blank=True)
    name = models.CharField(_("name"), max_length=200)
    series = models.CharField(_("series"), max_length=100, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    # Tax-inclusive, in the company's currency.
    list_price = models.DecimalField(
        _("list price"), max_digits=18, decimal_places=2, null=True, blank=True,
        validators=[MinValueValidator(Decimal(0))],
    )  # fmt: skip
    is_active = models.BooleanField(_("on sale"), default=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="product_name_once",
                violation_error_message=_("A product with this name exists already."),
            )
        ]  # fmt: skip

    def __str__(self):
        return self.name
