"""Receipts: the list, one of them, money that came in otherwise, and what is done with it."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from ..actions import allocation, payers
from ..actions.periods import posting_late
from ..actions.receipts import post_receipt, reverse_receipt
from ..desk_filters import ReceiptFilter
from ..desk_forms import ReceiptForm, ReverseForm, SharesForm
from ..models import Allocation, Receipt

RELATED = ("account", "legal_entity", "contract", "bank_line", "posted_by")


@require_safe
def receipts(request, tenant: str):
    require(request.member, "receipt.read")
    rows = Receipt.objects.visible_to(request.member).select_related("account", "legal_entity")
    filters = ReceiptFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=("-received_on", "-id"))
    context = {"page": page, "filter": filters, "may_post": may(request.member, "receipt.post")}
    return render(request, "receipts/list.html", context)


def create(request, tenant: str):
    require(request.member, "receipt.post")
    form = ReceiptForm(request.POST or None, member=request.member, initial=request.GET.dict())
    if receipt := attempt(form, lambda: _post(request.member, form.cleaned_data)):
        return go(request, "desk:receipt", pk=receipt.pk)
    return form_page(request, "receipts/form.html", form)


@transaction.atomic
def _post(member, data: dict) -> Receipt:
    values = {**data}
    approve, late = values.pop("approve_payer"), values.pop("late_reason", "")
    payers.admit(values["account"], values["payer"], by=member, approve=approve)
    with posting_late(by=member, reason=late):
        return post_receipt(by=member, **values)


@require_safe
def receipt(request, tenant: str, pk: int):
    found = _receipt(request, pk)
    rows = Allocation.objects.of(request.tenant).filter(receipt=found)
    rows = rows.select_related("receivable__contract", "by").order_by("pk")
    left = allocation.still_active(rows)
    context = {
        "receipt": found, "rows": [(row, left.get(row)) for row in rows],
        "may_post": may(request.member, "receipt.post"), "may_allocate": may(request.member, "allocate"),
    }  # fmt: skip
    return render(request, "receipts/detail.html", context)


def allocate(request, tenant: str, pk: int):
    """Use what is left of a receipt for receivables of its customer."""
    found = _receipt(request, pk)
    require(request.member, "allocate")
    owed = allocation.open_for(found).select_related("contract")[:100] if found.account_id else ()
    form = SharesForm(request.POST or None, member=request.member, owed=owed)
    if attempt(form, lambda: allocation.allocate(found, form.shares, by=request.member) if form.shares else True):
        return go(request, "desk:receipt", pk=pk)
    return form_page(request, "receipts/allocate.html", form, receipt=found)


@require_POST
def allocate_automatically(request, tenant: str, pk: int):
    found = _receipt(request, pk)
    if not allocation.allocate_automatically(found, by=request.member):
        messages.info(request, _("Nothing is open that it may be used for."))
    return go(request, "desk:receipt", pk=pk)


@require_POST
def unallocate(request, tenant: str, pk: int, row: int):
    """Take back what is left of one allocation, by an opposite row."""
    found = _receipt(request, pk)
    rows = Allocation.objects.of(request.tenant).filter(receipt=found)
    allocation.unallocate(_one(rows, row, request), by=request.member)
    return go(request, "desk:receipt", pk=pk)


def _one(rows, pk: int, request) -> Allocation:
    from django.http import Http404

    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404(_("There is nothing here."))
    return found


def reverse(request, tenant: str, pk: int):
    found = _receipt(request, pk)
    require(request.member, "receipt.post")
    form = ReverseForm(request.POST or None, initial={"release": bool(found.allocated)})
    if attempt(form, lambda: reverse_receipt(found, by=request.member, **form.cleaned_data)):
        return go(request, "desk:receipt", pk=pk)
    return form_page(request, "receipts/reverse.html", form, receipt=found)


def _receipt(request, pk: int) -> Receipt:
    return get_visible(Receipt, request, pk, "receipt.read", *RELATED)
