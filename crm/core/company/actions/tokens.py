"""API tokens: made by their member, stored hashed, ended at once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import ApiToken, Member
from crm.core.people.reach import require

MOST_TOKENS = 20


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_token(member: Member, *, by: Member, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """A new API token of the member's own; the secret is returned once and stored hashed."""
    require(by, "token.manage", member)
    if expires_at and expires_at <= timezone.now():
        raise ValidationError({"expires_at": _("Choose a time to come.")})
    if sum(token.is_live for token in ApiToken.objects.of(by.tenant_id).filter(member=member)) >= MOST_TOKENS:
        raise Refused(_("You have %(n)d tokens. Revoke one first.") % {"n": MOST_TOKENS}, code="TOO_MANY_TOKENS")
    secret = f"ll_{secrets.token_urlsafe(30)}"
    token = ApiToken(
        tenant_id=by.tenant_id, member=member, name=name.strip(), prefix=secret[:8], digest=digest(secret),
        expires_at=expires_at,
    )  # fmt: skip
    token.clean_fields(exclude=["tenant", "member"])
    token.save(force_insert=True)
    records.note(member, by=by, verb="token_created", data={"token": token.pk, "name": token.name})
    return token, secret


@transaction.atomic
def revoke_token(token: ApiToken, *, by: Member) -> ApiToken:
    require(by, "token.manage", token.member)
    _revoke(ApiToken.objects.of(by.tenant_id).filter(pk=token.pk), token.member, by)
    token.refresh_from_db(fields=["revoked_at"])
    return token


def end_tokens(member: Member, *, by: Member) -> None:
    """Revoke all tokens of a member, within an act that ends their access."""
    _revoke(ApiToken.objects.of(member.tenant_id).filter(member=member), member, by)


def _revoke(tokens, member: Member, by: Member) -> None:
    for token in tokens.filter(revoked_at=None).order_by("pk").select_for_update(of=("self",)):
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        records.note(member, by=by, verb="token_revoked", data={"token": token.pk, "name": token.name})


def member_of_token(tenant, secret: str) -> Member | None:
    """The active member whose live token this is; notes the use once a minute at most."""
    rows = ApiToken.objects.of(tenant).select_related("member__user")
    token = rows.filter(digest=digest(secret)).first()
    if token is None or not token.is_live or not _may_act(token.member):
        return None
    if token.last_used_at is None or timezone.now() - token.last_used_at > timedelta(minutes=1):
        _note_use(token)
    return token.member


def _may_act(member: Member) -> bool:
    return member.is_active and member.user is not None and member.user.is_active


def _note_use(token: ApiToken) -> None:
    """Without waiting: parallel requests of one token must not queue behind each other."""
    row = ApiToken.objects.of(token.tenant_id).filter(pk=token.pk)
    if row.select_for_update(of=("self",), skip_locked=True, no_key=True).exists():
        row.update(last_used_at=timezone.now())
