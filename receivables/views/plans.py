"""Collection plans: drafted with the parts shown as one types, confirmed by finance."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from contracts.models import Contract, Order
from crm.core.errors import Refused
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go

from .. import listing
from ..actions import plans
from ..forms.plans import PREFIX, PlanForm, started
from ..models import Plan
from ..plan_lines import TEMPLATES, described, part

RELATED = ("contract__account", "order")


def create(request, tenant: str, contract: Any):
    contract = get_visible(Contract, request, contract, "contract.read", "account")
    require(request.member, "plan.draft", contract)
    order = _order(contract, request.GET.get("order", ""))
    total = order.amount if order else contract.effective_amount
    form = _form(request, total, **started(contract, request.GET.get("template", "")))
    if request.method == "POST":
        act = lambda: plans.draft_plan(contract, by=request.member, order=order, **form.values)  # noqa: E731
        if plan := attempt(form, act):
            return go(request, "receivables:plan", pk=plan.pk)
    return _page(request, form, contract, order, templates=TEMPLATES.values())


def edit(request, tenant: str, pk: int):
    plan = get_visible(Plan, request, pk, "receivable.read", *RELATED)
    require(request.member, "plan.draft", plan.contract)
    initial = {"mode": plan.mode, "version": plan.version}
    form = _form(request, plan.total, initial=initial, lines=plan.lines)
    if request.method == "POST":
        act = lambda: plans.edit_plan(plan, by=request.member, expected=form.expected, **form.values)  # noqa: E731
        if attempt(form, act):
            return go(request, "receivables:plan", pk=pk)
    return _page(request, form, plan.contract, plan.order, plan=plan)


def _form(request, total, **start) -> PlanForm:
    """Bound to what was typed: on saving by POST, while typing by GET."""
    typed = request.POST if request.method == "POST" else request.GET
    return PlanForm(typed if f"{PREFIX}-TOTAL_FORMS" in typed else None, total=total, member=request.member, **start)


def _page(request, form: PlanForm, contract: Contract, order: Order | None, **context):
    here = f"{request.path}?order={order.pk}" if order and "plan" not in context else request.path
    context |= {"contract": contract, "order": order, "total": form.total, "preview": form.preview(), "here": here}
    context["show_errors"] = request.method == "POST"
    answer = form_page(request, "plans/form.html", form, **context)
    if request.method == "GET":  # what is only being typed is not judged
        answer.status_code = 200
    return answer


def _order(contract: Contract, pk: str) -> Order | None:
    if contract.kind != Contract.Kind.FRAMEWORK:
        return None
    order = contract.orders.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    if order is None:
        raise Http404(_("There is nothing here."))
    return order


@require_safe
def detail(request, tenant: str, pk: int):
    plan = get_visible(Plan, request, pk, "receivable.read", *RELATED)
    rows = plan.receivables.filter(superseded=plan.status == Plan.Status.SUPERSEDED).order_by("line")
    context = {"plan": plan, "contract": plan.contract, "rows": listing.rows(rows, request.member)}
    context["may_edit"] = plan.status == Plan.Status.DRAFT and may(request.member, "plan.draft", plan.contract)
    context["may_confirm"] = may(request.member, "plan.confirm")
    return render(request, "plans/detail.html", {**context, "lines": _lines(plan) if not context["rows"] else []})


def _lines(plan: Plan) -> list[dict]:
    """The lines of a draft with what each comes to now; without, when they no longer add up."""
    try:
        parts: list[Decimal | None] = [*part(plan.total, plan.mode, plan.lines)]
    except Refused:
        parts = [None] * len(plan.lines)
    pairs = zip(plan.lines, parts, strict=True)
    return [{**line, "part": one, "said": described(line)} for line, one in pairs]


VERBS = {"confirm": plans.confirm_plan, "supersede": plans.supersede_plan, "discard": plans.discard_plan}
DONE = {
    "confirm": _("The plan is confirmed: its receivables stand below."),
    "supersede": _("The plan is given up."),
    "discard": _("The draft is put away."),
}


@require_POST
def act(request, tenant: str, pk: int, verb: str):
    plan = get_visible(Plan, request, pk, "receivable.read", *RELATED)
    if verb not in VERBS:
        raise Http404
    version = request.POST.get("version", "")
    VERBS[verb](plan, by=request.member, expected=int(version) if version.isdecimal() else None)
    messages.success(request, DONE[verb])
    return go(request, "receivables:plan", pk=pk)
