"""Leads: enquiries on their way to a customer (domain.md 3.2, 4.1)."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from crm.core.people.reach import reach_q
from crm.core.pools.models import Poolable
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey
from opportunities.models import Opportunity


class Channel(models.TextChoices):
    """Where leads come from (domain.md 10.4)."""

    SEARCH = "search", _("Search engine")
    SOCIAL = "social", _("Social media")
    CONTENT = "content", _("Content")
    ADS = "ads", _("Online advertisement")
    FAIR = "fair", _("Trade fair")
    REFERRAL = "referral", _("Customer referral")
    FIELD = "field", _("Field campaign")
    WEBSITE = "website", _("Website form")
    OTHER = "other", _("Other")


class Lead(Poolable):
    class Status(models.TextChoices):
        POOLED = "pooled", _("In the pool")
        ASSIGNED = "assigned", _("Assigned")
        WORKING = "working", _("Being worked")
        NURTURING = "nurturing", _("Nurturing")
        QUALIFIED = "qualified", _("Qualified")
        CONVERTED = "converted", _("Converted")
        DISQUALIFIED = "disqualified", _("Disqualified")
        MERGED = "merged", _("Merged")

    OWNED = (Status.ASSIGNED, Status.WORKING, Status.NURTURING, Status.QUALIFIED)
    # domain.md 4.1; architecture.md 5b: `new` is not stored.
    MOVES = {
        Status.POOLED: {Status.ASSIGNED, Status.DISQUALIFIED, Status.MERGED},
        Status.ASSIGNED: {
            Status.WORKING, Status.NURTURING, Status.QUALIFIED, Status.CONVERTED,
            Status.POOLED, Status.DISQUALIFIED, Status.MERGED,
        },
        Status.WORKING: {
            Status.NURTURING, Status.QUALIFIED, Status.CONVERTED, Status.POOLED, Status.DISQUALIFIED, Status.MERGED,
        },
        Status.NURTURING: {Status.WORKING, Status.POOLED, Status.DISQUALIFIED, Status.MERGED},
        Status.QUALIFIED: {Status.CONVERTED, Status.WORKING, Status.POOLED, Status.DISQUALIFIED, Status.MERGED},
        Status.DISQUALIFIED: {Status.POOLED},
        Status.CONVERTED: set(),
        Status.MERGED: set(),
    }  # fmt: skip

    name = models.CharField(_("company name"), max_length=200)
    contact_name = models.CharField(_("contact"), max_length=100, blank=True)
    title = models.CharField(_("job title"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    wechat = models.CharField(_("WeChat"), max_length=100, blank=True)
    website = models.CharField(_("website"), max_length=200, blank=True)
    uscc = models.CharField(_("credit code"), max_length=40, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    industry = models.CharField(_("industry"), max_length=100, blank=True)
    size_band = models.CharField(_("size"), max_length=50, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Channel, default=Channel.OTHER)
    campaign = models.CharField(_("campaign"), max_length=100, blank=True)
    needs = models.TextField(_("needs"), blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.POOLED, editable=False)
    disqualified_reason = models.CharField(max_length=200, blank=True, editable=False)
    account = TenantForeignKey(Account, null=True, blank=True, related_name="+", editable=False)
    contact = TenantForeignKey(Contact, null=True, blank=True, related_name="+", editable=False)
    opportunity = TenantForeignKey(Opportunity, null=True, blank=True, related_name="+", editable=False)
    converted_at = models.DateTimeField(null=True, editable=False)
    merged_into = TenantForeignKey("self", null=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # INV-L1: in exactly one place.
            models.CheckConstraint(
                condition=Q(status="pooled", pool__isnull=False, owner__isnull=True)
                | Q(
                    status__in=["assigned", "working", "nurturing", "qualified"], pool__isnull=True, owner__isnull=False
                )
                | Q(status__in=["converted", "disqualified", "merged"], pool__isnull=True),
                name="lead_in_one_place",
            ),
            models.CheckConstraint(
                condition=~Q(status="converted") | Q(account__isnull=False), name="lead_converted_has_account"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "pool", "-id"], name="lead_in_pool", condition=Q(pool__isnull=False)),
            models.Index(fields=["tenant", "owner", "status", "-id"], name="lead_of_owner"),
            models.Index(fields=["tenant", "status", "-id"], name="lead_of_status"),
            models.Index(fields=["tenant", "owned_at"], name="lead_clock", condition=Q(owner__isnull=False)),
        ]

    def __str__(self):
        return self.name

    @classmethod
    def visible_q(cls, member) -> Q:
        """Own or reached leads, and what lies in a pool the member may claim from."""
        return reach_q(member, "lead.read")


class LeadTouch(AppendOnlyModel):
    """One arrival of a lead by one channel, duplicates included."""

    lead = TenantForeignKey(Lead, models.CASCADE, related_name="touches")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.OTHER)
    at = models.DateTimeField(default=timezone.now)
    payload = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]
