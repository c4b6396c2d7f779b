"""People of a company: users sign in, members act, teams form a tree (domain.md 3.1)."""

from __future__ import annotations

from functools import cached_property, reduce
from operator import or_

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.tenancy.managers import TenantManager, TenantQuerySet
from crm.core.tenancy.models import Tenant, TenantForeignKey, TenantModel

from .roles import Reach, Role


class UserManager(BaseUserManager):
    def create_user(self, email: str, password: str | None = None, **fields):
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email):
        return self.get(email=email.lower())


class User(AbstractBaseUser):
    """A person who signs in. Global: one person may work for several companies."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    def __str__(self):
        return self.name or self.email

    def get_full_name(self):
        return str(self)

    def clean(self):
        super().clean()
        self.email = self.email.lower()


class Seat(models.Model):
    """Which companies a user belongs to: ids only, read before a tenant is known."""

    user = models.ForeignKey(User, models.CASCADE, related_name="seats")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "tenant"], name="seat_once")]


class Member(TenantModel):
    """A person (or the system) in a company. The actor of every write."""

    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(_("name"), max_length=100)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    title = models.CharField(_("job title"), max_length=100, blank=True)
    roles = ArrayField(models.CharField(max_length=10, choices=Role), verbose_name=_("roles"), default=list)
    reach = models.CharField(_("sees"), max_length=7, choices=Reach, default=Reach.OWN)
    is_active = models.BooleanField(_("active"), default=True)
    is_system = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deactivated_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="member_once_per_user"),
            models.UniqueConstraint(
                fields=["tenant", "email"], condition=~Q(email=""), name="member_once_per_email",
                violation_error_message=_("A member with this e-mail exists already."),
            ),
            models.UniqueConstraint(fields=["tenant"], condition=Q(is_system=True), name="member_one_system"),
        ]  # fmt: skip

    def __str__(self):
        return self.name

    @classmethod
    def visible_q(cls, member) -> Q:
        """Colleagues know each other; a partner sees no other partner (domain.md 9), nobody the system."""
        people = Q(is_system=False)
        return (
            people & (Q(pk=member.pk) | ~Q(roles__contains=[Role.PARTNER])) if Role.PARTNER in member.roles else people
        )

    def has_role(self, *roles: str) -> bool:
        return self.is_system or any(role in self.roles for role in roles)

    @property
    def holder_ids(self) -> set[int]:
        return {self.pk}

    @cached_property
    def reachable_ids(self) -> set[int]:
        """Members whose records this member reaches by `reach`; self always (domain.md 9)."""
        if self.reach != Reach.TEAM:
            return {self.pk}
        return {self.pk, *TeamMembership.objects.of(self.tenant_id).within(self).values_list("member_id", flat=True)}

    @property
    def role_names(self) -> list[str]:
        return [str(Role(role).label) for role in self.roles]

    @property
    def state(self) -> str:
        """active, invited, unseated (owns records, does not sign in) or left."""
        if not self.is_active:
            return "left"
        if self.user_id:
            return "active"
        return "invited" if self.email else "unseated"


class Team(TenantModel):
    """A unit of the company: one tree per kind; a person may sit in several (matrix)."""

    class Kind(models.TextChoices):
        REGION = "region", _("Region")
        INDUSTRY = "industry", _("Industry")
        FUNCTION = "function", _("Function")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.REGION)
    parent = TenantForeignKey("self", null=True, blank=True, related_name="children", verbose_name=_("parent team"))
    head = TenantForeignKey(Member, null=True, blank=True, related_name="heads", verbose_name=_("head"))
    path = models.CharField(max_length=255, editable=False, db_index=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "parent", "name"], name="team_name_once", nulls_distinct=False,
                violation_error_message=_("A team with this name exists already."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.name

    @property
    def depth(self) -> int:
        return self.path.count("/") - 2

    @property
    def ancestors(self) -> list[int]:
        """Ids of the teams above, from the top."""
        return [int(pk) for pk in self.path.split("/")[1:-2]]

    def members(self) -> models.QuerySet[Member]:
        """Members of this team and of the teams below it."""
        seats = TeamMembership.objects.of(self.tenant_id).filter(team__path__startswith=self.path)
        return Member.objects.of(self.tenant_id).filter(pk__in=seats.values("member_id"))


class TeamMembershipQuerySet(TenantQuerySet):
    def within(self, member: Member):
        """Seats in the teams that `member` heads or sits in, and in the teams below."""
        teams = Team.objects.of(member.tenant_id).filter(Q(head=member) | Q(memberships__member=member))
        paths = set(teams.values_list("path", flat=True))
        return self.filter(reduce(or_, (Q(team__path__startswith=path) for path in paths))) if paths else self.none()


class TeamMembership(TenantModel):
    team = TenantForeignKey(Team, models.CASCADE, related_name="memberships")
    member = TenantForeignKey(Member, models.CASCADE, related_name="memberships")
    is_primary = models.BooleanField(_("main team"), default=False)

    objects = TenantManager.from_queryset(TeamMembershipQuerySet)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "team", "member"], name="team_member_once")]


class ApiToken(TenantModel):
    """A hashed token of a member; the secret is shown once."""

    member = TenantForeignKey(Member, models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=8, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="token_digest_once")]

    def __str__(self):
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def visible_q(cls, member) -> Q:
        return Q(member=member)

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class Invitation(TenantModel):
    """A mailed link by which a person takes a member's seat; hashed, once, for 14 days."""

    member = TenantForeignKey(Member, models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, editable=False)
    invited_by = TenantForeignKey(Member, models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="invitation_digest_once")]

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.expires_at > timezone.now()
