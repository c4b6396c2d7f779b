"""Contracts: the list, one contract, its draft, and what is done with it."""

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts import listing, verbs
from contracts.actions import contracts as actions
from contracts.filters.contracts import ContractFilter
from contracts.forms.contracts import ContractForm, NewContractForm, clause_forms
from contracts.forms.lines import empty_line
from contracts.models import Contract
from contracts.page import everything, with_sums
from crm.core.errors import ValidationError
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.numbers import is_whole
from crm.core.web.pages import form_page, get_visible, go, keyset_page

RELATED = ("account", "owner", "legal_entity", "opportunity", "quote", "template", "delivery_manager", "signed_file")


@require_safe
def contracts(request, tenant: str):
    require(request.member, "contract.read")
    rows = Contract.objects.visible_to(request.member)
    filters = ContractFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs.select_related("account", "owner"), after=request.GET.get("after", ""))
    context = {"page": page, "rows": with_sums(page, request.member), "filter": filters}
    return render(request, "contracts/list.html", {**context, **listing.context(filters, request)})


def contract_or_404(request, pk: int) -> Contract:
    return get_visible(Contract, request, pk, "contract.read", *RELATED)


@require_safe
def detail(request, tenant: str, pk: int):
    contract = contract_or_404(request, pk)
    return render(request, "contracts/detail.html", everything(contract, request.member))


def create(request, tenant: str):
    require(request.member, "contract.create")
    data = request.POST if request.method == "POST" else None
    form = NewContractForm(data, member=request.member, initial=request.GET.dict())
    if contract := attempt(form, lambda: actions.draft_contract(by=request.member, **form.values)):
        return go(request, "contracts:detail", pk=contract.pk)
    return form_page(request, "contracts/form.html", form, title=_("New contract"))


def edit(request, tenant: str, pk: int):
    contract = contract_or_404(request, pk)
    require(request.member, "contract.update", contract)
    form = ContractForm(request.POST if request.method == "POST" else None, instance=contract, member=request.member)
    if attempt(form, lambda: actions.edit_draft(contract, by=request.member, expected=form.expected, **form.values)):
        return go(request, "contracts:detail", pk=pk)
    return form_page(request, "contracts/form.html", form, title=str(contract), contract=contract)


@require_safe
def line_row(request, tenant: str):
    """One more empty row for the form of lines."""
    require(request.member, "contract.create")
    given = request.GET.get("lines-TOTAL_FORMS", "")
    index = min(int(given), 500) if is_whole(given) else 0
    return render(request, "contracts/_line_row.html", {"row": empty_line(request.member, index), "total": index + 1})


def act(request, tenant: str, pk: int, verb: str):
    """The questions of a verb (GET), and the verb itself (POST)."""
    contract, asked = contract_or_404(request, pk), verbs.CONTRACT.get(verb)
    if asked is None:
        raise Http404
    data = (request.POST, request.FILES) if request.method == "POST" else ()
    form = asked.form(*data, subject=contract, member=request.member)
    if attempt(form, lambda: asked.act(contract, by=request.member, expected=form.expected, **form.values)):
        return go(request, "contracts:detail", pk=pk)
    require(request.member, asked.permission, contract)
    return form_page(request, "contracts/act.html", form, contract=contract, verb=asked)


def clauses(request, tenant: str, pk: int):
    """The checklist: agreed, or how it deviates."""
    contract = contract_or_404(request, pk)
    require(request.member, "contract.update" if may(request.member, "contract.update") else "clause.manage", contract)
    forms = clause_forms(request.POST if request.method == "POST" else None, contract)
    problem = ""
    if forms.is_bound and forms.is_valid():
        try:
            actions.settle_clauses(contract, [form.cleaned_data for form in forms], by=request.member)
            return go(request, "contracts:detail", pk=pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
    context = {"contract": contract, "forms": forms, "problem": problem}
    rows = [{"item": item, "form": form} for item, form in zip(contract.clauses, forms, strict=False)]
    return render(request, "contracts/clauses.html", {**context, "rows": rows}, status=422 if forms.is_bound else 200)
