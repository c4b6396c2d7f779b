"""Customers and the people who work there (domain.md 3.3)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core import records
from crm.core.people.models import Member
from crm.core.people.reach import NOTHING, owners_covered
from crm.core.records import Record
from crm.core.tenancy.models import TenantForeignKey, TenantModel


class Account(Record):
    """A customer company: one record that outlives the person who made it."""

    class Kind(models.TextChoices):
        END_CUSTOMER = "end_customer", _("End customer")
        DISTRIBUTOR = "distributor", _("Distributor")
        BOTH = "both", _("Customer and distributor")
        GOVERNMENT = "government", _("Government")

    class Status(models.TextChoices):
        POTENTIAL = "potential", _("Potential")
        ACTIVE = "active", pgettext_lazy("customer", "Active")
        DORMANT = "dormant", _("Dormant")
        LOST = "lost", _("Lost")
        MERGED = "merged", _("Merged")

    MOVES = {
        Status.POTENTIAL: {Status.ACTIVE, Status.DORMANT, Status.LOST, Status.MERGED},
        Status.ACTIVE: {Status.DORMANT, Status.LOST, Status.MERGED},
        Status.DORMANT: {Status.ACTIVE, Status.LOST, Status.MERGED},
        Status.LOST: {Status.ACTIVE, Status.MERGED},
        Status.MERGED: set(),
    }

    name = models.CharField(_("company name"), max_length=200)
    uscc = models.CharField(_("credit code"), max_length=40, blank=True)
    # The normalised code when its check digit is right, else empty: the one that must be unique.
    valid_uscc = models.CharField(max_length=18, blank=True, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.END_CUSTOMER)
    parent = TenantForeignKey("self", null=True, blank=True, related_name="children", verbose_name=_("parent company"))
    region = models.CharField(_("region"), max_length=100, blank=True)
    industry = models.CharField(_("industry"), max_length=100, blank=True)
    size_band = models.CharField(_("size"), max_length=50, blank=True)
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    annual_revenue = models.DecimalField(_("annual revenue"), max_digits=18, decimal_places=2, null=True, blank=True)
    founded_year = models.PositiveSmallIntegerField(_("founded"), null=True, blank=True)
    phone = models.CharField(_("phone"), max_length=100, blank=True)
    website = models.CharField(_("website"), max_length=200, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    description = models.TextField(_("description"), blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.POTENTIAL, editable=False)
    owner = TenantForeignKey(Member, null=True, blank=True, related_name="+", editable=False, verbose_name=_("owner"))
    last_followup_at = models.DateTimeField(_("last follow-up"), null=True, editable=False)
    # Stands for customers an import did not name; shown with a mark everywhere.
    is_placeholder = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("customer"), _("customers")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "valid_uscc"], name="account_uscc_once",
                condition=~Q(valid_uscc="") & ~Q(status="merged"),
                violation_error_message=_("A customer with this credit code exists already."),
            )
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant", "owner", "-id"], name="account_of_owner"),
            models.Index(fields=["tenant", "name", "id"], name="account_by_name"),
        ]

    def __str__(self):
        return self.name

    @property
    def holder_ids(self) -> set[int]:
        """The owner and the collaborators (domain.md 9: own)."""
        return {*super().holder_ids, *(seat.member_id for seat in self.collaborations.all())}

    @classmethod
    def visible_q(cls, member) -> Q:
        return _held_by(owners_covered(member, "account.read"), member, "")

    def followed_up(self, activity) -> None:
        """Moves the clock of the last follow-up, never back."""
        told = min(activity.occurred_at, activity.recorded_at)
        if self.last_followup_at is None or told > self.last_followup_at:
            records.update(self, by=activity.actor, verb="followed_up", last_followup_at=told)


class Collaboration(TenantModel):
    """A member who works on an account beside its owner."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="collaborations")
    member = TenantForeignKey(Member, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "account", "member"], name="collaboration_once")]


class Contact(Record):
    """A person at an account."""

    account = TenantForeignKey(Account, related_name="contacts", verbose_name=_("customer"))
    name = models.CharField(_("full name"), max_length=100)
    title = models.CharField(_("job title"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    wechat = models.CharField(_("WeChat"), max_length=100, blank=True)
    note = models.TextField(_("note"), blank=True)
    has_left = models.BooleanField(_("has left the company"), default=False)

    class Meta:
        verbose_name, verbose_name_plural = _("contact"), _("contacts")
        ordering = ["name", "id"]

    def __str__(self):
        return self.name

    @property
    def holder_ids(self) -> set[int]:
        return self.account.holder_ids

    @classmethod
    def visible_q(cls, member) -> Q:
        return _held_by(owners_covered(member, "account.read"), member, "account__")


def _held_by(covered: set[int] | None, member: Member, path: str) -> Q:
    """Accounts (at the end of `path`) owned by the members `covered`, or on which one of them collaborates."""
    if covered is None:
        return Q()
    if not covered:
        return NOTHING
    shared = Collaboration.objects.of(member.tenant_id).filter(member__in=covered).values("account_id")
    return Q(**{f"{path}owner__in": covered}) | Q(**{f"{path.rstrip('_') or 'pk'}__in": shared})
