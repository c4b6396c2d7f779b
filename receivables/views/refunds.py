"""Refunds: asked for at a receipt, approved, paid once."""

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import get_visible, go, keyset_page
from receivables.actions import refunds
from receivables.closing_filters import RefundFilter
from receivables.forms.closing import PayForm, RefundForm, WhyForm
from receivables.models import Receipt, Refund

from .acting import act_page

RELATED = ("receipt__account", "receipt__legal_entity", "created_by", "approved_by", "change__contract")


@require_safe
def refund_list(request, tenant: str):
    require(request.member, "refund.read")
    rows = Refund.objects.visible_to(request.member).select_related(*RELATED)
    filters = RefundFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""))
    return render(request, "closing/refunds.html", {"page": page, "filter": filters})


def _refund(request, pk: int) -> Refund:
    return get_visible(Refund, request, pk, "refund.read", *RELATED, "receipt__bank_line")


@require_safe
def refund(request, tenant: str, pk: int):
    found = _refund(request, pk)
    context = {
        "refund": found, "known": refunds.payer_account(found.receipt),
        "may_pay": found.status == "approved" and may(request.member, "refund.pay")
        and request.member.pk not in refunds.approvers(found),
        "may_cancel": (found.status == "requested" and found.created_by_id == request.member.pk)
        or (found.status == "approved" and may(request.member, "refund.pay")),
    }  # fmt: skip
    return render(request, "closing/refund.html", context)


def ask(request, tenant: str, receipt: int):
    """A refund of what a receipt has left."""
    found = get_visible(Receipt, request, receipt, "receipt.read", "account", "bank_line", "legal_entity")
    require(request.member, "refund.request", found.account)
    initial = {"amount": found.unallocated, "payee_account": refunds.payer_account(found)}
    form = RefundForm(request.POST if request.method == "POST" else None, member=request.member, initial=initial)
    if made := attempt(form, lambda: refunds.request_refund(found, by=request.member, **form.cleaned_data)):
        return go(request, "closing:refund", pk=made.pk)
    explains = _("%(free)s is not allocated. It is reserved as soon as you ask.") % {"free": found.unallocated}
    return act_page(request, form, _("Refund of %(receipt)s") % {"receipt": found}, "desk:receipt", found.pk, explains)


def pay(request, tenant: str, pk: int):
    found = _refund(request, pk)
    require(request.member, "refund.pay")
    initial = {"paid_on": request.tenant.today()}
    form = PayForm(request.POST if request.method == "POST" else None, member=request.member, initial=initial)
    if attempt(form, lambda: refunds.pay_refund(found, by=request.member, **form.cleaned_data)):
        return go(request, "closing:refund", pk=pk)
    return act_page(request, form, _("Paid: %(refund)s") % {"refund": found}, "closing:refund", pk)


def cancel(request, tenant: str, pk: int):
    found = _refund(request, pk)
    form = WhyForm(request.POST if request.method == "POST" else None, member=request.member)
    if attempt(form, lambda: refunds.cancel_refund(found, by=request.member, **form.cleaned_data)):
        return go(request, "closing:refund", pk=pk)
    return act_page(request, form, _("Cancel %(refund)s") % {"refund": found}, "closing:refund", pk)


@require_safe
def panel(request, tenant: str, pk: int):
    """What was given back of a receipt, as a part of its page."""
    found = get_visible(Receipt, request, pk, "receipt.read", "account")
    require(request.member, "refund.read")
    context = {
        "receipt": found, "refunds": Refund.objects.visible_to(request.member).filter(receipt=found),
        "may_ask": found.status == "posted" and found.unallocated > 0
        and may(request.member, "refund.request", found.account),
    }  # fmt: skip
    return render(request, "closing/receipt_panel.html", context)
