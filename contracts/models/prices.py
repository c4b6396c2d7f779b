"""What things cost: tax codes, price lists with floors, and lines of a document."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.core.catalog.models import Product
from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey, TenantModel

MONEY = {"max_digits": 18, "decimal_places": 2}
QUANTITY = {"max_digits": 14, "decimal_places": 3}
NOT_NEGATIVE = [MinValueValidator(Decimal(0))]
PERCENT = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))]


class TaxCode(Record):
    """A VAT rate in force from one day to another (domain.md 6.17)."""

    code = models.CharField(_("code"), max_length=8)
    name = models.CharField(_("name"), max_length=60)
    rate = models.DecimalField(_("rate"), max_digits=9, decimal_places=6)
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["-rate", "code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code", "valid_from"], name="tax_code_once")]

    def __str__(self):
        return self.code


class PriceList(Record):
    name = models.CharField(_("name"), max_length=100)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="price_list_name_once"),
            models.UniqueConstraint(fields=["tenant"], condition=Q(is_default=True), name="price_list_one_default"),
        ]

    def __str__(self):
        return self.name


class Price(Record):
    """A product's price and the floor below which a discount needs approval, both tax-inclusive."""

    price_list = TenantForeignKey(PriceList, models.CASCADE, related_name="prices")
    product = TenantForeignKey(Product, related_name="+", verbose_name=_("product"))
    price = models.DecimalField(_("price"), **MONEY, validators=NOT_NEGATIVE)
    floor = models.DecimalField(_("floor"), **MONEY, validators=NOT_NEGATIVE)

    class Meta:
        ordering = ["product__name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "price_list", "product"], name="price_once"),
            models.CheckConstraint(condition=Q(floor__lte=F("price")), name="price_floor_below_price"),
        ]


class Line(TenantModel):
    """One position: quantity × unit price (tax-inclusive), less a discount, rounded half up."""

    order = models.PositiveSmallIntegerField(default=1)
    product = TenantForeignKey(Product, null=True, blank=True, related_name="+", verbose_name=_("product"))
    description = models.CharField(_("description"), max_length=300, blank=True)
    quantity = models.DecimalField(_("quantity"), **QUANTITY, validators=NOT_NEGATIVE)
    unit_price = models.DecimalField(_("unit price"), **MONEY, validators=NOT_NEGATIVE)
    discount = models.DecimalField(_("discount %"), max_digits=5, decimal_places=2, default=0, validators=PERCENT)
    tax_code = TenantForeignKey(TaxCode, related_name="+", verbose_name=_("tax"))
    amount = models.DecimalField(_("amount"), **MONEY)

    class Meta:
        abstract = True
