"""What is done with companies, members, teams and tokens."""

import hashlib
import secrets
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import ApiToken, Invitation, Member, Seat, Team, TeamMembership, User
from crm.core.people.reach import require
from crm.core.people.roles import DEFAULT_REACH, Reach, Role
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.slugs import RESERVED_SLUGS
from crm.core.tenancy.state import enter

from . import holdings

INVITATION_DAYS = 14


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def found_company(*, name: str, founder: User, slug: str = "", **options) -> tuple[Tenant, Member]:
    """Open a company with its system member and its first admin (the founder, who also sells)."""
    tenant = Tenant(name=name, slug=slug or free_slug(name), **options)
    tenant.full_clean()
    tenant.save()
    with enter(tenant):
        system = Member(tenant=tenant, name="Leadline", is_system=True, reach=Reach.ALL)
        system.save(force_insert=True)
        admin = add_member(
            by=system, name=str(founder), email=founder.email, roles=[Role.ADMIN, Role.MANAGER], reach=Reach.ALL,
            user=founder,
        )  # fmt: skip
        for prepare in holdings.on_founding:
            prepare(tenant, system)
    return tenant, admin


def free_slug(name: str) -> str:
    """An address for the company: its Latin name, else its pinyin, made unique."""
    from pypinyin import lazy_pinyin

    base = slugify("".join(lazy_pinyin(name)))[:30].strip("-") or "company"
    if len(base) < 2 or base in RESERVED_SLUGS:
        base = f"{base}-co"
    slug, n = base, 1
    while Tenant.objects.filter(slug=slug).exists():
        n += 1
        slug = f"{base}-{n}"
    return slug


def system_member(tenant) -> Member:
    """The actor of jobs."""
    return Member.objects.of(tenant).get(is_system=True)


def add_member(*, by: Member, name: str, email: str = "", roles=(Role.REP,), reach: str = "", user: User | None = None,
               **values) -> Member:  # fmt: skip
    """Add a person; one without e-mail or user can own records but not sign in."""
    require(by, "member.manage")
    roles = list(roles)
    member = records.create(
        Member,
        by=by,
        name=name,
        email=email.lower(),
        roles=roles,
        reach=reach or widest_reach(roles),
        user=user,
        **values,
    )
    if user:
        Seat.objects.get_or_create(user=user, tenant_id=by.tenant_id)
    return member


def widest_reach(roles) -> str:
    order = [Reach.PARTNER, Reach.OWN, Reach.TEAM, Reach.ALL]
    return max((DEFAULT_REACH[role] for role in roles), key=order.index, default=Reach.OWN)


def update_member(member: Member, *, by: Member, expected=None, **values) -> Member:
    require(by, "member.manage")
    if "roles" in values and Role.ADMIN in member.roles and Role.ADMIN not in values["roles"]:
        _keep_one_admin(member)
    return records.update(member, by=by, expected=expected, **values)


def _keep_one_admin(member: Member) -> None:
    others = Member.objects.of(member.tenant_id).filter(
        is_active=True, user__isnull=False, roles__contains=[Role.ADMIN]
    )
    if not others.exclude(pk=member.pk).exists():
        raise Refused(_("The company needs at least one administrator."), code="LAST_ADMIN")


def invite(member: Member, *, by: Member) -> str:
    """Make the member a link to join by, valid 14 days; returns the secret for the mail. Older links end."""
    require(by, "member.manage")
    if not member.email:
        raise ValidationError({"email": _("Enter the e-mail address that the invitation goes to.")})
    if member.user_id:
        raise Refused(_("%(name)s has already joined.") % {"name": member.name}, code="ALREADY_JOINED")
    secret = secrets.token_urlsafe(32)
    now = timezone.now()
    Invitation.objects.of(by.tenant_id).filter(member=member, accepted_at=None).update(expires_at=now)
    Invitation(
        tenant_id=by.tenant_id, member=member, digest=digest(secret), invited_by=by,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    ).save(force_insert=True)  # fmt: skip
    records.note(member, by=by, verb="invited")
    return secret


def open_invitation(tenant, secret: str) -> Invitation:
    """The invitation behind a link, or a refusal that says what to do."""
    invitation = Invitation.objects.of(tenant).select_related("member").filter(digest=digest(secret)).first()
    if invitation is None or not invitation.is_open or invitation.member.user_id or not invitation.member.is_active:
        raise Refused(
            _("This invitation has ended. Ask the person who invited you for a new one."), code="INVITATION_ENDED"
        )
    return invitation


@transaction.atomic
def accept(invitation: Invitation, *, user: User) -> Member:
    """Seat `user` on the invited member."""
    member = invitation.member
    if Member.objects.of(member.tenant_id).filter(user=user).exists():
        raise Refused(_("You belong to this company already."), code="ALREADY_JOINED")
    records.update(member, by=system_member(member.tenant_id), verb="joined", user=user)
    Seat.objects.get_or_create(user=user, tenant_id=member.tenant_id)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    return member


@transaction.atomic
def deactivate(member: Member, *, by: Member) -> Member:
    """End a member's access at once; refused while the member still holds live records (INV-A1)."""
    require(by, "member.manage")
    if member.pk == by.pk:
        raise Refused(_("You cannot deactivate yourself. Ask another administrator."), code="SELF")
    _keep_one_admin(member)
    if held := holdings.of(member):
        raise Refused(
            _("%(name)s still holds %(held)s. Transfer them first.")
            % {"name": member.name, "held": ", ".join(f"{count} {label}" for label, count in held)},
            code="STILL_HOLDS",
        )
    ApiToken.objects.of(by.tenant_id).filter(member=member, revoked_at=None).update(revoked_at=timezone.now())
    Invitation.objects.of(by.tenant_id).filter(member=member, accepted_at=None).update(expires_at=timezone.now())
    records.update(member, by=by, verb="deactivated", is_active=False, deactivated_at=timezone.now())
    if member.user_id:
        _end_sessions(member)
    return member


def _end_sessions(member: Member) -> None:
    """Give up the seat; a person without any company left is signed out everywhere."""
    Seat.objects.filter(user_id=member.user_id, tenant_id=member.tenant_id).delete()
    if not Seat.objects.filter(user_id=member.user_id).exists():
        for session in UserSession.objects.filter(user_id=member.user_id):
            session.end()


@transaction.atomic
def reactivate(member: Member, *, by: Member) -> Member:
    require(by, "member.manage")
    records.update(member, by=by, verb="reactivated", is_active=True, deactivated_at=None)
    if member.user_id:
        Seat.objects.get_or_create(user_id=member.user_id, tenant_id=member.tenant_id)
    return member


def create_team(*, by: Member, name: str, kind: str = Team.Kind.REGION, parent: Team | None = None, head=None) -> Team:
    require(by, "team.manage")
    team = records.create(Team, by=by, name=name, kind=kind, parent=parent, head=head, path="/")
    return records.update(team, by=by, verb="placed", path=_path(team, parent))


def _path(team: Team, parent: Team | None) -> str:
    return f"{parent.path if parent else '/'}{team.pk}/"


@transaction.atomic
def update_team(team: Team, *, by: Member, expected=None, **values) -> Team:
    """Change a team; moving it takes its branch along and may not make a circle."""
    require(by, "team.manage")
    old_path = team.path
    if "parent" in values:
        parent = values["parent"]
        if parent and parent.path.startswith(old_path):
            raise ValidationError({"parent": _("A team cannot be below itself. Choose another parent.")})
        values["path"] = _path(team, parent)
    records.update(team, by=by, expected=expected, **values)
    for below in Team.objects.of(by.tenant_id).filter(path__startswith=old_path).exclude(pk=team.pk):
        records.update(below, by=by, verb="placed", path=team.path + below.path.removeprefix(old_path))
    return team


def seat_in_team(team: Team, member: Member, *, by: Member, is_primary: bool = False) -> TeamMembership:
    require(by, "team.manage")
    seat, created = TeamMembership.objects.of(by.tenant_id).get_or_create(
        tenant_id=by.tenant_id, team=team, member=member, defaults={"is_primary": is_primary}
    )
    if created:
        records.note(member, by=by, verb="joined_team", data={"team": team.pk})
    return seat


def unseat(team: Team, member: Member, *, by: Member) -> None:
    require(by, "team.manage")
    if TeamMembership.objects.of(by.tenant_id).filter(team=team, member=member).delete()[0]:
        records.note(member, by=by, verb="left_team", data={"team": team.pk})


def create_token(member: Member, *, by: Member, name: str, expires_at=None, scopes=()) -> tuple[ApiToken, str]:
    """A new API token of the member's own; the secret is returned once and stored hashed."""
    require(by, "token.manage", member)
    secret = f"ll_{secrets.token_urlsafe(30)}"
    token = ApiToken(
        tenant_id=by.tenant_id, member=member, name=name, prefix=secret[:8], digest=digest(secret),
        expires_at=expires_at, scopes=list(scopes),
    )  # fmt: skip
    token.save(force_insert=True)
    records.note(member, by=by, verb="token_created", data={"token": token.pk, "name": name})
    return token, secret


def revoke_token(token: ApiToken, *, by: Member) -> None:
    require(by, "token.manage", token.member)
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    records.note(token.member, by=by, verb="token_revoked", data={"token": token.pk, "name": token.name})


def member_of_token(tenant, secret: str) -> Member | None:
    """The active member whose live token this is; notes the use once a minute at most."""
    token = ApiToken.objects.of(tenant).select_related("member").filter(digest=digest(secret)).first()
    if token is None or not token.is_live or not token.member.is_active:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.of(tenant).filter(pk=token.pk).update(last_used_at=now)
    return token.member
