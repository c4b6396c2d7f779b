"""The REST face of ageing and statements of account."""

from typing import Any

from django.forms import Form
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.models import Account
from crm.core.money import to_json
from crm.core.people.reach import require
from receivables.ageing_rules import bucket_names
from receivables.forms.reports import BESIDE, AgeingForm, SpanForm
from receivables.heat import labels
from receivables.metrics import ageing
from receivables.metrics.ageing import Question, Row
from receivables.metrics.dso import dso
from receivables.metrics.statement import Course, statement

MOST = 1000
QUESTION = [
    OpenApiParameter("as_of", OpenApiTypes.DATE, description="Today without it."),
    OpenApiParameter("by", str, enum=list(ageing.GROUPS)),
    OpenApiParameter("recorded", OpenApiTypes.DATETIME, description="As known at this moment."),
    *(OpenApiParameter(name, int) for name in ("legal_entity", "team", "owner", "account")),
]


def _asked(request) -> tuple[AgeingForm, Question]:
    form = AgeingForm(request.query_params, member=request._request.member)
    question = form.question()
    if form.errors:
        raise _wrong(form)
    return form, question


def _wrong(form: Form) -> exceptions.ValidationError:
    return exceptions.ValidationError({name: [str(error) for error in errors] for name, errors in form.errors.items()})


def _sums(question: Question, row: Row) -> dict[str, Any]:
    names = bucket_names(question.bounds)
    return {
        "buckets": {name: to_json(row[place]) for place, name in enumerate(names)}, "total": to_json(row.total),
        **{name: to_json(row[bucket]) for name, bucket in BESIDE.items()},
    }  # fmt: skip


class AgeingViewSet(viewsets.ViewSet):
    """What is open as of any day, by customer, team, owner, legal entity or contract; amounts as text."""

    @extend_schema(parameters=[*QUESTION, OpenApiParameter("offset", int)], responses=OpenApiTypes.OBJECT)
    def list(self, request, **kwargs):
        _form, question = _asked(request)
        found = ageing.table(question, limit=MOST, offset=_number(request.query_params.get("offset", "0")))
        rows = [
            {"id": row.key, "name": label, **_sums(question, row)}
            for row, label in zip(found.rows, labels(question, found), strict=True)
        ]
        return Response({
            "as_of": question.as_of, "recorded": question.cutoff, "by": question.by, "currency": question.currency,
            "rows": rows, "total": _sums(question, found.total), "has_more": found.has_more,
        })  # fmt: skip

    @extend_schema(
        parameters=[*QUESTION, OpenApiParameter("bucket", str), OpenApiParameter("key", str)],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=False)
    def rows(self, request, **kwargs):
        """The receivables behind a number: `bucket` is a bucket's name, unscheduled, unallocated (receipts) or all."""
        _form, question = _asked(request)
        bucket, key = _bucket(question, request.query_params.get("bucket", "all")), request.query_params.get("key", "")
        if key:
            question = question.of(None if key == "none" else _number(key))
        items = ageing.items(question, bucket, limit=MOST)
        count, amount = ageing.totals(question, bucket)
        return Response({"count": count, "amount": to_json(amount), "rows": [
            {"id": item.id, "due": item.due, "amount": to_json(item.amount)} for item in items
        ]})  # fmt: skip

    @extend_schema(parameters=QUESTION, responses=OpenApiTypes.OBJECT)
    @action(detail=False)
    def dso(self, request, **kwargs):
        """Days of sales outstanding; `is_more`: the months listed do not suffice."""
        _form, question = _asked(request)
        found = dso(question)
        back = {"days": str(found.count_back.days), "is_more": found.count_back.is_more}
        return Response({
            "as_of": question.as_of, "receivable": to_json(found.receivable), "invoiced": to_json(found.invoiced),
            "days": found.days, "simple": None if found.simple is None else str(found.simple), "count_back": back,
        })  # fmt: skip


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise exceptions.ValidationError({"detail": ["Send a whole number."]})
    return int(text)


def _bucket(question: Question, text: str) -> int | None:
    known: dict[str, int | None] = {"all": None, **BESIDE}
    known |= {name: place for place, name in enumerate(bucket_names(question.bounds))}
    if text not in known:
        raise exceptions.ValidationError({"bucket": [f"Choose one of {', '.join(known)}."]})
    return known[text]


class StatementOfAccountViewSet(viewsets.ViewSet):
    """对账单 of one customer, by the customer's id."""

    lookup_value_regex = r"\d{1,18}"

    @extend_schema(
        parameters=[
            OpenApiParameter("id", int, OpenApiParameter.PATH), OpenApiParameter("start", OpenApiTypes.DATE),
            OpenApiParameter("end", OpenApiTypes.DATE), OpenApiParameter("legal_entity", int),
        ],
        responses=OpenApiTypes.OBJECT,
    )  # fmt: skip
    def retrieve(self, request, pk: str, **kwargs):
        member = request._request.member
        require(member, "ageing.read")
        account = Account.objects.visible_to(member).filter(pk=int(pk)).first()
        if account is None:
            raise exceptions.NotFound
        form = SpanForm(request.query_params, member=member)
        if not form.is_valid():
            raise _wrong(form)
        found = statement(account, by=member, **{name: form.cleaned_data[name] for name in form.fields})
        return Response({
            "account": account.pk, "start": found.start, "end": found.end, "currency": found.currency,
            "owed": _course(found.owed), "advances": _course(found.held), "difference": to_json(found.difference),
            "open": [{"receivable": one.pk, "number": one.number, "due": item.due, "amount": to_json(item.amount)}
                     for item, one in found.items],
        })  # fmt: skip


def _course(course: Course) -> dict[str, Any]:
    entries = [
        {"day": entry.row.effective_date, "type": entry.row.type, "amount": to_json(entry.row.amount),
         "balance": to_json(entry.left)}
        for entry in course.entries
    ]  # fmt: skip
    return {"opening": to_json(course.opening), "entries": entries, "closing": to_json(course.closing)}


def register(router) -> None:
    """Add this part of the REST face."""
    router.register("ageing", AgeingViewSet, basename="ageing")
    router.register("statements-of-account", StatementOfAccountViewSet, basename="statements-of-account")
