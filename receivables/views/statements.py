"""Statements of account, as a page and as a PDF; and the indicators of collection."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from crm.core.calendars import Period
from crm.core.identity.search import matching
from crm.core.people.reach import require
from crm.core.web import pdf
from crm.core.web.pages import get_visible, keyset_page
from receivables.forms.reports import AgeingForm, SpanForm
from receivables.metrics.collection import collection
from receivables.metrics.dso import dso
from receivables.metrics.statement import Statement, statement

MONTHS = 12


def _asked(request, pk: int) -> tuple[Statement, SpanForm]:
    """The statement that the address names; a field that cannot be read counts as not given."""
    require(request.member, "ageing.read")
    account = get_visible(Account, request, pk, "account.read", "owner")
    form = SpanForm(request.GET, member=request.member)
    form.is_valid()
    given = form.cleaned_data
    return statement(
        account, by=request.member, start=given["start"], end=given["end"], legal_entity=given.get("legal_entity")
    ), form


@require_safe
def show(request, tenant: str, pk: int):
    found, form = _asked(request, pk)
    return render(request, "statements/show.html", {"statement": found, "form": form})


@require_safe
def paper(request, tenant: str, pk: int) -> HttpResponse:
    """The same on paper."""
    found, _form = _asked(request, pk)
    name = f"{_('Statement')} {found.account} {found.end}"
    context = {"statement": found, "company": request.tenant}
    return pdf.answer("statements/paper.html", context, stylesheet="statements/paper.css", name=name)


@require_safe
def customers(request, tenant: str):
    """Whose statement: the customers one sees."""
    require(request.member, "ageing.read")
    rows, words = Account.objects.visible_to(request.member).select_related("owner"), request.GET.get("q", "").strip()
    found = matching(rows, words) if words else rows
    return render(
        request, "statements/customers.html", {"page": keyset_page(found, after=request.GET.get("after", ""))}
    )


@require_safe
def indicators(request, tenant: str):
    """DSO as of a day, and month by month what came in of what fell due."""
    form = AgeingForm(request.GET, member=request.member)
    question = form.question()
    months = [Period.of(question.as_of, "month")]
    while len(months) < MONTHS:
        months.append(months[-1].previous)
    entity = question.entities[0] if question.entities else None
    rates = [(month, collection(request.member, month, entity=entity, owners=question.owners)) for month in months]
    return render(
        request, "ageing/indicators.html", {"form": form, "question": question, "dso": dso(question), "rates": rates}
    )
