"""Links by which people take the seats prepared for them.

A link's secret is derived from the invitation and the server's key: it can be
mailed again by the outbox, is never stored, and is worthless without the row.
"""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import Invitation, Member, Seat, User
from crm.core.people.reach import require
from crm.core.tenancy.models import Tenant

from .companies import system_member
from .members import add_member, end_invitations
from .tokens import digest

INVITATION_DAYS = 14


def secret_of(invitation: Invitation) -> str:
    """The secret part of the link."""
    what = f"{invitation.tenant_id}:{invitation.member_id}:{invitation.created_at.isoformat()}"
    return salted_hmac("crm.invitation", what, algorithm="sha256").hexdigest()


def link_path(tenant, secret: str) -> str:
    return reverse("company:join", kwargs={"slug": tenant.slug, "secret": secret})


@transaction.atomic
def invite(member: Member, *, by: Member) -> str:
    """Make the member a link to join by, valid 14 days, and mail it; returns its secret. Older links end."""
    require(by, "member.manage")
    member = records.lock(member)
    if not member.email:
        raise ValidationError({"email": _("Enter the e-mail address that the invitation goes to.")})
    if member.user_id:
        raise Refused(_("%(name)s has already joined.") % {"name": member.name}, code="ALREADY_JOINED")
    if not member.is_active:
        raise Refused(_("%(name)s is not active. Reactivate first.") % {"name": member.name}, code="INACTIVE")
    end_invitations(member)
    now = timezone.now()
    invitation = Invitation(
        tenant_id=by.tenant_id, member=member, invited_by=by, created_at=now,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    )  # fmt: skip
    invitation.digest = digest(secret_of(invitation))
    invitation.save(force_insert=True)
    records.note(member, by=by, verb="invited", data={"invitation": invitation.pk})
    return secret_of(invitation)


@transaction.atomic
def invite_member(*, by: Member, **values) -> tuple[Member, str]:
    """Add a member (as `add_member`) and invite them in one step; returns the member and the link's secret."""
    member = add_member(by=by, **values)
    return member, invite(member, by=by)


def find_invitation(tenant: Tenant | None, secret: str) -> Invitation | None:
    """The invitation behind a link, open or not; none when there is no such company."""
    if tenant is None:
        return None
    rows = Invitation.objects.of(tenant).select_related("member", "invited_by")
    return rows.filter(digest=digest(secret)).first()


def open_invitation(tenant: Tenant | None, secret: str) -> Invitation:
    """The invitation behind a link that still opens, or a refusal that says what to do."""
    return _still_open(find_invitation(tenant, secret))


def _still_open(invitation: Invitation | None) -> Invitation:
    if invitation is None or not invitation.is_open or invitation.member.user_id or not invitation.member.is_active:
        raise Refused(
            _("This invitation has ended. Ask the person who invited you for a new one."), code="INVITATION_ENDED"
        )
    return invitation


@transaction.atomic
def accept(invitation: Invitation, *, user: User) -> Member:
    """Seat `user` on the invited member; of two who accept at once, one is told that the link has ended."""
    member = records.lock(invitation.member)
    mine = Invitation.objects.of(member.tenant_id).filter(pk=invitation.pk)
    _still_open(mine.select_related("member").first())
    _not_twice(member, user)
    records.update(member, by=system_member(member.tenant_id), verb="joined", user=user)
    Seat.objects.get_or_create(user=user, tenant_id=member.tenant_id)
    mine.update(accepted_at=timezone.now())
    return member


def _not_twice(member: Member, user: User) -> None:
    present = Member.objects.of(member.tenant_id).filter(user=user).first()
    if present and present.is_active:
        raise Refused(_("You belong to this company already."), code="ALREADY_JOINED")
    if present:
        raise Refused(
            _("You belonged to this company before. Ask an administrator to reactivate you."), code="INACTIVE"
        )


@transaction.atomic
def accept_as_new_user(invitation: Invitation, *, name: str, password: str, language: str = "") -> User:
    """Open an account for the invited address and seat it; refused when the address has an account."""
    records.lock(invitation.member)
    if account_of(invitation):
        raise Refused(_("This e-mail address has an account already. Sign in first."), code="HAS_ACCOUNT")
    user = User.objects.create_user(invitation.member.email, password, name=name, language=language)
    member = accept(invitation, user=user)
    records.update(member, by=member, name=name)
    return user


def account_of(invitation: Invitation) -> User | None:
    """The account that the invited address has already."""
    return User.objects.filter(email=invitation.member.email).first()
