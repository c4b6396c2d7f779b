"""Visits: a phone page that takes seconds, the list by day, and one visit."""

import uuid

from django.contrib import messages
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.activities import actions, subjects, timeline
from crm.core.activities.filters import ActivityFilter
from crm.core.activities.models import Activity, ActivityLink, Attachment
from crm.core.identity.search import matching, page_of
from crm.core.people.models import TeamMembership
from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.idempotency import once
from crm.core.web.pages import form_page, go, keyset_page

from .. import nearby
from ..filters import VIEWS
from ..forms import VisitForm, degrees
from ..models import Account
from .accounts import account_or_404

VISIT = Activity.Type.VISIT
CLOCK_SKEW_S = 300
POOR_ACCURACY_M = 500


def new(request, tenant: str):
    """Log a visit; what was typed comes back when something is missing."""
    require(request.member, "activity.create")
    initial = {**request.GET.dict(), "key": str(uuid.uuid4())}
    form = VisitForm(request.POST or None, request.FILES or None, initial=initial, member=request.member)
    saved = attempt(form, lambda: save(request.member, form))
    if saved:
        messages.success(request, _("Visit saved."))
        return go(request, "visits:detail", pk=saved)
    return form_page(request, "visits/new.html", form, choices=offered(request, form["account"].value()))


def save(member, form: VisitForm) -> int:
    """Log the visit once for each key and content, so that a double tap is one visit; its id."""

    def act():
        visit = actions.log([form.cleaned_data["account"]], by=member, type=VISIT, **form.values)
        return 201, {"id": visit.pk}

    key = form.cleaned_data["key"] or str(uuid.uuid4())
    return once(member, f"visit:{key}:{form.print}", form.print, act)[1]["id"]


@require_safe
def customers(request, tenant: str):
    """The customer chips again: for a search, or when the device knows where it is."""
    require(request.member, "activity.create")
    chosen = request.GET.get("account")
    context = {"choices": offered(request, chosen), "chosen": chosen}
    return render(request, "visits/_customers.html", context)


def offered(request, chosen) -> list[nearby.Choice]:
    """The chosen customer, then what the search finds, or without one the nearest and latest."""
    member, text = request.member, request.GET.get("q", "").strip()[:100]
    rows = Account.objects.visible_to(member).exclude(status=Account.Status.MERGED)
    first = list(rows.filter(pk=number(chosen)))
    if text:
        found = [nearby.Choice(account) for account in matching(rows, text).order_by("-id")[: nearby.OFFERED]]
    else:
        found = nearby.choices(member, position(request))
    known = [choice for choice in found if choice.account not in first]
    return [*(nearby.Choice(account) for account in first), *known]


def number(text) -> int:
    """The id in a query, 0 for anything else."""
    text = str(text or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def position(request):
    place = degrees(request.GET.get("latitude", ""), 90), degrees(request.GET.get("longitude", ""), 180)
    return None if None in place else place


@require_safe
def visits(request, tenant: str):
    """Visits by day: mine, my teams', all that one may see, or those to one customer."""
    require(request.member, "activity.read")
    view, rows = request.GET.get("view") or "mine", Activity.objects.visible_to(request.member)
    account = account_or_404(request, number(request.GET["account"])) if request.GET.get("account") else None
    rows = timeline.activities_of(account) if account else of_view(rows, request.member, view)
    filters = ActivityFilter(request.GET, rows.filter(type=VISIT).select_related("actor"), request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=("-occurred_at", "-id"))
    name_subjects(page.rows, request.member)
    context = {"page": page, "filter": filters, "view": view, "views": VIEWS, "account": account}
    return render(request, "visits/list.html", context)


def of_view(rows, member, view: str):
    if view == "mine":
        return rows.filter(actor=member)
    if view == "team":
        return rows.filter(actor__in=TeamMembership.objects.of(member.tenant_id).within(member).values("member_id"))
    return rows


def name_subjects(activities: list[Activity], member) -> None:
    """Give each activity `about`: the customers it was about, else the other records, as far as one may see them."""
    links = ActivityLink.objects.of(member.tenant_id).filter(activity__in=[activity.pk for activity in activities])
    about = subjects.named(list(links.values_list("activity_id", "subject_type", "subject_id")), member)
    for activity in activities:
        accounts = [record for record in about[activity.pk] if isinstance(record, Account)]
        activity.about = [(str(record), page_of(record, member)) for record in accounts or about[activity.pk]]


@require_safe
def detail(request, tenant: str, pk: int):
    require(request.member, "activity.read")
    rows = Activity.objects.of(request.tenant).filter(Activity.readable_q(request.member), type=VISIT, pk=pk)
    visit = rows.select_related("actor").first()
    if visit is None:
        raise Http404(_("There is nothing here."))
    name_subjects([visit], request.member)
    files = Attachment.objects.of(request.tenant).filter(
        links__subject_type="activities.activity", links__subject_id=visit.pk
    )
    skew = visit.device_time and abs((visit.device_time - visit.recorded_at).total_seconds()) > CLOCK_SKEW_S
    poor = visit.accuracy_m is not None and visit.accuracy_m > POOR_ACCURACY_M
    return render(request, "visits/detail.html", {"visit": visit, "files": files, "skew": skew, "poor": poor})
