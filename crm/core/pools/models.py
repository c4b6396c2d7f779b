"""The public pool 公海: who may take what, how much, and when it goes back (domain.md 3.2, 6.2)."""

from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member, Team, TeamMembership
from crm.core.people.reach import may
from crm.core.records import Record
from crm.core.tenancy.managers import TenantManager, TenantQuerySet
from crm.core.tenancy.models import TenantForeignKey, TenantModel, validate_zone

DAYS = [MinValueValidator(1), MaxValueValidator(3650)]
FEW = [MaxValueValidator(3650)]


class PoolQuerySet(TenantQuerySet):
    def open_to(self, member: Member):
        """Active pools that the member may claim from: open to everyone, or by a seat of his own or of a team's."""
        if not may(member, "pool.read"):
            return self.none()
        return self.filter(Q(everyone=True) | Q(Exists(_seats_of(member))), is_active=True)

    def administered_by(self, member: Member):
        """Pools whose contacts the member sees and whose limits he may override."""
        return self if may(member, "pool.manage") else self.filter(Exists(_seats_of(member).filter(is_admin=True)))


def _seats_of(member: Member) -> models.QuerySet:
    """Seats of the pool in the outer query that the member holds; a team's seat covers the teams below it."""
    beneath = TeamMembership.objects.of(member.tenant_id).filter(
        member=member, team__path__startswith=OuterRef("team__path")
    )
    seats = PoolSeat.objects.of(member.tenant_id).filter(pool=OuterRef("pk"))
    return seats.filter(Q(member=member) | Q(Exists(beneath)))


class Pool(Record):
    """A pool and its rules. Days are whole local calendar days in the pool's zone."""

    name = models.CharField(_("name"), max_length=100)
    tz = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_zone])
    is_active = models.BooleanField(_("active"), default=True)
    is_default = models.BooleanField(_("receives leads without a pool"), default=False)
    everyone = models.BooleanField(_("open to all sales people"), default=True)
    mask_contacts = models.BooleanField(_("hide phone and e-mail until claimed"), default=True)
    daily_claim_limit = models.PositiveIntegerField(_("claims per day"), default=5, validators=[MinValueValidator(1)])
    holding_limit = models.PositiveIntegerField(_("leads held at most"), default=100, validators=[MinValueValidator(1)])
    count_dealt = models.BooleanField(_("leads with a deal count as held"), default=False)
    cool_off_days = models.PositiveIntegerField(
        _("days before the former owner may claim again"), default=3, validators=FEW
    )
    no_followup_days = models.PositiveIntegerField(
        _("goes back after days without follow-up"), null=True, blank=True, default=7, validators=DAYS
    )
    no_deal_days = models.PositiveIntegerField(
        _("goes back after days without a deal"), null=True, blank=True, default=90, validators=DAYS
    )
    no_first_contact_days = models.PositiveIntegerField(
        _("goes back after days without a first contact"), null=True, blank=True, validators=DAYS
    )
    remind_days = models.PositiveIntegerField(
        _("reminds days before"), default=3, validators=FEW, help_text=_("0 switches reminders off.")
    )
    review_after_returns = models.PositiveIntegerField(
        _("goes to review after returns"), default=3, validators=FEW, help_text=_("0 switches the review off.")
    )

    objects = TenantManager.from_queryset(PoolQuerySet)()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="pool_name_once",
                violation_error_message=_("A pool with this name exists already."),
            ),
            models.UniqueConstraint(fields=["tenant"], condition=Q(is_default=True), name="pool_one_default"),
        ]  # fmt: skip

    def __str__(self):
        return self.name

    @classmethod
    def visible_q(cls, member) -> Q:
        """Every pool for those who manage pools, else those that the member may claim from or administers."""
        if may(member, "pool.manage"):
            return Q()
        pools = cls.objects.of(member.tenant_id)
        return Q(pk__in=pools.open_to(member).values("pk")) | Q(pk__in=pools.administered_by(member).values("pk"))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tz or self.tenant.tz)

    @property
    def review_from(self) -> int:
        """The return that goes to the review queue instead of the pool; a number never reached when switched off."""
        return self.review_after_returns or 2**31 - 1


class PoolSeat(TenantModel):
    """A member or a whole team that may claim from a pool; `is_admin` runs it."""

    pool = TenantForeignKey(Pool, models.CASCADE, related_name="seats")
    member = TenantForeignKey(Member, models.CASCADE, null=True, blank=True, related_name="+")
    team = TenantForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="+")
    is_admin = models.BooleanField(_("administers the pool"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "pool", "member", "team"], name="pool_seat_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(member__isnull=False, team__isnull=True) | Q(member__isnull=True, team__isnull=False),
                name="pool_seat_member_or_team",
            ),
        ]


class ClaimCounter(TenantModel):
    """Claims of one member from one pool on one local day; locked while it is counted (INV-L3)."""

    pool = TenantForeignKey(Pool, models.CASCADE, related_name="+")
    member = TenantForeignKey(Member, models.CASCADE, related_name="+")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "pool", "member", "day"], name="claim_counter_once")]


class OwnerReason(models.TextChoices):
    CREATED = "created", _("created it")
    CLAIM = "claim", _("claimed it")
    ASSIGN = "assign", _("was assigned it")
    TRANSFER = "transfer", _("was given it")
    IMPORT = "import", _("imported")


class Poolable(Record):
    """A record that is in a pool or has an owner, never both (INV-L1).

    A concrete model says which of its states mean what: `POOLED` lies in a pool, `OWNED` is held,
    `CLOCKED` are the held ones that go back by the clock, `DEALT` have led to a deal.
    """

    POOLED: str
    OWNED: tuple[str, ...]
    CLOCKED: tuple[str, ...]
    DEALT: tuple[str, ...] = ()

    pool = TenantForeignKey(Pool, null=True, blank=True, related_name="+", editable=False, verbose_name=_("pool"))
    home_pool = TenantForeignKey(Pool, null=True, blank=True, related_name="+", editable=False)
    owner = TenantForeignKey(Member, null=True, blank=True, related_name="+", editable=False, verbose_name=_("owner"))
    owner_reason = models.CharField(max_length=10, choices=OwnerReason, blank=True, editable=False)
    owned_at = models.DateTimeField(null=True, editable=False)
    last_followup_at = models.DateTimeField(_("last follow-up"), null=True, editable=False)
    first_response_at = models.DateTimeField(null=True, editable=False)
    reminded_on = models.DateField(null=True, editable=False)
    protected_until = models.DateField(_("protected until"), null=True, blank=True)
    locked = models.BooleanField(_("never returned by the clock"), default=False)
    return_count = models.PositiveIntegerField(default=0, editable=False)
    in_review = models.BooleanField(default=False, editable=False)
    previous_owner = TenantForeignKey(Member, null=True, related_name="+", editable=False)
    released_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True
