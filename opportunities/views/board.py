"""The kanban board and the moves on it."""

from urllib.parse import urlsplit

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.errors import ValidationError
from crm.core.people.reach import may, require
from crm.core.web.pages import company_url, go

from .. import actions
from ..board import NARROWING
from ..board import board as build
from ..cards import card_of
from ..filters import LOST, WON
from ..forms import MoveForm
from ..listing import needless
from ..models import Opportunity
from .deals import deal_or_404


@require_safe
def board(request, tenant: str):
    require(request.member, "opportunity.read")
    found = build(request.member, request.GET)
    hidden = [name for name in found.filters.filters if name not in NARROWING]
    context = {
        "board": found, "carry": " ".join([*hidden, *needless(found.filters)]),
        "may_create": may(request.member, "opportunity.create"),
    }  # fmt: skip
    return render(request, "opportunities/board.html", context)


@require_safe
def sums(request, tenant: str):
    """The heads of the columns alone, asked for by a card that has just been moved."""
    require(request.member, "opportunity.read")
    return render(request, "opportunities/_sums.html", {"board": build(request.member, request.GET, with_cards=False)})


@require_POST
def move(request, tenant: str, pk: int):
    """A card was dropped on a column, or a step was chosen; some moves ask a question first."""
    deal, form = deal_or_404(request, pk), MoveForm(request.POST, member=request.member)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    key = form.cleaned_data["stage"]
    if key == LOST or (key == WON and deal.amount is None):
        return go(request, "opportunities:act", pk=pk, verb="lose" if key == LOST else "win")
    stage, reason = actions.stage_of(deal, key), form.cleaned_data["reason"]
    if deal.pipeline.is_strict and stage.order < deal.stage.order and not reason:
        return go(request, "opportunities:act", pk=pk, verb="move-back")
    actions.move_stage(deal, stage, by=request.member, expected=form.expected, reason=reason)
    return moved(request, deal)


def moved(request, deal: Opportunity) -> HttpResponse:
    """The fresh card for the board, which then asks for the new sums; elsewhere the page of the deal."""
    if request.headers.get("X-Requested-With") != "kanban":
        return go(request, "opportunities:detail", pk=deal.pk)
    sums = f"{company_url(request, 'opportunities:sums')}?{urlsplit(request.headers.get('Referer', '')).query}"
    choices = [*deal.pipeline.stages.values_list("key", "name"), (LOST, _("Lost"))]
    context = {"card": card_of(deal.pk, request.member), "sums": sums, "choices": choices}
    return render(request, "opportunities/_moved.html", context)
