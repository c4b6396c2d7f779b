"""Invoices: what is asked for, what was issued, how it is corrected."""

from typing import Any

from django.contrib import messages
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contracts.models import Contract
from crm.core.errors import Refused, ValidationError
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from .. import channels, listing
from ..actions import documents, invoices, reds, transmission
from ..filters import InvoiceFilter
from ..forms.invoices import IssueForm, RedForm, RequestForm, WhyForm
from ..models import Invoice, InvoiceRequest, Receivable

OF_INVOICE = ("account", "contract__account", "legal_entity", "blue")
OF_REQUEST = ("contract__account", "contract__legal_entity", "receivable", "blue", "created_by", "invoice", "tax_code")
FORM = "invoices/form.html"


@require_safe
def index(request, tenant: str):
    require(request.member, "invoice.read")
    filters = InvoiceFilter(request.GET, Invoice.objects.visible_to(request.member), request=request)
    page = keyset_page(listing.invoices(filters), after=request.GET.get("after", ""), order=("-date", "-id"))
    context = {"page": page, "filter": filters, "sums": listing.invoice_sums(filters)}
    return render(request, "invoices/list.html", {**context, "chips": listing.chips(filters, request.GET)})


@require_safe
def requests(request, tenant: str):
    """What waits to be issued, blue and red."""
    require(request.member, "invoice.read")
    groups = [(rows[0], sum(row.amount for row in rows), rows) for rows in listing.waiting(request.member)]
    return render(request, "invoices/requests.html", {"groups": groups, "now": timezone.now()})


@require_safe
def detail(request, tenant: str, pk: int):
    invoice = get_visible(Invoice, request, pk, "invoice.read", *OF_INVOICE)
    context = {
        "invoice": invoice, "lines": invoice.lines.select_related("tax_code"), "may_issue": False,
        "shares": invoice.shares.select_related("receivable"), "reds": invoice.reds.all(), "voids": invoice.voids.all(),
        "requests": invoice.red_requests.filter(status__in=InvoiceRequest.WAITING).select_related("receivable"),
    }  # fmt: skip
    if may(request.member, "invoice.issue") and not invoice.is_red and not context["voids"]:
        context["may_issue"], context["left"] = True, sum(reds.red_left(invoice).values())
    return render(request, "invoices/detail.html", context)


def create(request, tenant: str, contract: Any):
    """Ask for an invoice over receivables of a contract."""
    contract = get_visible(Contract, request, contract, "contract.read", "account")
    require(request.member, "invoice.request", contract)
    data = request.POST if request.method == "POST" else None
    only = request.GET.get("receivable", "")
    form = RequestForm(
        data, member=request.member, offers=_billable(contract), initial=RequestForm.start(contract), fill=False
    )
    if only.isdecimal() and f"a{only}" in form.fields:
        form.initial[f"a{only}"] = next(left for one, left in form.offers if one.pk == int(only))
    if asked := attempt(
        form, lambda: invoices.request_invoice(contract, form.amounts, by=request.member, **form.values)
    ):
        messages.success(request, _("Finance has been asked for this invoice."))
        return go(request, "invoices:request", pk=asked[0].pk)
    return form_page(request, FORM, form, contract=contract, title=_("Ask for an invoice"), submit=_("Ask for it"))


def _billable(contract: Contract) -> list:
    """Receivables with what is neither invoiced nor asked for."""
    rows = list(contract.receivables.filter(superseded=False).order_by("plan_id", "line", "pk"))
    asked = invoices.asked_for(rows) if rows else {}
    offers = [(one, one.billable - asked.get(one.pk, 0)) for one in rows]
    return [(one, left) for one, left in offers if left > 0]


@require_safe
def show_request(request, tenant: str, pk: int):
    asked = _asked(request, pk)
    rows = list(InvoiceRequest.objects.of(request.tenant).filter(group=asked.group).select_related("receivable"))
    codes = reds.STEPS.get(asked.confirmation, ()) if asked.is_red and asked.status in asked.WAITING else ()
    context = {
        "asked": asked, "rows": rows, "total": sum(row.amount for row in rows),
        "steps": [(code, reds.Code(code).label) for code in codes],
        "waits": asked.status in asked.WAITING, "by_hand": channels.of(asked.contract.legal_entity) is channels.MANUAL,
        "may_issue": may(request.member, "invoice.issue"), "is_own": asked.created_by_id == request.member.pk,
        "issuable": not asked.is_red or asked.confirmation in asked.ISSUABLE,
    }  # fmt: skip
    return render(request, "invoices/request.html", {**context, **_positions(asked, rows, request.tenant.today())})


def _positions(asked: InvoiceRequest, rows, today) -> dict:
    """What would stand on the document if it were issued today, or why it cannot be."""
    if asked.status not in asked.WAITING:
        return {}
    try:
        return {"positions": invoices.positions_of(rows, today)}
    except (Refused, ValidationError) as error:
        return {"obstacle": " ".join(error.messages) if isinstance(error, ValidationError) else str(error)}


def _asked(request, pk: int) -> InvoiceRequest:
    return get_visible(InvoiceRequest, request, pk, "invoice.read", *OF_REQUEST)


def issue(request, tenant: str, pk: int):
    """The number that the tax bureau gave."""
    asked = _asked(request, pk)
    require(request.member, "invoice.issue")
    data = request.POST if request.method == "POST" else None
    form = IssueForm(data, member=request.member, initial=IssueForm.start(asked))
    act = lambda: invoices.issue_invoice(  # noqa: E731
        asked, by=request.member, expected=form.cleaned_data["version"], **form.values
    )
    if invoice := attempt(form, act):
        return go(request, "invoices:detail", pk=invoice.pk)
    return form_page(request, FORM, form, asked=asked, title=_("Enter the invoice"), submit=_("Book the invoice"))


def drop(request, tenant: str, pk: int):
    asked = _asked(request, pk)
    form = WhyForm(request.POST if request.method == "POST" else None, member=request.member)
    if attempt(form, lambda: invoices.drop_request(asked, by=request.member, **form.cleaned_data)):
        return go(request, "invoices:requests")
    own = asked.created_by_id == request.member.pk
    title = _("Take the request back") if own else _("Reject the request")
    return form_page(request, FORM, form, asked=asked, title=title, submit=title)


@require_POST
def approve(request, tenant: str, pk: int):
    invoices.approve_request(_asked(request, pk), by=request.member)
    return go(request, "invoices:request", pk=pk)


@require_POST
def send(request, tenant: str, pk: int):
    """Through the legal entity's channel; what failed can be sent again."""
    asked = transmission.transmit(_asked(request, pk), by=request.member)
    if asked.status == asked.Status.FAILED:
        messages.error(request, asked.error)
    return go(request, "invoices:request", pk=pk)


@require_POST
def confirmation(request, tenant: str, pk: int):
    reds.set_confirmation(_asked(request, pk), request.POST.get("code", ""), by=request.member)
    return go(request, "invoices:request", pk=pk)


def red(request, tenant: str, pk: int):
    """Ask for a red invoice of a blue one."""
    blue = get_visible(Invoice, request, pk, "invoice.read", *OF_INVOICE)
    require(request.member, "invoice.issue")
    data = request.POST if request.method == "POST" else None
    left = reds.red_left(blue)
    shares = Receivable.objects.of(request.tenant).filter(pk__in=left).order_by("line", "pk")
    form = RedForm(data, member=request.member, offers=[(one, left[one.pk]) for one in shares])
    if asked := attempt(form, lambda: reds.request_red(blue, form.amounts, by=request.member, **form.values)):
        return go(request, "invoices:request", pk=asked[0].pk)
    return form_page(request, FORM, form, invoice=blue, title=_("Ask for a red invoice"), submit=_("Ask for it"))


def void(request, tenant: str, pk: int):
    invoice = get_visible(Invoice, request, pk, "invoice.read", *OF_INVOICE)
    require(request.member, "invoice.issue")
    form = WhyForm(request.POST if request.method == "POST" else None, member=request.member)
    if attempt(form, lambda: invoices.void_invoice(invoice, by=request.member, **form.cleaned_data)):
        return go(request, "invoices:detail", pk=pk)
    return form_page(request, FORM, form, invoice=invoice, title=_("Void the paper invoice"), submit=_("Void it"))


@require_safe
def contract_panel(request, tenant: str, pk: int):
    """A contract's invoices and what is asked for, as a part of its page."""
    require(request.member, "invoice.read")
    contract = get_visible(Contract, request, pk, "contract.read")
    issued = Invoice.objects.visible_to(request.member).filter(contract=contract).prefetch_related("voids")
    waiting = InvoiceRequest.objects.visible_to(request.member).filter(contract=contract, status__in=documents.WAITING)
    context = {"contract": contract, "invoices": issued[:50], "waiting": waiting.select_related("receivable")[:50]}
    context["may_request"] = may(request.member, "invoice.request", contract)
    return render(request, "invoices/contract_panel.html", context)
