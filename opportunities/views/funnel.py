"""The weighted funnel as a page."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.core.people.reach import require

from ..filters import FunnelFilter
from ..listing import needless
from ..metrics import funnel


@require_safe
def show(request, tenant: str):
    require(request.member, "funnel.read")
    filters = FunnelFilter(request.GET, request=request)
    found = funnel(request.member, filters.readable, ladders=filters.ladders)
    context = {"funnel": found, "filter": filters, "carry": " ".join(needless(filters))}
    return render(request, "funnel/show.html", context)
