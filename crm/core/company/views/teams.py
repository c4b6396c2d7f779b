"""The tree of teams, its heads and seats."""

from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.core.company import actions
from crm.core.company.forms import SeatForm, TeamForm
from crm.core.people.models import Member, Team
from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go


def in_tree_order(teams) -> list[Team]:
    """Each team after its parent, the children by name, one tree per kind after another."""
    below: dict[int | None, list[Team]] = {}
    for team in sorted(teams, key=lambda team: (team.kind, team.name)):
        below.setdefault(team.parent_id, []).append(team)

    def walk(parent_id):
        for team in below.get(parent_id, ()):
            yield team
            yield from walk(team.pk)

    return list(walk(None))


def teams(request, tenant):
    require(request.member, "team.manage")
    rows = Team.objects.visible_to(request.member).select_related("head")
    counted = rows.annotate(seats=Count("memberships", filter=Q(memberships__member__is_active=True)))
    return render(request, "company/teams.html", {"teams": in_tree_order(counted)})


def create(request, tenant):
    require(request.member, "team.manage")
    form = TeamForm(request.POST or None, member=request.member, initial={"parent": request.GET.get("parent")})
    team = attempt(form, lambda: actions.create_team(by=request.member, **form.values))
    if team:
        return go(request, "settings:team", pk=team.pk)
    return form_page(request, "company/team_new.html", form)


def team(request, tenant, pk):
    require(request.member, "team.manage")
    record = get_visible(Team, request, pk, "team.manage", "head")
    form = TeamForm(request.POST or None, instance=record, member=request.member)
    if attempt(form, lambda: actions.update_team(record, by=request.member, expected=form.expected, **form.values)):
        messages.success(request, _("Saved."))
        return go(request, "settings:teams")
    seats = record.memberships.select_related("member").order_by("member__name")
    context = {"record": record, "seats": seats, "seat_form": SeatForm(member=request.member)}
    return form_page(request, "company/team.html", form, **context)


@require_POST
def seat(request, tenant, pk):
    record = get_visible(Team, request, pk, "team.manage")
    form = SeatForm(request.POST, member=request.member)
    if attempt(form, lambda: actions.seat_in_team(record, form.cleaned_data["member"], by=request.member)):
        return go(request, "settings:team", pk=pk)
    messages.error(request, _("Choose a member of the company."))
    return go(request, "settings:team", pk=pk)


@require_POST
def unseat(request, tenant, pk, member):
    record = get_visible(Team, request, pk, "team.manage")
    person = get_visible(Member, request, member, "team.manage")
    actions.unseat(record, person, by=request.member)
    return go(request, "settings:team", pk=pk)
