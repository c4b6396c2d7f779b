"""Quotes, contracts, their changes and their fulfilment (domain.md 3.5, 4.4)."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from crm.core.catalog.models import Product
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey, TenantModel
from opportunities.models import Opportunity

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


class Terms(models.Model):
    """What both sides agree on beside price and goods."""

    payment_terms = models.TextField(_("payment"), blank=True)
    delivery_terms = models.TextField(_("delivery"), blank=True)
    acceptance_terms = models.TextField(_("acceptance"), blank=True)
    warranty_terms = models.TextField(_("warranty"), blank=True)
    penalty_terms = models.TextField(_("penalties"), blank=True)
    nonstandard = models.BooleanField(_("differs from our standard terms"), default=False)

    class Meta:
        abstract = True


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


class Quote(Terms, Record):
    """One version of an offer; a new version supersedes the one before."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_APPROVAL = "in_approval", _("In approval")
        APPROVED = "approved", _("Approved")
        SENT = "sent", _("Sent")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        SUPERSEDED = "superseded", _("Superseded")

    MOVES = {
        Status.DRAFT: {Status.IN_APPROVAL, Status.APPROVED, Status.SUPERSEDED},
        Status.IN_APPROVAL: {Status.DRAFT, Status.APPROVED},
        Status.APPROVED: {Status.SENT, Status.ACCEPTED, Status.DECLINED, Status.SUPERSEDED, Status.DRAFT},
        Status.SENT: {Status.ACCEPTED, Status.DECLINED, Status.SUPERSEDED},
        Status.ACCEPTED: set(),
        Status.DECLINED: {Status.SUPERSEDED},
        Status.SUPERSEDED: set(),
    }

    number = models.CharField(_("number"), max_length=40, editable=False)
    revision = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    title = models.CharField(_("title"), max_length=200)
    opportunity = TenantForeignKey(Opportunity, related_name="quotes", verbose_name=_("opportunity"))
    account = TenantForeignKey(Account, related_name="+", verbose_name=_("customer"))
    contact = TenantForeignKey(Contact, null=True, blank=True, related_name="+", verbose_name=_("contact"))
    legal_entity = TenantForeignKey(LegalEntity, related_name="+", verbose_name=_("legal entity"))
    price_list = TenantForeignKey(PriceList, null=True, blank=True, related_name="+", verbose_name=_("price list"))
    valid_until = models.DateField(_("valid until"))
    currency = models.CharField(max_length=3, default="CNY", editable=False)
    amount = models.DecimalField(_("amount"), **MONEY, default=0, editable=False)
    below_floor = models.BooleanField(default=False, editable=False)
    discount_reason = models.CharField(_("reason for the discount"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False, verbose_name=_("owner"))
    accept_digest = models.CharField(max_length=64, blank=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    accepted_name = models.CharField(max_length=100, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "number", "revision"], name="quote_revision_once")]

    def __str__(self):
        return f"{self.number} v{self.revision}"

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "quote.read")


class QuoteLine(Line):
    quote = TenantForeignKey(Quote, models.CASCADE, related_name="lines")
    is_gift = models.BooleanField(_("free of charge"), default=False)

    class Meta:
        ordering = ["order", "id"]


class Contract(Terms, Record):
    """What a customer signed. Amounts are tax-inclusive; everything collected or delivered is derived."""

    class Kind(models.TextChoices):
        FIXED = "fixed", _("Fixed amount")
        FRAMEWORK = "framework", _("Framework")
        CONSTRUCTION = "construction", _("Construction")
        SERVICE = "service", _("Service")
        SUBSCRIPTION = "subscription", _("Subscription")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_APPROVAL = "in_approval", _("In approval")
        APPROVED = "approved", _("Approved")
        SIGNED = "signed", _("Signed")
        EFFECTIVE = "effective", _("Effective")
        PERFORMING = "performing", _("Being performed")
        COMPLETED = "completed", _("Completed")
        CLOSED = "closed", _("Closed")
        EXPIRED = "expired", _("Expired")
        TERMINATED = "terminated", _("Terminated")

    LIVE = (Status.EFFECTIVE, Status.PERFORMING)
    MOVES = {
        Status.DRAFT: {Status.IN_APPROVAL},
        Status.IN_APPROVAL: {Status.APPROVED, Status.DRAFT},
        Status.APPROVED: {Status.SIGNED, Status.DRAFT},
        Status.SIGNED: {Status.EFFECTIVE},
        Status.EFFECTIVE: {Status.PERFORMING, Status.TERMINATED},
        Status.PERFORMING: {Status.COMPLETED, Status.TERMINATED, Status.EXPIRED},
        Status.COMPLETED: {Status.CLOSED},
        Status.CLOSED: set(),
        Status.EXPIRED: {Status.CLOSED},
        Status.TERMINATED: {Status.CLOSED},
    }

    class Handover(models.TextChoices):
        NONE = "", _("Not yet")
        PENDING = "pending", _("Offered to delivery")
        ACCEPTED = "accepted", _("Accepted by delivery")
        RETURNED = "returned", _("Returned by delivery")

    number = models.CharField(_("number"), max_length=40, blank=True, editable=False)
    title = models.CharField(_("title"), max_length=200)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.FIXED)
    account = TenantForeignKey(Account, related_name="contracts", verbose_name=_("customer"))
    legal_entity = TenantForeignKey(LegalEntity, related_name="+", verbose_name=_("legal entity"))
    opportunity = TenantForeignKey(
        Opportunity, null=True, blank=True, related_name="contracts", verbose_name=_("opportunity")
    )
    quote = TenantForeignKey(Quote, null=True, blank=True, related_name="contracts", editable=False)
    renewal_of = TenantForeignKey(
        "self", null=True, blank=True, related_name="renewals", editable=False, verbose_name=_("renews")
    )
    base_amount = models.DecimalField(_("signed amount"), **MONEY, default=0, editable=False)
    effective_amount = models.DecimalField(_("effective amount"), **MONEY, default=0, editable=False)
    currency = models.CharField(max_length=3, default="CNY", editable=False)
    sign_date = models.DateField(_("signed on"), null=True, blank=True)
    start_date = models.DateField(_("from"), null=True, blank=True)
    end_date = models.DateField(_("until"), null=True, blank=True)
    clauses = models.JSONField(default=list, blank=True, editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False, verbose_name=_("owner"))
    handover = models.CharField(max_length=8, choices=Handover, blank=True, default="", editable=False)
    handover_reason = models.CharField(max_length=300, blank=True, editable=False)
    delivery_manager = TenantForeignKey(Member, null=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], condition=~Q(number=""), name="contract_number_once"),
            models.CheckConstraint(condition=Q(effective_amount__gte=0), name="contract_amount_not_negative"),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "-id"], name="contract_of_status"),
            models.Index(fields=["tenant", "owner", "-id"], name="contract_of_owner"),
            models.Index(fields=["tenant", "account", "-id"], name="contract_of_account"),
            models.Index(fields=["tenant", "end_date"], name="contract_by_end", condition=Q(end_date__isnull=False)),
        ]

    def __str__(self):
        return f"{self.number} {self.title}".strip()

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "contract.read", "owner", "delivery_manager")


class ContractLine(Line):
    """A position as it stands now; older positions are in ContractVersion."""

    contract = TenantForeignKey(Contract, models.CASCADE, related_name="lines")
    over_delivery = models.DecimalField(_("may be exceeded by"), **QUANTITY, default=0, validators=NOT_NEGATIVE)

    class Meta:
        ordering = ["order", "id"]


class ContractVersion(AppendOnlyModel):
    """The contract as it was agreed: never changed, hashed (INV-C1)."""

    contract = TenantForeignKey(Contract, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    snapshot = models.JSONField()
    hash = models.CharField(max_length=64)
    amount = models.DecimalField(**MONEY)
    effective_at = models.DateTimeField()
    change = TenantForeignKey("ChangeOrder", null=True, related_name="+")

    class Meta:
        ordering = ["contract_id", "number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "contract", "number"], name="contract_version_once")]


class ChangeOrder(Record):
    """A change of a signed contract, with its effect on money spelled out (domain.md 6.18)."""

    class Kind(models.TextChoices):
        REDUCE = "reduce", _("Reduction")
        INCREASE = "increase", _("Increase")
        CANCEL = "cancel", _("Termination")
        EXTEND = "extend", _("Extension")
        TERMS = "terms", _("Terms")

    class Excess(models.TextChoices):
        CREDIT = "CREDIT", _("Keep as the customer's credit")
        OFFSET = "OFFSET_SAME_CONTRACT", _("Use for open receivables of this contract")
        REFUND = "REFUND", _("Refund")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_APPROVAL = "in_approval", _("In approval")
        APPROVED = "approved", _("Approved")
        APPLIED = "applied", _("Applied")
        VOID = "void", _("Void")

    MOVES = {
        Status.DRAFT: {Status.IN_APPROVAL, Status.VOID},
        Status.IN_APPROVAL: {Status.DRAFT, Status.APPROVED},
        Status.APPROVED: {Status.APPLIED, Status.VOID},
        Status.APPLIED: set(),
        Status.VOID: set(),
    }

    contract = TenantForeignKey(Contract, related_name="changes")
    base_revision = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    reason = models.TextField(_("reason"))
    delta = models.DecimalField(_("change"), **MONEY, default=0)
    # [{"line": id or null, "quantity": "…", "unit_price": "…", "amount": "…", …}]: the lines as they shall be.
    lines = models.JSONField(default=list)
    # [{"receivable": id, "delta": "-6000.00"}]: Σ = delta; read by whoever registered in contracts.effects.
    effects = models.JSONField(default=list)
    excess = models.CharField(_("money freed"), max_length=22, choices=Excess, default=Excess.CREDIT)
    refund_account = models.CharField(_("refund to account"), max_length=100, blank=True)
    new_end_date = models.DateField(_("new end"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False)
    applied_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.contract} · {self.get_kind_display()}"

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "contract.read", "owner", "contract__owner")


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
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

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
