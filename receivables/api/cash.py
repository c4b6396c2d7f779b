"""The cash calendar over REST."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.errors import ValidationError
from crm.core.money import to_json
from crm.core.people.reach import require
from receivables.cash_periods import MONTH
from receivables.metrics import cash, cash_accuracy

CURRENCY = OpenApiParameter("currency", str, description="The company's own without it.")


def _text(amount):
    return None if amount is None else to_json(amount)


def _view(request) -> cash.View:
    member = request._request.member
    require(member, "cash.read")
    known = cash.currencies(member)
    asked = request.query_params.get("currency", known[0])
    if asked not in known:
        raise ValidationError({"currency": f"{', '.join(known)}"})
    return cash.View(member, asked, member.tenant.today())


class CashCalendarViewSet(viewsets.ViewSet):
    """What is expected when, of what the member may see, beside what came in. Money is text."""

    @extend_schema(
        parameters=[OpenApiParameter("by", str, enum=["month", "week"]), CURRENCY], responses=OpenApiTypes.OBJECT
    )
    def list(self, request, **kwargs):
        found = cash.calendar(_view(request), request.query_params.get("by", MONTH))
        names = ("planned", "receivables", "opportunities", "received", "total")
        lines = [
            {"period": line.span.text, "from": line.span.first, "until": line.span.last,
             **{name: _text(getattr(line, name)) for name in names}}
            for line in found.lines
        ]  # fmt: skip
        apart = {name: _text(found.apart[name]) for name in ("undated", "disputed")}
        terms = [{"kind": term.kind, "days": term.days, "share": str(term.share)} for term in found.terms]
        return Response({"currency": found.currency, "as_of": found.today, "periods": lines, "apart": apart,
                         "company_delay_days": found.delay.days, "terms": terms})  # fmt: skip

    @extend_schema(parameters=[CURRENCY], responses=OpenApiTypes.OBJECT)
    @action(detail=False)
    def accuracy(self, request, **kwargs):
        """Forecasts 90, 60, 30 and 7 days before each month, and what came in."""
        months = []
        for row in cash_accuracy.accuracy(_view(request)):
            cells = zip(cash_accuracy.HORIZONS, row.cells, strict=True)
            forecasts = {
                str(days): {"taken_on": cell.taken_on, "amount": to_json(cell.amount), "error": _percent(cell.error)}
                for days, cell in cells
                if cell
            }
            months.append({"period": row.span.text, "received": to_json(row.received), "forecasts": forecasts})
        return Response({"months": months})


def _percent(error) -> str | None:
    return None if error is None else str(error)


def register(router) -> None:
    router.register("cash-calendar", CashCalendarViewSet, basename="cash-calendar")
