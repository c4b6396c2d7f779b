"""The cash calendar: what is expected when, the rows behind each number, and how past forecasts fared."""

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from crm.core.people.reach import require
from receivables.cash_periods import AROUND, MONTH, WEEK, Span
from receivables.metrics import cash, cash_accuracy
from receivables.models import PaymentDelay

SHOWN = 300
WHAT = {
    "planned": _("Due by plan"),
    "receivables": _("Expected of receivables"),
    "opportunities": _("Expected of open opportunities"),
    "received": _("Actually received"),
}


def _view(request, known: list[str] | None = None) -> cash.View:
    """In the currency asked for, if something is owed in it."""
    require(request.member, "cash.read")
    known = known or cash.currencies(request.member)
    asked = request.GET.get("currency", "")
    return cash.View(request.member, asked if asked in known else known[0], request.tenant.today())


@require_safe
def calendar(request, tenant):
    known, by = cash.currencies(request.member), request.GET.get("by", MONTH)
    found = cash.calendar(_view(request, known), by if by in AROUND else MONTH)
    context = {"calendar": found, "by": found.lines[0].span.by, "month": MONTH, "week": WEEK, "currencies": known}
    return render(request, "cash/calendar.html", context)


@require_safe
def rows(request, tenant, what):
    """The rows behind one number; their sum is the number."""
    view = _view(request)
    if what not in WHAT:
        raise Http404
    try:
        span = Span.parse(request.GET.get("period", ""))
    except ValidationError:
        span = Span.of(view.today, MONTH)
    found = cash.behind(view.rows(what, span), what, SHOWN)
    context = {"rows": found, "what": what, "title": WHAT[what], "span": span, "currency": view.currency}
    return render(request, "cash/rows.html", context)


@require_safe
def accuracy(request, tenant):
    view = _view(request)
    context = {"rows": cash_accuracy.accuracy(view), "horizons": cash_accuracy.HORIZONS, "currency": view.currency}
    return render(request, "cash/accuracy.html", context)


@require_safe
def delays(request, tenant):
    """How late each customer really pays."""
    require(request.member, "cash.read")
    measured = PaymentDelay.objects.visible_to(request.member).filter(account__isnull=False).select_related("account")
    company = cash.company_delay(request.tenant)
    context = {"delays": measured.order_by("-days", "account__name")[:SHOWN], "company_delay": company}
    return render(request, "cash/delays.html", context)
