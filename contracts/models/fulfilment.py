"""Orders and the batches in which they are delivered and accepted (INV-C5)."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey, TenantModel

from .contracts import Contract, ContractLine
from .prices import MONEY, NOT_NEGATIVE, QUANTITY


class Order(Record):
    """What production hears of a contract: all of it, or a part of a framework."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    MOVES = {Status.OPEN: {Status.COMPLETED, Status.CANCELLED}, Status.COMPLETED: set(), Status.CANCELLED: set()}

    contract = TenantForeignKey(Contract, related_name="orders")
    number = models.CharField(_("number"), max_length=40, editable=False)
    amount = models.DecimalField(_("amount"), **MONEY, default=0, editable=False)
    promised_on = models.DateField(_("promised for"), null=True, blank=True)
    erp_ref = models.CharField(_("number in the ERP"), max_length=60, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="order_number_once")]

    def __str__(self):
        return self.number


class OrderLine(TenantModel):
    order = TenantForeignKey(Order, models.CASCADE, related_name="lines")
    contract_line = TenantForeignKey(ContractLine, related_name="+")
    quantity = models.DecimalField(_("quantity"), **QUANTITY, validators=NOT_NEGATIVE)
    amount = models.DecimalField(_("amount"), **MONEY)


class Batch(Record):
    """One delivery of a part of an order, with the customer's acceptance (domain.md 4.4, INV-C5)."""

    class Status(models.TextChoices):
        PLANNED = "planned", _("Planned")
        SHIPPED = "shipped", _("Shipped")
        DELIVERED = "delivered", _("Delivered")
        ACCEPTED = "accepted", pgettext_lazy("delivery", "Accepted")
        REJECTED = "rejected", pgettext_lazy("delivery", "Rejected")

    MOVES = {
        Status.PLANNED: {Status.SHIPPED},
        Status.SHIPPED: {Status.DELIVERED},
        Status.DELIVERED: {Status.ACCEPTED, Status.REJECTED},
        Status.REJECTED: {Status.PLANNED},
        Status.ACCEPTED: set(),
    }

    order = TenantForeignKey(Order, related_name="batches")
    number = models.PositiveSmallIntegerField(editable=False)
    planned_on = models.DateField(_("planned for"))
    shipped_on = models.DateField(null=True, editable=False)
    delivered_on = models.DateField(null=True, editable=False)
    accepted_on = models.DateField(null=True, editable=False)
    accepted_by = models.CharField(max_length=100, blank=True, editable=False)
    delivery_note = models.CharField(_("delivery note"), max_length=60, blank=True)
    is_final = models.BooleanField(_("final acceptance"), default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.PLANNED, editable=False)

    class Meta:
        ordering = ["order_id", "number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "order", "number"], name="batch_number_once")]


class BatchLine(TenantModel):
    batch = TenantForeignKey(Batch, models.CASCADE, related_name="lines")
    order_line = TenantForeignKey(OrderLine, related_name="batch_lines")
    quantity = models.DecimalField(_("quantity"), **QUANTITY, validators=NOT_NEGATIVE)
