"""Who is in the company, as what, and how access ends."""

from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.company import holdings
from crm.core.errors import Refused
from crm.core.people.models import Invitation, Member, Seat, User
from crm.core.people.reach import require
from crm.core.people.roles import DEFAULT_REACH, Reach, Role

from .teams import set_teams
from .tokens import end_tokens


@transaction.atomic
def add_member(*, by: Member, name: str, email: str = "", roles=(Role.REP,), reach: str = "", user: User | None = None,
               teams=(), **values) -> Member:  # fmt: skip
    """Add a person to some teams; one without e-mail or user can own records but not sign in."""
    require(by, "member.manage")
    roles = _in_order(roles)
    reach = reach or widest_reach(roles)
    _check_roles(roles, reach)
    member = records.create(
        Member,
        by=by,
        name=name.strip(),
        email=email.strip().lower(),
        roles=roles,
        reach=reach,
        user=user,
        **values,
    )
    if user:
        Seat.objects.get_or_create(user=user, tenant_id=by.tenant_id)
    set_teams(member, teams, by=by)
    return member


def _in_order(roles) -> list[str]:
    """Each role once, known ones in the order of the table; unknown ones are left to the model's validation."""
    return sorted(set(roles), key=lambda role: Role.values.index(role) if role in Role.values else 99)


def widest_reach(roles) -> str:
    order = [Reach.PARTNER, Reach.OWN, Reach.TEAM, Reach.ALL]
    return max((DEFAULT_REACH.get(role, Reach.OWN) for role in roles), key=order.index, default=Reach.OWN)


def _check_roles(roles: list[str], reach: str) -> None:
    """Somebody has a role; a partner is nothing else and sees nothing else (domain.md 9)."""
    if not roles:
        raise ValidationError({"roles": _("Choose at least one role.")})
    if Role.PARTNER in roles and len(roles) > 1:
        raise ValidationError({"roles": _("A partner is not an employee: give this role alone.")})
    if (Role.PARTNER in roles) != (reach == Reach.PARTNER):
        raise ValidationError({"reach": _("“Own partner” is what partners see, and only they.")})


@transaction.atomic
def update_member(
    member: Member, *, by: Member, expected: int | None = None, name=None, email=None, phone=None, title=None,
    roles=None, reach=None, teams=None,
) -> Member:  # fmt: skip
    """Change what is given. Roles and reach count from the member's next request on."""
    require(by, "member.manage")
    given = {"name": name, "email": email, "phone": phone, "title": title, "roles": roles, "reach": reach}
    values = {field: value for field, value in given.items() if value is not None}
    if name is not None:
        values["name"] = name.strip()
    if roles is not None:
        values["roles"] = _in_order(roles)
    _keep_one_admin(member, values.get("roles", member.roles))
    before = records.lock(member)
    _check_roles(values.get("roles", before.roles), values.get("reach", before.reach))
    if email is not None:
        values["email"] = _changed_email(before, email)
    records.update(member, by=by, expected=expected, **values)
    if teams is not None:
        set_teams(member, teams, by=by)
    return member


def _changed_email(member: Member, email: str) -> str:
    """A new address ends the links that were mailed to the old one."""
    email = email.strip().lower()
    if email != member.email:
        end_invitations(member)
    return email


def end_invitations(member: Member) -> None:
    open_ones = Invitation.objects.of(member.tenant_id).filter(member=member, accepted_at=None)
    open_ones.filter(expires_at__gt=timezone.now()).update(expires_at=timezone.now())


def _keep_one_admin(member: Member, roles: list[str]) -> None:
    """Lock the administrators, so that two of them cannot dismiss each other, and leave one who can sign in."""
    admins = Member.objects.of(member.tenant_id).filter(
        is_active=True, user__is_active=True, roles__contains=[Role.ADMIN]
    )
    locked = list(admins.order_by("pk").select_for_update(of=("self",), no_key=True))
    if Role.ADMIN not in roles and member in locked and len(locked) == 1:
        raise Refused(_("The company needs at least one administrator."), code="LAST_ADMIN")


@transaction.atomic
def deactivate(member: Member, *, by: Member) -> Member:
    """End a member's access at once; refused while the member still holds live records (INV-A1).

    The lock on the member's row waits for transactions that are just handing
    over a record, and later ones see that the person has left (people.presence).
    """
    require(by, "member.manage")
    if member.pk == by.pk:
        raise Refused(_("You cannot deactivate yourself. Ask another administrator."), code="SELF")
    if member.is_system:
        raise Refused(_("The system's own member stays."), code="SYSTEM")
    _keep_one_admin(member, [])
    records.lock(member)
    _hand_over_first(member)
    end_tokens(member, by=by)
    end_invitations(member)
    records.update(member, by=by, verb="deactivated", is_active=False, deactivated_at=timezone.now())
    if member.user_id:
        _end_sessions(member)
    return member


def _hand_over_first(member: Member) -> None:
    if held := holdings.of(member):
        raise Refused(
            _("%(name)s still holds %(held)s. Transfer them first.")
            % {"name": member.name, "held": ", ".join(f"{count} {label}" for label, count in held)},
            code="STILL_HOLDS",
            held=[{"what": str(label), "count": count} for label, count in held],
        )


def _end_sessions(member: Member) -> None:
    """Give up the seat; a person without any company left is signed out everywhere."""
    Seat.objects.filter(user_id=member.user_id, tenant_id=member.tenant_id).delete()
    if not Seat.objects.filter(user_id=member.user_id).exists():
        for session in UserSession.objects.filter(user_id=member.user_id):
            session.end()


@transaction.atomic
def reactivate(member: Member, *, by: Member) -> Member:
    """Let a member in again, with the roles as they were; tokens stay revoked."""
    require(by, "member.manage")
    records.update(member, by=by, verb="reactivated", is_active=True, deactivated_at=None)
    if member.user_id:
        Seat.objects.get_or_create(user_id=member.user_id, tenant_id=member.tenant_id)
    return member


def update_profile(member: Member, *, by: Member, expected: int | None = None, name=None, phone=None) -> Member:
    """What everybody may change about themselves."""
    require(by, "profile.update", member)
    values = {"name": name, "phone": phone}
    given = {field: value.strip() for field, value in values.items() if value is not None}
    return records.update(member, by=by, expected=expected, **given)
