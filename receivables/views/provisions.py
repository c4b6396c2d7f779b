"""Provision: runs month by month, their preview, and the rates."""

from django.contrib import messages
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page
from receivables.actions import credit, provisions
from receivables.closing_filters import RunFilter
from receivables.forms.closing import CreditForm, MatrixForm, RunForm
from receivables.heat import bucket_titles
from receivables.models import CreditClass, ProvisionLine, ProvisionMatrix, ProvisionRun

from .acting import act_page


@require_safe
def runs(request, tenant: str):
    require(request.member, "provision.read")
    rows = ProvisionRun.objects.visible_to(request.member).filter(is_posted=True).select_related("legal_entity")
    filters = RunFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=("-month", "-id"))
    matrices = ProvisionMatrix.objects.visible_to(request.member).select_related("legal_entity")[:20]
    context = {"page": page, "filter": filters, "matrices": [(row, bucket_titles(row.bounds)) for row in matrices],
               "may_run": may(request.member, "provision.run")}  # fmt: skip
    return render(request, "closing/provisions.html", context)


@require_safe
def run(request, tenant: str, pk: int):
    found = get_visible(ProvisionRun, request, pk, "provision.read", "legal_entity", "created_by", "matrix")
    require(request.member, "provision.read")
    lines = ProvisionLine.objects.of(request.tenant).filter(run=found).select_related("receivable__account")
    return render(request, "closing/provision.html", {"run": found, "lines": lines})


def new(request, tenant: str):
    """GET asks and previews; POST of the same fields posts the run."""
    require(request.member, "provision.run")
    if request.method == "POST":
        form = RunForm(request.POST, member=request.member)
        if made := attempt(form, lambda: provisions.post_run(**_given(form), by=request.member)):
            messages.success(request, _("The provision is posted."))
            return go(request, "closing:provision", pk=made.pk)
        return form_page(request, "closing/provision_new.html", form)
    form = RunForm(request.GET or None, member=request.member)
    draft = attempt(form, lambda: provisions.preview(**_given(form), by=request.member)) if request.GET else None
    return render(request, "closing/provision_new.html", {"form": form, "run": draft, "lines": draft and draft.lines})


def _given(form: RunForm) -> dict:
    given = form.cleaned_data
    return {"entity": given["legal_entity"], "month": given["month"], "opening": given["opening"]}


def matrix(request, tenant: str):
    """New rates from a day on."""
    require(request.member, "provision.run")
    data = request.POST if request.method == "POST" else None
    form = MatrixForm(data, member=request.member, bounds=credit.bounds_of(request.tenant))
    if attempt(form, lambda: _set(form, request.member)):
        return go(request, "closing:provisions")
    return form_page(request, "closing/matrix.html", form)


def _set(form: MatrixForm, member) -> ProvisionMatrix:
    given = form.cleaned_data
    return provisions.set_matrix(given["legal_entity"], by=member, valid_from=given["valid_from"], rates=form.rates)


@require_safe
def credit_panel(request, tenant: str, pk: int):
    """A customer's class, limit and days, as a part of its page."""
    account = get_visible(Account, request, pk, "account.read")
    require(request.member, "receivable.read")
    found = CreditClass.objects.visible_to(request.member).filter(account=account).first()
    context = {"account": account, "credit": found, "default": credit.DEFAULT,
               "may_manage": may(request.member, "credit.manage")}  # fmt: skip
    return render(request, "closing/credit_panel.html", context)


def credit_edit(request, tenant: str, pk: int):
    account = get_visible(Account, request, pk, "account.read")
    require(request.member, "credit.manage")
    found = CreditClass.objects.of(request.tenant).filter(account=account).first()
    data = request.POST if request.method == "POST" else None
    form = CreditForm(data, member=request.member, instance=found)
    if attempt(form, lambda: credit.set_credit(account, by=request.member, expected=_version(form), **form.values)):
        return go(request, "accounts:detail", pk=pk)
    return act_page(request, form, _("Credit of %(account)s") % {"account": account}, "accounts:detail", pk)


def _version(form: CreditForm) -> int | None:
    return form.cleaned_data.get("version")
