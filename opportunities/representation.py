"""A funnel as JSON: money as text, and with every number the address of the rows behind it."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from crm.core.money import to_json

from .metrics.funnel import Funnel, Row, Sums


def as_json(funnel: Funnel, tenant) -> dict[str, Any]:
    rows_at = reverse("api:opportunities-list", kwargs={"tenant": tenant.slug})

    def href(query: dict[str, Any]) -> str:
        return f"{rows_at}?{urlencode(query, doseq=True)}"

    return {
        "pipeline": {"key": funnel.ladder.pipeline.key, "name": funnel.ladder.pipeline.name},
        "period": {
            "value": funnel.span.text, "label": funnel.span.label, "start": funnel.span.start, "end": funnel.span.end,
        },
        "as_of": funnel.as_of,
        "currency": tenant.base_currency,
        "stages": [_row(row, href) for row in funnel.rows],
        "total": _sums(funnel.total, href),
        "no_close_date": funnel.undated and _sums(funnel.undated, href),
        "cohort": {
            "opened": funnel.cohort.reached[0], "won": funnel.cohort.won, "closed": funnel.cohort.closed,
            "win_rate": _text(funnel.cohort.win_rate), "provisional": funnel.is_provisional,
            "days_to_win": funnel.cycle and _text(funnel.cycle.median),
        },
        "forecast": {name: to_json(amount) for name, amount in _forecast(funnel).items()},
        "velocity": funnel.velocity and to_json(funnel.velocity),
    }  # fmt: skip


def _row(row: Row, href) -> dict[str, Any]:
    stage = row.stage
    return {
        "key": stage.key, "name": stage.name, "is_won": stage.is_won, "category": stage.category,
        "probability": _text(stage.probability),
        **_sums(row.sums, href),
        "reached": row.reached, "reached_href": href(row.reached_query),
        "conversion": _text(row.conversion),
        "still_open": row.still_open, "still_open_href": href(row.still_open_query),
        "days": row.stay and {"count": row.stay.count, "median": _text(row.stay.median), "mean": _text(row.stay.mean),
                              "p75": _text(row.stay.p75)},
        "open_days": None if stage.is_won else _text(row.open_days),
    }  # fmt: skip


def _sums(sums: Sums, href) -> dict[str, Any]:
    return {
        "count": sums.count, "amount": to_json(sums.amount), "weighted": to_json(sums.weighted),
        "href": href(sums.query),
        "without_amount": sums.without_amount, "without_amount_href": href(sums.without_amount_query),
    }  # fmt: skip


def _forecast(funnel: Funnel) -> dict[str, Decimal]:
    names = ("pipeline", "best_case", "commit", "closed", "open_pipeline", "best_case_forecast", "commit_forecast")
    return {name: getattr(funnel.forecast, name) for name in names}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
