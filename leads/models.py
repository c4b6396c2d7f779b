"""Leads: enquiries on their way to a customer (domain.md 3.2, 4.1)."""

from typing import NamedTuple

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from crm.core import records
from crm.core.names import mask_email, mask_phone
from crm.core.people.reach import NOTHING, may, owners_covered
from crm.core.people.roles import Role
from crm.core.pools.models import Pool, Poolable
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


class ContactData(NamedTuple):
    """How to reach a lead, as one member may see it."""

    phone: str
    email: str
    wechat: str
    hidden: bool


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

    POOLED = Status.POOLED
    OWNED = (Status.ASSIGNED, Status.WORKING, Status.NURTURING, Status.QUALIFIED)
    # A new owner begins with the first of these. Who nurtures a lead has put the clock to rest.
    CLOCKED = (Status.ASSIGNED, Status.WORKING, Status.QUALIFIED)
    DEALT = (Status.CONVERTED,)
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

    # What a pool hides until a claim (INV-L12); the events that carry these columns hide them too.
    CONTACT_FIELDS = ("phone", "email", "wechat")

    class Meta:
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
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

    # Left out of the timeline: they follow from what it tells, or stand on the page.
    UNTOLD_COLUMNS = (
        "account", "contact", "opportunity", "converted_at", "merged_into", "disqualified_reason", "home_pool",
        "in_review", "owned_at", "owner_reason", "previous_owner", "return_count", "released_at", "reminded_on",
        "first_response_at", "last_followup_at",
    )  # fmt: skip

    def __str__(self):
        return self.name

    @classmethod
    def visible_q(cls, member) -> Q:
        """Own or reached leads, and what lies in a pool that the member may claim from or runs."""
        covered = owners_covered(member, "lead.read")
        if covered is None:
            return Q()
        if set(member.roles) == {Role.PARTNER}:
            # A partner never sees a pool, and follows what he handed in wherever it goes.
            return Q(owner=member) | Q(created_by=member)
        pools = Pool.objects.visible_to(member).values("pk")
        in_pool = Q(pool__in=pools) if may(member, "lead.assign") else Q(pool__in=pools, in_review=False)
        return Q(owner__in=covered) | in_pool if covered else NOTHING

    @classmethod
    def hidden_q(cls, member) -> Q:
        """Leads whose contact data the member may not see: the set that `contact_for` masks (INV-L12)."""
        return Q(pool__mask_contacts=True) & ~Q(pool__in=_administered(member))

    def hides_contact_from(self, member) -> bool:
        return self.pool_id is not None and self.pool.mask_contacts and self.pool_id not in _administered(member)

    def contact_for(self, member) -> ContactData:
        """Phone, e-mail and WeChat as `member` may see them; every face asks here (INV-L12)."""
        if not self.hides_contact_from(member):
            return ContactData(self.phone, self.email, self.wechat, hidden=False)
        return ContactData(mask_phone(self.phone), mask_email(self.email), "***" if self.wechat else "", hidden=True)

    def followed_up(self, activity) -> None:
        """A follow-up by the owner starts the days anew, from the earlier of its time and its entry (domain.md 6.1).

        The row is asked again under its lock: who has lost the lead meanwhile keeps his words, and nothing else.
        """
        now, since = records.lock(self), min(activity.occurred_at, activity.recorded_at)
        if now.status not in self.OWNED or now.owner_id != activity.actor_id or since < now.owned_at:
            return
        changes = {
            "last_followup_at": max(now.last_followup_at or since, since),
            "first_response_at": now.first_response_at or since,
            "reminded_on": None,
        }
        if now.status == self.Status.ASSIGNED:
            records.move(self, self.Status.WORKING, by=activity.actor, verb="worked", **changes)
        else:
            records.update(self, by=activity.actor, verb="followed_up", **changes)


def _administered(member) -> frozenset[int]:
    """Pools that the member runs; asked once for each member object, which lives as long as a request."""
    if not hasattr(member, "_administered_pools"):
        pools = Pool.objects.of(member.tenant_id).administered_by(member)
        member._administered_pools = frozenset(pools.values_list("pk", flat=True))
    return member._administered_pools


class LeadTouch(AppendOnlyModel):
    """One arrival of a lead by one channel, duplicates included."""

    lead = TenantForeignKey(Lead, models.CASCADE, related_name="touches")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.OTHER)
    at = models.DateTimeField(default=timezone.now)
    payload = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]
