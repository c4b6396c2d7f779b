"""What other records show of leads."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.core.people.reach import require
from crm.core.web.pages import get_visible
from opportunities.models import Opportunity

from ..models import Lead


@require_safe
def origin(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The lead a deal came from, as a part of the deal's page (INV-G7); nothing where there was none."""
    require(request.member, "lead.read")
    deal = get_visible(Opportunity, request, pk, "opportunity.read")
    leads = Lead.objects.visible_to(request.member).filter(opportunity=deal)
    return render(request, "leads/origin.html", {"leads": leads})
