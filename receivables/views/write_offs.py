"""Bad debt: asked for at a receivable, approved by two persons, recovered by a receipt."""

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import get_visible, go, keyset_page
from receivables.actions import provisions, write_offs
from receivables.closing_filters import WriteOffFilter
from receivables.forms.closing import AssessmentForm, RecoverForm, WriteOffForm
from receivables.models import ArEntry, Assessment, Receivable, WriteOff

from .acting import act_page

RELATED = ("receivable__account", "receivable__contract", "receivable__legal_entity", "created_by")


@require_safe
def write_off_list(request, tenant: str):
    require(request.member, "write_off.read")
    rows = WriteOff.objects.visible_to(request.member).select_related(*RELATED)
    filters = WriteOffFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""))
    return render(request, "closing/write_offs.html", {"page": page, "filter": filters})


@require_safe
def write_off(request, tenant: str, pk: int):
    found = get_visible(WriteOff, request, pk, "write_off.read", *RELATED)
    entries = ArEntry.objects.of(request.tenant).filter(source_type=write_offs.SOURCE, source_id=pk)
    can = found.status == "approved" and found.unrecovered and may(request.member, "allocate")
    return render(request, "closing/write_off.html", {"write_off": found, "entries": entries, "may_recover": can})


def _receivable(request, pk: int) -> Receivable:
    return get_visible(Receivable, request, pk, "receivable.read", "account", "contract", "legal_entity")


def ask(request, tenant: str, receivable: int):
    found = _receivable(request, receivable)
    require(request.member, "write_off.request")
    data = request.POST if request.method == "POST" else None
    form = WriteOffForm(data, member=request.member, initial={"amount": found.balance})
    if made := attempt(form, lambda: write_offs.request_write_off(found, by=request.member, **form.cleaned_data)):
        return go(request, "closing:write_off", pk=made.pk)
    explains = _("Two persons approve it. The contract keeps its amount; what comes in later is booked as recovered.")
    title = _("Write off %(receivable)s") % {"receivable": found}
    return act_page(request, form, title, "receivables:detail", found.pk, explains)


def recover(request, tenant: str, pk: int):
    found = get_visible(WriteOff, request, pk, "write_off.read", *RELATED)
    require(request.member, "allocate")
    data = request.POST if request.method == "POST" else None
    form = RecoverForm(data, member=request.member, write_off=found, initial={"amount": found.unrecovered})
    if attempt(form, lambda: write_offs.recover(found, by=request.member, **form.cleaned_data)):
        return go(request, "closing:write_off", pk=pk)
    explains = _("The write-off is reversed by the amount, and the receipt pays the receivable.")
    return act_page(
        request, form, _("Recovered: %(what)s") % {"what": found.receivable}, "closing:write_off", pk, explains
    )


def assess(request, tenant: str, receivable: int):
    """Judge a receivable on its own for the provision."""
    found = _receivable(request, receivable)
    require(request.member, "provision.run")
    data = request.POST if request.method == "POST" else None
    form = AssessmentForm(data, member=request.member, initial={"valid_from": request.tenant.today()})
    if attempt(form, lambda: _assess(found, form, request.member)):
        return go(request, "receivables:detail", pk=found.pk)
    title = _("Judge %(receivable)s on its own") % {"receivable": found}
    return act_page(request, form, title, "receivables:detail", found.pk)


def _assess(receivable: Receivable, form, member) -> Assessment:
    given = form.cleaned_data
    return provisions.assess(
        receivable, by=member, valid_from=given["valid_from"], rate=form.rate, reason=given["reason"]
    )


@require_safe
def panel(request, tenant: str, pk: int):
    """Write-offs and single assessments, as a part of a receivable's page."""
    found = _receivable(request, pk)
    require(request.member, "write_off.read")
    context = {
        "receivable": found, "write_offs": WriteOff.objects.visible_to(request.member).filter(receivable=found),
        "assessments": Assessment.objects.of(request.tenant).filter(receivable=found).select_related("created_by")[:5],
        "may_ask": found.balance > 0 and may(request.member, "write_off.request"),
        "may_assess": may(request.member, "provision.run"),
    }  # fmt: skip
    return render(request, "closing/receivable_panel.html", context)
