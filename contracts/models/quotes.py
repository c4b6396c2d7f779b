"""Offers and their versions, and the terms a quote and a contract share."""

from datetime import date
from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from crm.core.approvals.subjects import asked_q
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

    # Left out of the timeline: they follow from what it tells, or are secrets.
    UNTOLD_COLUMNS = ("accept_digest", "edition", "list_amount", "accepted_at", "sent_at", "declined_at")

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
    # What the same quantities cost by the price list: the discount is measured against it.
    list_amount = models.DecimalField(_("by the price list"), **MONEY, default=0, editable=False)
    below_floor = models.BooleanField(_("below the floor"), default=False, editable=False)
    # Rises whenever lines are replaced, so that an edit of an older page is a conflict.
    edition = models.PositiveIntegerField(default=0, editable=False)
    discount_reason = models.CharField(_("reason for the discount"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False, verbose_name=_("owner"))
    sent_at = models.DateTimeField(null=True, editable=False)
    accept_digest = models.CharField(max_length=64, blank=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    accepted_name = models.CharField(_("accepted by"), max_length=100, blank=True, editable=False)
    declined_at = models.DateTimeField(null=True, editable=False)
    declined_grounds = models.CharField(_("why it was declined"), max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number", "revision"], name="quote_revision_once"),
            models.UniqueConstraint(
                fields=["tenant", "number"], condition=~Q(status="superseded"), name="quote_one_current_version"
            ),
            models.UniqueConstraint(
                fields=["tenant", "accept_digest"], condition=~Q(accept_digest=""), name="quote_link_once"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "owner", "-id"], name="quote_of_owner"),
            models.Index(fields=["tenant", "status", "-id"], name="quote_of_status"),
            models.Index(fields=["tenant", "opportunity", "-id"], name="quote_of_opportunity"),
            models.Index(fields=["tenant", "account", "-id"], name="quote_of_account"),
            models.Index(fields=["tenant", "valid_until"], name="quote_by_validity"),
        ]

    def __str__(self):
        return f"{self.number} v{self.revision}"

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "quote.read") | asked_q(member, cls)

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_open_offer(self) -> bool:
        """Whether the customer could still answer, its date aside."""
        return self.status in (self.Status.APPROVED, self.Status.SENT)

    def has_expired(self, day: date) -> bool:
        """Whether `day`, a business date, lies after the last day of validity."""
        return self.valid_until < day

    @property
    def discount(self) -> Decimal:
        """What is given up of the price list, as a ratio; 0 where more is asked than the list says."""
        if self.list_amount <= self.amount:
            return Decimal(0)
        return (self.list_amount - self.amount) / self.list_amount


class QuoteLine(Line):
    quote = TenantForeignKey(Quote, models.CASCADE, related_name="lines")
    is_gift = models.BooleanField(_("free of charge"), default=False)

    class Meta:
        ordering = ["order", "id"]
