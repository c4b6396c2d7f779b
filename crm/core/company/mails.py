"""Mails about joining a company, sent from the outbox so that a mail server that is down delays and never loses."""

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.events.models import Event
from crm.core.events.outbox import on
from crm.core.people.models import Invitation
from crm.core.tenancy.models import Tenant

from .actions import link_path, secret_of


@on("member.invited")
def mail_link(event: Event) -> None:
    invitations = Invitation.objects.of(event.tenant_id).select_related("member", "invited_by")
    invitation = invitations.filter(pk=event.data["invitation"]).first()
    if invitation and invitation.is_open and not invitation.member.user_id:
        send_invitation(Tenant.objects.get(pk=event.tenant_id), invitation)


def send_invitation(tenant: Tenant, invitation: Invitation) -> None:
    """Mail the link in the company's language; the expiry date is the company's own."""
    language = tenant.locale if tenant.locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    path = link_path(tenant, secret_of(invitation))
    with translation.override(language), timezone.override(tenant.zone):
        subject = _("%(company)s invites you to Leadline") % {"company": " ".join(tenant.name.split())}
        context = {"invitation": invitation, "company": tenant, "link": settings.SITE_URL + path}
        text = render_to_string("company/mails/invitation.txt", context)
    send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [invitation.member.email])
