"""What things cost: tax codes, price lists with floors, and lines of a document."""

from datetime import date
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
    # A fraction: 0.13 for 13 %.
    rate = models.DecimalField(
        _("rate"), max_digits=9, decimal_places=6, validators=[*NOT_NEGATIVE, MaxValueValidator(Decimal("0.99"))]
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["-rate", "code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code", "valid_from"], name="tax_code_once"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="tax_code_has_days",
                violation_error_message=_("The rate ends before it starts. Check the dates."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.code} {(self.rate * 100).normalize():f}%" if self.rate else f"{self.code} {self.name}"


class PriceList(Record):
    name = models.CharField(_("name"), max_length=100)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="price_list_name_once",
                violation_error_message=_("A price list of this name exists already."),
            ),
            models.UniqueConstraint(fields=["tenant"], condition=Q(is_default=True), name="price_list_one_default"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="price_list_has_days",
                violation_error_message=_("The list ends before it starts. Check the dates."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.name

    def is_valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class Price(Record):
    """A product's price and the floor below which a discount needs approval, both tax-inclusive."""

    price_list = TenantForeignKey(PriceList, models.CASCADE, related_name="prices")
    product = TenantForeignKey(Product, related_name="+", verbose_name=_("product"))
    price = models.DecimalField(_("price"), **MONEY, validators=NOT_NEGATIVE)
    floor = models.DecimalField(_("floor"), **MONEY, validators=NOT_NEGATIVE)
    # Which rate the product falls under; what is in force on the day is looked up by its code.
    tax_code = TenantForeignKey(TaxCode, null=True, blank=True, related_name="+", verbose_name=_("tax"))

    class Meta:
        ordering = ["product__name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "price_list", "product"], name="price_once",
                violation_error_message=_("This product has a price in the list already. Change that one."),
            ),
            models.CheckConstraint(
                condition=Q(floor__lte=F("price")), name="price_floor_below_price",
                violation_error_message=_("The floor is above the price. Lower it, or raise the price."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.product} · {self.price_list}"


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
