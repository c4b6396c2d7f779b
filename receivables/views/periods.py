"""Months of the legal entities: what is left to do, and the steps of closing and opening again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_safe

from crm.core.calendars import Period as Month
from crm.core.entities.models import LegalEntity
from crm.core.errors import Refused
from crm.core.events import history
from crm.core.people.reach import may, require
from crm.core.web.forms import MemberForm, attempt
from crm.core.web.pages import company_url, form_page, get_visible, go
from receivables.actions import periods
from receivables.checklist import checklist
from receivables.forms.closing import NothingForm, WhyForm
from receivables.models import Period

SHOWN = 14


@dataclass(frozen=True)
class Line:
    """A month as the list shows it; a month without a row is open."""

    month: date
    period: Period | None

    @property
    def status(self) -> str:
        return self.period.status if self.period else Period.Status.OPEN

    @property
    def label(self):
        return Period.Status(self.status).label


@require_safe
def period_list(request, tenant: str):
    """The last months of each legal entity."""
    require(request.member, "period.read")
    rows = Period.objects.visible_to(request.member).select_related("reopen_requested_by")
    found = {(row.legal_entity_id, row.month): row for row in rows}
    months = _months(request.tenant.today())
    entities = LegalEntity.objects.visible_to(request.member)
    blocks = [(entity, [Line(month, found.get((entity.pk, month))) for month in months]) for entity in entities]
    return render(request, "closing/periods.html", {"blocks": blocks})


def _months(today: date) -> list[date]:
    months = [Month.of(today, "month")]
    while len(months) < SHOWN:
        months.append(months[-1].previous)
    return [month.start for month in months if month.start]


def _named(request, pk: int, month: str) -> tuple[LegalEntity, date]:
    require(request.member, "period.read")
    entity = get_visible(LegalEntity, request, pk, "period.read")
    try:
        return entity, date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise BadRequest("month") from error


def _period(entity: LegalEntity, month: date) -> Period | None:
    rows = Period.objects.of(entity.tenant_id).select_related("reopen_requested_by", "legal_entity")
    return rows.filter(legal_entity=entity, month=month).first()


@require_safe
def period(request, tenant: str, pk: int, month: str):
    entity, first = _named(request, pk, month)
    found, member = _period(entity, first), request.member
    context = {
        "entity": entity, "month": first, "period": found, "line": Line(first, found), "list": checklist(entity, first),
        "events": _told(found) if found else [], "verbs": _offered(member, Line(first, found)),
    }  # fmt: skip
    return render(request, "closing/period.html", context)


WORDS = {
    "soft_closed": gettext_lazy("Soft closed"), "closed": pgettext_lazy("period", "Closed"),
    "opened_again": gettext_lazy("Opened again"), "reopen_requested": gettext_lazy("Asked to open again"),
    "reopened": gettext_lazy("Opened again by two persons"), "reopen_refused": gettext_lazy("Opening refused"),
    "posted_late": gettext_lazy("Posted after the soft close"),
}  # fmt: skip


def _told(period: Period) -> list[tuple[Any, Any]]:
    """What happened to a month, newest first, in words."""
    events = ((event, event.kind.partition(".")[2]) for event in history.of(period)[:50])
    return [(event, WORDS[verb]) for event, verb in events if verb in WORDS]


@dataclass(frozen=True)
class Step:
    """`act(entity, month, period, by=, …)` with what the form asks."""

    label: Any
    act: Callable[..., Period]
    form: type[MemberForm] = NothingForm
    explains: Any = ""


def _on_period(action) -> Callable[..., Period]:
    def act(entity, month, period, **how):
        if period is None:
            raise Refused(_("This month is open."), code="INVALID_TRANSITION")
        return action(period, **how)

    return act


STEPS = {
    "soft-close": Step(
        gettext_lazy("Soft close"), lambda entity, month, period, **how: periods.soft_close(entity, month, **how),
        explains=gettext_lazy("Afterwards only the finance lead posts into this month, with a reason."),
    ),
    "close": Step(
        pgettext_lazy("period", "Close"), lambda entity, month, period, **how: periods.close(entity, month, **how),
        explains=gettext_lazy("Afterwards nobody posts into this month. Opening it again takes two persons."),
    ),
    "open-again": Step(gettext_lazy("Open again"), _on_period(periods.open_again), WhyForm),
    "request-reopen": Step(
        gettext_lazy("Ask to open again"), _on_period(periods.request_reopen), WhyForm,
        gettext_lazy("Legal or an administrator decides; not you."),
    ),
    "approve-reopen": Step(gettext_lazy("Agree to open again"), _on_period(periods.approve_reopen)),
    "refuse-reopen": Step(gettext_lazy("Refuse to open again"), _on_period(periods.refuse_reopen), WhyForm),
}  # fmt: skip


def _offered(member, line: Line) -> list[tuple[str, Any]]:
    """The steps this member may take now; the actions decide."""
    asked = line.period is not None and line.period.reopen_requested_by_id
    closes = may(member, "period.close")
    offered = {
        "soft-close": closes and line.status == "open" and line.month < member.tenant.today().replace(day=1),
        "close": closes and line.status == "soft_closed",
        "open-again": line.status == "soft_closed" and periods.is_finance_lead(member),
        "request-reopen": closes and line.status == "closed" and not asked,
        "approve-reopen": asked and asked != member.pk and may(member, "period.approve_reopen"),
    }
    offered["refuse-reopen"] = offered["approve-reopen"]
    return [(verb, STEPS[verb].label) for verb, holds in offered.items() if holds]


def act(request, tenant: str, pk: int, month: str, verb: str):
    """The question of a step (GET), and the step (POST)."""
    entity, first = _named(request, pk, month)
    if (step := STEPS.get(verb)) is None:
        raise Http404
    found = _period(entity, first)
    form = step.form(request.POST if request.method == "POST" else None, member=request.member)
    if attempt(form, lambda: step.act(entity, first, found, by=request.member, **form.cleaned_data)):
        return go(request, "closing:period", pk=pk, month=month)
    where = company_url(request, "closing:period", pk=pk, month=month)
    title = f"{step.label}: {month} {entity}"
    return form_page(request, "closing/act.html", form, title=title, back=where, explains=step.explains)
