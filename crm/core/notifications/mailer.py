"""Mails what members have not read yet: one mail per member and minute, in the member's language."""

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.events.schedule import periodic
from crm.core.people.models import Member, User
from crm.core.tenancy.models import Tenant

from .models import Notification
from .texts import text_of

log = logging.getLogger(__name__)

# A mail server that has been down for longer gets no old news.
TRIED_FOR = timedelta(days=1)
IN_ONE_MAIL = 20


@periodic("notifications.mail", minutes=1)
def mail_notices(tenant: Tenant) -> int:
    """Mail each member what waits; returns the number of mails. One address that fails does not stop the others."""
    sent = 0
    for member in _waiting_members(tenant):
        try:
            with transaction.atomic():
                sent += _mail(tenant, member)
        except Exception:
            log.exception("mail to member %s of tenant %s failed, it is tried again", member.pk, tenant.pk)
    return sent


def waiting(tenant: Tenant):
    """Notices not mailed and not read, of active members who have joined."""
    return Notification.objects.of(tenant).filter(
        mailed_at=None, read_at=None, created_at__gt=timezone.now() - TRIED_FOR,
        recipient__is_active=True, recipient__user__is_active=True,
    )  # fmt: skip


@transaction.atomic
def _waiting_members(tenant: Tenant) -> list[Member]:
    ids = waiting(tenant).order_by().values("recipient_id")
    return list(Member.objects.of(tenant).filter(pk__in=ids).select_related("user"))


def _mail(tenant: Tenant, member: Member) -> bool:
    """Mark first, send last: a failed sending rolls the marks back, a second mailer finds the rows locked."""
    rows = waiting(tenant).filter(recipient=member).order_by("pk")
    notices = list(rows.select_for_update(of=("self",), skip_locked=True))
    if not notices or member.user is None:
        return False
    Notification.objects.of(tenant).filter(pk__in=[row.pk for row in notices]).update(mailed_at=timezone.now())
    send_in_language(member.user, tenant, lambda: _content(tenant, notices))
    return True


def send_in_language(user: User, tenant: Tenant, write) -> None:
    """Send `write()` → (subject, text) to the user, made in the user's language and the company's time zone."""
    with translation.override(language_of(user, tenant)), timezone.override(tenant.zone):
        subject, text = write()
    send_mail(" ".join(subject.split()), text, settings.DEFAULT_FROM_EMAIL, [user.email])


def language_of(user: User | None, tenant: Tenant) -> str:
    """The language a person reads: the one chosen, else the company's."""
    known = dict(settings.LANGUAGES)
    wanted = [getattr(user, "language", ""), tenant.locale, settings.LANGUAGE_CODE]
    return next(code for code in wanted if code in known)


def _content(tenant: Tenant, notices: list[Notification]) -> tuple[str, str]:
    for notice in notices:
        notice.tenant = tenant
    texts = [text_of(notice) for notice in notices[:IN_ONE_MAIL]]
    subject = texts[0].title
    if len(notices) > 1:
        subject = _("%(title)s and %(more)d more") % {"title": subject, "more": len(notices) - 1}
    context = {"texts": texts, "more": len(notices) - len(texts), "company": tenant, "site": settings.SITE_URL}
    return f"[{tenant.name}] {subject}", render_to_string("notifications/mail.txt", context)
