"""Who belongs to the company: list, invite, edit, end and renew access."""

from django.conf import settings
from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.core.company import actions
from crm.core.company.filters import MemberFilter
from crm.core.company.forms import InviteForm, PersonForm
from crm.core.people.models import Invitation, Member, TeamMembership
from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page


def with_teams(rows):
    """Members with what a list shows of them, in a constant number of queries."""
    return rows.select_related("user").prefetch_related(
        Prefetch("memberships", TeamMembership._base_manager.select_related("team").order_by("team__path"))
    )


def members(request, tenant):
    require(request.member, "member.manage")
    rows = with_teams(Member.objects.visible_to(request.member))
    filters = MemberFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=("name", "id"))
    return render(request, "company/members.html", {"page": page, "filter": filters})


def invite(request, tenant):
    """Add a member; one with an address is invited at once."""
    require(request.member, "member.manage")
    form = InviteForm(request.POST or None, member=request.member)
    member = attempt(form, lambda: _add(request, form))
    if member:
        return go(request, "settings:member", pk=member.pk)
    return form_page(request, "company/invite.html", form)


def _add(request, form):
    if form.cleaned_data["email"]:
        member, _secret = actions.invite_member(by=request.member, teams=form.chosen_teams, **form.values)
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": member.email})
    else:
        member = actions.add_member(by=request.member, teams=form.chosen_teams, **form.values)
        messages.success(request, _("%(name)s has been added.") % {"name": member.name})
    return member


def member(request, tenant, pk):
    require(request.member, "member.manage")
    record = get_visible(Member, request, pk, "member.manage", "user")
    form = PersonForm(request.POST or None, instance=record, member=request.member)
    if attempt(form, lambda: _change(request, record, form)):
        messages.success(request, _("Saved."))
        return go(request, "settings:members")
    return form_page(request, "company/member.html", form, record=record, **_invitation(request, record))


def _change(request, record, form):
    teams = form.chosen_teams if "teams" in form.fields else None
    return actions.update_member(record, by=request.member, expected=form.expected, teams=teams, **form.values)


def _invitation(request, record) -> dict:
    """The link that is open for somebody who has not joined yet, for when mail does not arrive."""
    last = Invitation.objects.visible_to(request.member).filter(member=record, accepted_at=None).order_by("-pk").first()
    if record.user_id or last is None or not last.is_open:
        return {}
    return {"invitation": last, "link": settings.SITE_URL + actions.link_path(request.tenant, actions.secret_of(last))}


def _act(request, pk, act, said):
    record = get_visible(Member, request, pk, "member.manage")
    act(record, by=request.member)
    messages.success(request, said % {"name": record.name})
    return go(request, "settings:member", pk=pk)


@require_POST
def resend(request, tenant, pk):
    return _act(request, pk, actions.invite, _("%(name)s gets a new invitation; older links have ended."))


@require_POST
def deactivate(request, tenant, pk):
    return _act(request, pk, actions.deactivate, _("%(name)s has no access any more."))


@require_POST
def reactivate(request, tenant, pk):
    return _act(request, pk, actions.reactivate, _("%(name)s has access again."))
