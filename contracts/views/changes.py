"""Change orders: draft, preview in money, request; and the versions they leave."""

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from contracts import previews, verbs
from contracts.actions import changes as actions
from contracts.actions.versions import is_intact
from contracts.comparing import differences
from contracts.filters.contracts import ChangeFilter
from contracts.forms.changes import ChangeForm
from contracts.models import ChangeOrder
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from .contracts import contract_or_404

RELATED = ("contract__account", "contract__owner", "contract__legal_entity", "owner")


@require_safe
def changes(request, tenant: str):
    require(request.member, "contract.read")
    filters = ChangeFilter(request.GET, ChangeOrder.objects.visible_to(request.member), request=request)
    page = keyset_page(filters.qs.select_related("contract__account", "owner"), after=request.GET.get("after", ""))
    return render(request, "contracts/changes.html", {"page": page, "filter": filters})


def change_or_404(request, pk: int) -> ChangeOrder:
    return get_visible(ChangeOrder, request, pk, "contract.read", *RELATED)


@require_safe
def detail(request, tenant: str, pk: int):
    """Before and after in money; what was shown when it was decided stays."""
    change = change_or_404(request, pk)
    tables = previews.preview(change) if change.is_draft else previews.read(change.preview)
    context = {
        "change": change, "contract": change.contract, "tables": tables, "refusals": previews.refusals(tables),
        "after": change.contract.effective_amount + change.delta,
        "verbs": verbs.offered(verbs.CHANGE, change, request.member),
        "may_edit": change.is_draft and may(request.member, "change.create", change),
    }  # fmt: skip
    return render(request, "contracts/change.html", context)


def create(request, tenant: str, pk: int):
    contract = contract_or_404(request, pk)
    require(request.member, "change.create", contract)
    data = request.POST if request.method == "POST" else None
    form = ChangeForm(data, contract=contract, member=request.member)
    if change := attempt(form, lambda: actions.draft_change(contract, by=request.member, **form.values)):
        return go(request, "contracts:change", pk=change.pk)
    return form_page(request, "contracts/change_form.html", form, contract=contract)


def edit(request, tenant: str, pk: int):
    change = change_or_404(request, pk)
    require(request.member, "change.create", change)
    data = request.POST if request.method == "POST" else None
    form = ChangeForm(data, contract=change.contract, member=request.member, change=change)
    if attempt(form, lambda: actions.edit_change(change, by=request.member, expected=form.expected, **form.values)):
        return go(request, "contracts:change", pk=pk)
    return form_page(request, "contracts/change_form.html", form, contract=change.contract, change=change)


def act(request, tenant: str, pk: int, verb: str):
    """The question of a verb (GET), and the verb itself (POST)."""
    change, asked = change_or_404(request, pk), verbs.CHANGE.get(verb)
    if asked is None:
        raise Http404
    form = asked.form(request.POST if request.method == "POST" else None, subject=change, member=request.member)
    done = attempt(form, lambda: asked.act(change, by=request.member, expected=form.expected, **form.values))
    if done:
        return go(request, "contracts:change", pk=done.pk)
    require(request.member, asked.permission, change)
    return form_page(request, "contracts/change_act.html", form, change=change, verb=asked)


@require_safe
def versions(request, tenant: str, pk: int):
    """Two versions side by side: the latest two unless others are asked for."""
    contract = contract_or_404(request, pk)
    rows = list(contract.versions.select_related("change__owner"))
    chosen = {str(row.number): row for row in rows}
    new = chosen.get(request.GET.get("new", "")) or (rows[-1] if rows else None)
    old = chosen.get(request.GET.get("old", "")) or (rows[-2] if len(rows) > 1 else None)
    context = {
        "contract": contract, "rows": [{"version": row, "intact": is_intact(row)} for row in reversed(rows)],
        "old": old, "new": new, "differences": differences(old, new) if old and new else [],
    }  # fmt: skip
    return render(request, "contracts/versions.html", context)
