"""What legal keeps for new contracts: standard clauses and templates."""

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts.actions import templates as actions
from contracts.forms.contracts import ClauseTemplateForm, ContractTemplateForm
from contracts.models import ClauseTemplate, ContractTemplate
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go


@require_safe
def templates(request, tenant: str):
    require(request.member, "contract.read")
    context = {
        "clauses": ClauseTemplate.objects.visible_to(request.member),
        "templates": ContractTemplate.objects.visible_to(request.member),
        "may_manage": may(request.member, "clause.manage"),
    }
    return render(request, "contracts/templates.html", context)


def clause(request, tenant: str, pk: int | None = None):
    require(request.member, "clause.manage")
    row = get_visible(ClauseTemplate, request, pk, "clause.manage") if pk else None
    data = request.POST if request.method == "POST" else None
    form = ClauseTemplateForm(data, instance=row, member=request.member)
    if attempt(form, lambda: actions.put_clause(by=request.member, clause=row, **_values(form))):
        return go(request, "contracts:templates")
    return form_page(request, "contracts/keep.html", form, title=row or _("New clause"))


def template(request, tenant: str, pk: int | None = None):
    require(request.member, "clause.manage")
    row = get_visible(ContractTemplate, request, pk, "clause.manage") if pk else None
    data = request.POST if request.method == "POST" else None
    form = ContractTemplateForm(data, instance=row, member=request.member)
    if attempt(form, lambda: actions.put_template(by=request.member, template=row, **_values(form))):
        return go(request, "contracts:templates")
    return form_page(request, "contracts/keep.html", form, title=row or _("New template"))


def _values(form) -> dict:
    return {**form.values, **({"expected": form.expected} if form.instance.pk else {})}
