"""Small tools of the page face: one template as page or fragment, keyset pages, the answer to a form."""

import base64
import json
from dataclasses import dataclass

from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.people.reach import require

PAGE_SIZE = 50


def get_visible(model, request, pk: int, action: str, *related):
    """The record if the member may see it, else 404; 403 when the role lacks `action` altogether."""
    rows = model.objects.visible_to(request.member)
    record = (rows.select_related(*related) if related else rows).filter(pk=pk).first()
    if record is None:
        require(request.member, action)
        raise Http404(_("There is nothing here."))
    return record


def company_url(request, name: str, **kwargs) -> str:
    return reverse(name, kwargs={"tenant": request.tenant.slug, **kwargs})


def go(request, name: str, **kwargs) -> HttpResponse:
    """Send the browser on after a successful POST, by HTMX or without it."""
    url = company_url(request, name, **kwargs)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def form_page(request, template: str, form, **context) -> HttpResponse:
    """The form with what was typed; 422 when it has errors, 409 when a rule refused it."""
    refused = getattr(form, "refused", None)
    status = (refused.status if refused else 422) if form.is_bound and form.errors else 200
    return render(request, template, {"form": form, **context}, status=status)


@dataclass
class Page:
    """One page of a list by keyset: `next` is a cursor or None."""

    rows: list
    next: str | None
    is_first: bool

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)


def keyset_page(
    queryset: QuerySet, *, after: str = "", order: tuple[str, ...] = ("-id",), size: int = PAGE_SIZE
) -> Page:
    """The rows that follow the cursor `after` in `order`, whose last field is unique.

    Deep pages cost what the first one costs. Every field of `order` must be
    non-null. A cursor that cannot be read is a bad request (400).
    """
    queryset = queryset.order_by(*order)
    if after:
        queryset = _following(queryset, order, _read_cursor(after, len(order)))
    rows = list(queryset[: size + 1])
    following = _write_cursor(rows[size - 1], order) if len(rows) > size else None
    return Page(rows[:size], following, is_first=not after)


def _following(queryset: QuerySet, order, values) -> QuerySet:
    try:
        return queryset.filter(_beyond(order, values))
    except (TypeError, ValueError, ValidationError) as error:  # a value of another type than its column's
        raise BadRequest("cursor") from error


def _beyond(order, values) -> Q:
    """Rows after the tuple of values: a > x or (a = x and b > y) …"""
    beyond, equal = Q(), Q()
    for field, value in zip(order, values, strict=True):
        name = field.lstrip("-")
        beyond |= equal & Q(**{f"{name}__{'lt' if field.startswith('-') else 'gt'}": value})
        equal &= Q(**{name: value})
    return beyond


def _write_cursor(row, order) -> str:
    values = [getattr(row, field.lstrip("-").replace("__", ".")) for field in order]
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def _read_cursor(text: str, length: int) -> list:
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as error:
        raise BadRequest("cursor") from error
    if not isinstance(values, list) or len(values) != length or not all(isinstance(v, str | int) for v in values):
        raise BadRequest("cursor")
    if any(isinstance(value, int) and abs(value) > 2**62 for value in values):
        raise BadRequest("cursor")
    return values
