"""Where a member lands, and what is to do today."""

from django.http import HttpResponseRedirect
from django.shortcuts import render

from crm.core.notifications.models import Notification
from crm.core.notifications.texts import text_of
from crm.core.people.roles import Role
from crm.core.web.pages import company_url

from . import checklist, worklist


def index(request, tenant):
    """The member's home by role (experience.md 2.5)."""
    return HttpResponseRedirect(home_of(request))


def home_of(request) -> str:
    """Managers begin with the funnel, once there is something in it; finance with the customers; others with today."""
    member = request.member
    if member.has_role(Role.MANAGER) and not member.has_role(Role.REP) and checklist.is_in_use(member):
        return company_url(request, "opportunities:funnel")
    if member.has_role(Role.FINANCE) and not member.has_role(Role.REP, Role.MANAGER):
        return company_url(request, "accounts:list")
    return company_url(request, "home:today")


def today(request, tenant):
    day = request.tenant.today()
    context = {
        "day": day,
        "tasks": worklist.tasks_due(request.member, day),
        "returning": worklist.leads_going_back(request.member),
        "closing": worklist.closing_this_month(request.member, day),
        "notices": _unread(request),
        "steps": checklist.steps(request.member),
    }
    return render(request, "home/today.html", context)


def _unread(request) -> list[Notification]:
    rows = list(Notification.objects.visible_to(request.member).filter(read_at=None)[:5])
    for row in rows:
        row.tenant = request.tenant
        row.text = text_of(row)
    return rows
