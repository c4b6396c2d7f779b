"""Ageing: the heat table, the rows behind a number, the file to take away, and where the buckets end."""

import io
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core import records
from crm.core.people.reach import may, require
from crm.core.spreadsheets import write_rows_csv, write_xlsx
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, go
from receivables import heat
from receivables.actions.credit import bounds_of, set_bounds
from receivables.ageing_rules import age
from receivables.forms.reports import BESIDE, GROUPS, AgeingForm, BoundsForm
from receivables.metrics import ageing
from receivables.metrics.ageing import UNALLOCATED, Question
from receivables.models import Receipt, Receivable

PAGE, MOST = 50, 100_000
FILES = {
    "csv": (write_rows_csv, "text/csv; charset=utf-8"),
    "xlsx": (write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@require_safe
def table(request, tenant: str):
    form = AgeingForm(request.GET, member=request.member)
    question, offset = form.question(), _number(request.GET.get("after") or "0")
    found = ageing.table(question, limit=PAGE, offset=offset)
    asked = form.asked(question)
    context = {
        "form": form, "question": question, "heat": heat.heat(question, found, asked), "here": urlencode(asked),
        "titles": heat.bucket_titles(question.bounds), "group": dict(GROUPS)[question.by],
        "may_manage": may(request.member, "credit.manage"),
        "page": Turn(str(offset + PAGE) if found.has_more else None, is_first=not offset),
    }  # fmt: skip
    return render(request, "ageing/table.html", context)


@dataclass(frozen=True)
class Turn:
    """What the pager needs: the cursor of the next page, and whether this is the first."""

    next: str | None
    is_first: bool


def _number(text: str, most: int = 10**9) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:12]) <= most):
        raise BadRequest("number")
    return int(text)


@require_safe
def rows(request, tenant: str):
    """Exactly the receivables (or receipts) that make up one number of the table."""
    form = AgeingForm(request.GET, member=request.member)
    question = form.question()
    bucket = _bucket(request.GET.get("bucket", "all"), question)
    narrowed = _group(request.GET.get("key", ""), question)
    items = ageing.items(narrowed, bucket, after=_after(request.GET.get("after", "")), limit=PAGE + 1)
    count, amount = ageing.totals(narrowed, bucket)
    context = {
        "question": question, "bucket": bucket, "title": _title(bucket, question), "is_receipts": bucket == UNALLOCATED,
        "items": _shown(items[:PAGE], narrowed), "count": count, "amount": amount,
        "back": urlencode(form.asked(question)),
        "page": Turn(_cursor(items[PAGE - 1]) if len(items) > PAGE else None, is_first=not request.GET.get("after")),
    }  # fmt: skip
    return render(request, "ageing/rows.html", context)


def _bucket(text: str, question: Question) -> int | None:
    if text in BESIDE:
        return BESIDE[text]
    return None if text == "all" else _number(text, most=len(question.bounds))


def _group(text: str, question: Question) -> Question:
    return question if not text else question.of(None if text == "none" else _number(text, most=2**62))


def _title(bucket: int | None, question: Question) -> str:
    if bucket is None:
        return _("All scheduled")
    beside = {ageing.UNSCHEDULED: _("Unscheduled"), UNALLOCATED: _("Advances")}
    return str(beside[bucket] if bucket < 0 else heat.bucket_titles(question.bounds)[bucket])


def _cursor(item: ageing.Item) -> str:
    return f"{item.due.isoformat() if item.due else ''}_{item.id}"


def _after(text: str) -> tuple[date | None, int] | None:
    if not text:
        return None
    day, _mark, pk = text.partition("_")
    try:
        return (date.fromisoformat(day) if day else None), _number(pk, most=2**62)
    except ValueError as error:
        raise BadRequest("cursor") from error


def _shown(items: list[ageing.Item], question: Question) -> list[dict]:
    """The rows with the records they stand for."""
    receipts = [item.id for item in items if item.bucket == UNALLOCATED]
    others = [item.id for item in items if item.bucket != UNALLOCATED]
    tenant = question.member.tenant_id
    found = (
        Receivable.objects.of(tenant).select_related("account", "contract", "owner").in_bulk(others) if others else {}
    )
    if receipts:
        found |= Receipt.objects.of(tenant).select_related("account", "contract", "account__owner").in_bulk(receipts)
    return [
        {"item": item, "record": found[item.id], "days": age(item.due, question.as_of) if item.due else None}
        for item in items
    ]


@require_POST
def export(request, tenant: str, kind: str):
    """The whole table as this member sees it, as a file; noted in the company's history."""
    if kind not in FILES:
        raise BadRequest("kind")
    form = AgeingForm(request.GET, member=request.member)
    question = form.question()
    found = ageing.table(question, limit=MOST)
    records.note(request.tenant, by=request.member, verb="ageing_exported",
                 data={**form.asked(question), "rows": len(found.rows), "kind": kind})  # fmt: skip
    return _file(kind, question, found)


def _file(kind: str, question: Question, found: ageing.Table) -> HttpResponse:
    write, content_type = FILES[kind]
    columns = [*question.buckets, ageing.UNSCHEDULED, UNALLOCATED]
    titles = [_("Group"), *map(str, heat.bucket_titles(question.bounds)), _("Unscheduled"), _("Advances"), _("Total")]
    lines = zip([*heat.labels(question, found), _("Total")], [*found.rows, found.total], strict=True)
    body = io.BytesIO()
    write(body, titles, [[label, *(row[bucket] for bucket in columns), row.total] for label, row in lines])
    name = f"ageing-{question.by}-{question.as_of}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store, private"}
    return HttpResponse(body.getvalue(), content_type=content_type, headers=headers)


def settings(request, tenant: str):
    """Where the buckets end."""
    require(request.member, "credit.manage")
    now = ", ".join(str(bound) for bound in bounds_of(request.tenant))
    form = BoundsForm(request.POST if request.method == "POST" else None, initial={"bounds": now})
    if attempt(form, lambda: set_bounds(form.cleaned_data["bounds"], by=request.member)):
        return go(request, "ageing:table")
    return form_page(request, "ageing/settings.html", form)
