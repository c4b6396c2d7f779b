"""Orders and the batches in which they are delivered and accepted (INV-C5)."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey

from .contracts import Contract, ContractLine
from .prices import MONEY, NOT_NEGATIVE, QUANTITY

NOTHING = Decimal("0.000")


class Order(Record):
    """What production hears of a contract: all of it, or a part of a framework."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    MOVES = {Status.OPEN: {Status.COMPLETED, Status.CANCELLED}, Status.COMPLETED: set(), Status.CANCELLED: set()}

    contract = TenantForeignKey(Contract, related_name="orders", verbose_name=_("contract"))
    number = models.CharField(_("number"), max_length=40, editable=False)
    amount = models.DecimalField(_("amount"), **MONEY, default=0, editable=False)
    promised_on = models.DateField(_("promised for"), null=True, blank=True)
    # The day of the last acceptance in the company's zone: what the promise is measured against.
    completed_on = models.DateField(_("completed on"), null=True, editable=False)
    erp_ref = models.CharField(_("number in the ERP"), max_length=60, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="order_number_once"),
            models.CheckConstraint(
                condition=Q(status="completed", completed_on__isnull=False)
                | (~Q(status="completed") & Q(completed_on=None)),
                name="order_completed_on_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "contract", "-id"], name="order_of_contract"),
            models.Index(fields=["tenant", "status", "-id"], name="order_of_status"),
            models.Index(fields=["tenant", "promised_on"], name="order_by_promise"),
        ]

    def __str__(self):
        return self.number

    @property
    def holder_ids(self) -> set[int]:
        """Who sold it and who delivers it."""
        return self.contract.holder_ids

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "contract.read", "contract__owner", "contract__delivery_manager")


class OrderLine(Record):
    """A part of a contract line. What is under way and at the customer, less what came back, is kept here.

    0 ≤ accepted ≤ delivered ≤ shipped ≤ quantity + tolerance is the database's word (INV-C5); `tolerance`
    is the order's share of the over-delivery that the contract line allows.
    """

    order = TenantForeignKey(Order, models.CASCADE, related_name="lines")
    contract_line = TenantForeignKey(ContractLine, related_name="order_lines")
    quantity = models.DecimalField(_("quantity"), **QUANTITY, validators=NOT_NEGATIVE)
    tolerance = models.DecimalField(_("may be exceeded by"), **QUANTITY, default=NOTHING, validators=NOT_NEGATIVE)
    amount = models.DecimalField(_("amount"), **MONEY)
    shipped = models.DecimalField(_("shipped"), **QUANTITY, default=NOTHING, editable=False)
    delivered = models.DecimalField(_("delivered"), **QUANTITY, default=NOTHING, editable=False)
    accepted = models.DecimalField(pgettext_lazy("delivery", "accepted"), **QUANTITY, default=NOTHING, editable=False)

    class Meta:
        ordering = ["order_id", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted__gte=0) & Q(accepted__lte=F("delivered")) & Q(delivered__lte=F("shipped"))
                & Q(shipped__lte=F("quantity") + F("tolerance")),
                name="order_line_within_order",
                violation_error_message=_("No more can be delivered than was ordered."),
            ),
            models.UniqueConstraint(fields=["tenant", "order", "contract_line"], name="order_line_once"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["tenant", "contract_line"], name="order_line_of_contract_line")]

    def __str__(self):
        return str(self.contract_line.description or self.contract_line.product or self.contract_line.order)

    @property
    def remaining(self) -> Decimal:
        """What the customer still waits for."""
        return max(self.quantity - self.delivered, NOTHING)

    @property
    def room(self) -> Decimal:
        """What may still be shipped, the tolerance included."""
        return self.quantity + self.tolerance - self.shipped


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

    order = TenantForeignKey(Order, related_name="batches", verbose_name=_("order"))
    number = models.PositiveSmallIntegerField(_("number"), editable=False)
    planned_on = models.DateField(_("planned for"))
    shipped_on = models.DateField(_("shipped on"), null=True, editable=False)
    delivered_on = models.DateField(_("delivered on"), null=True, editable=False)
    accepted_on = models.DateField(_("accepted on"), null=True, editable=False)
    accepted_by = models.CharField(_("accepted by"), max_length=100, blank=True, editable=False)
    delivery_note = models.CharField(_("delivery note"), max_length=60, blank=True)
    is_final = models.BooleanField(_("final acceptance"), default=False)
    grounds = models.CharField(_("why it was rejected"), max_length=300, blank=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PLANNED, editable=False)

    class Meta:
        ordering = ["order_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "order", "number"], name="batch_number_once"),
            models.UniqueConstraint(
                fields=["tenant", "order"], condition=Q(is_final=True, status="accepted"), name="batch_final_once",
                violation_error_message=_("The final acceptance of this order has been recorded already."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.order.number}/{self.number}"

    @property
    def holder_ids(self) -> set[int]:
        return self.order.holder_ids

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "contract.read", "order__contract__owner", "order__contract__delivery_manager")


class BatchLine(Record):
    """What was planned, and what really left, arrived and was accepted in this delivery."""

    batch = TenantForeignKey(Batch, models.CASCADE, related_name="lines")
    order_line = TenantForeignKey(OrderLine, related_name="batch_lines")
    quantity = models.DecimalField(_("quantity"), **QUANTITY, validators=NOT_NEGATIVE)
    shipped = models.DecimalField(_("shipped"), **QUANTITY, default=NOTHING, editable=False)
    delivered = models.DecimalField(_("delivered"), **QUANTITY, default=NOTHING, editable=False)
    accepted = models.DecimalField(pgettext_lazy("delivery", "accepted"), **QUANTITY, default=NOTHING, editable=False)

    class Meta:
        ordering = ["batch_id", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted__gte=0) & Q(accepted__lte=F("delivered")) & Q(delivered__lte=F("shipped")),
                name="batch_line_in_order",
                violation_error_message=_("No more can arrive than was shipped, nor be accepted than arrived."),
            ),
            models.UniqueConstraint(fields=["tenant", "batch", "order_line"], name="batch_line_once"),
        ]

    def __str__(self):
        return str(self.order_line)

    @property
    def latest(self) -> Decimal:
        """The quantity as far as it is known: planned, then shipped, delivered, accepted."""
        known = {"shipped": self.shipped, "delivered": self.delivered, "accepted": self.accepted}
        return known.get(self.batch.status, self.quantity)
