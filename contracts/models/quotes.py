"""Offers and their versions, and the terms a quote and a contract share."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey
from opportunities.models import Opportunity

from .prices import MONEY, Line, PriceList


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
