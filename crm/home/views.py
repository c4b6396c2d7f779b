"""Where a member lands, and what is to do today."""

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.core.notifications.models import Notification
from crm.core.notifications.texts import text_of
from crm.core.people.reach import require
from crm.core.people.roles import Role
from crm.core.web.pages import company_url
from receivables import due
from receivables.cash_periods import MONTH, Span
from receivables.metrics import board as figures
from receivables.metrics.cash import currencies

from . import checklist, finance, worklist

ROWS_SHOWN = 300
BEHIND = {
    figures.SIGNED: ("account", "owner"),
    figures.COLLECTED: ("receivable__account", "receivable__owner", "receipt"),
    figures.OVERDUE: ("account", "owner", "contract"),
}


def index(request, tenant):
    """The member's home by role (experience.md 2.5)."""
    return HttpResponseRedirect(home_of(request))


def home_of(request) -> str:
    """Managers begin with the funnel, once there is something in it; finance with its home; others with today."""
    member = request.member
    if member.has_role(Role.MANAGER) and not member.has_role(Role.REP) and checklist.is_in_use(member):
        return company_url(request, "opportunities:funnel")
    if member.has_role(Role.FINANCE) and not member.has_role(Role.REP, Role.MANAGER):
        return company_url(request, "home:finance")
    return company_url(request, "home:today")


def today(request, tenant):
    day = request.tenant.today()
    context = {
        "day": day,
        "tasks": worklist.tasks_due(request.member, day),
        "returning": worklist.leads_going_back(request.member),
        "closing": worklist.closing_this_month(request.member, day),
        "overdue": worklist.overdue(request.member),
        "due": worklist.due_this_week(request.member),
        "notices": _unread(request),
        "steps": checklist.steps(request.member),
    }
    return render(request, "home/today.html", context)


@require_safe
def finance_home(request, tenant):
    """What finance has to do, each number with its rows behind it."""
    require(request.member, "receipt.post")
    overdue, soon = due.overdue(request.member), due.due_this_week(request.member)
    context = {"day": request.tenant.today(), "tiles": finance.tiles(request.member), "overdue": overdue.first(8),
               "due": soon.first(8), "overdue_query": overdue.text, "due_query": soon.text}  # fmt: skip
    return render(request, "home/finance.html", context)


@require_safe
def board(request, tenant):
    """Orders signed, collections and overdue by member and month."""
    require(request.member, "cash.read")
    asked = _asked(request)
    lines, total = figures.by_member(asked, _month(request))
    months = figures.by_month(asked, request.tenant.today())
    context = {"lines": lines, "total": total, "months": months, "span": _month(request), "currency": asked.currency,
               "currencies": currencies(request.member)}  # fmt: skip
    return render(request, "home/board.html", context)


@require_safe
def board_rows(request, tenant, what):
    """The rows behind one number of the board."""
    require(request.member, "cash.read")
    if what not in figures.WHAT:
        raise Http404
    owner, asked, span = request.GET.get("owner", ""), _asked(request), _month(request)
    rows = asked.rows(what, span, int(owner) if owner.isascii() and owner.isdigit() and len(owner) < 19 else None)
    shown = rows.select_related(*BEHIND[what]).order_by("-day", "-pk")[:ROWS_SHOWN]
    context = {"rows": shown, "total": figures.total_of(rows), "count": rows.count(), "what": what, "span": span,
               "currency": asked.currency}  # fmt: skip
    return render(request, "home/board_rows.html", context)


def _asked(request) -> figures.Board:
    known, asked = currencies(request.member), request.GET.get("currency", "")
    return figures.Board(request.member, asked if asked in known else known[0])


def _month(request) -> Span:
    """The month asked for; the current one when none is, or none can be read."""
    try:
        return Span.parse(request.GET.get("month", ""))
    except ValidationError:
        return Span.of(request.tenant.today(), MONTH)


def _unread(request) -> list[Notification]:
    rows = list(Notification.objects.visible_to(request.member).filter(read_at=None)[:5])
    for row in rows:
        row.tenant = request.tenant
        row.text = text_of(row)
    return rows
