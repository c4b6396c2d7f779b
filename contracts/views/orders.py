"""Orders and their deliveries: the list, one order, one delivery, and the panel on the contract's page."""

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts import order_listing as listing
from contracts import order_verbs as verbs
from contracts.actions import batches
from contracts.actions import orders as actions
from contracts.models import Batch, Contract, Order
from contracts.order_forms import BatchForm, NewOrderForm, OrderForm, PlanForm
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import company_url, form_page, get_visible, go, keyset_page

OF_ORDER = ("contract__account", "contract__owner", "contract__delivery_manager", "created_by")
OF_BATCH = tuple(f"order__{name}" for name in OF_ORDER[:3])
OF_CONTRACT = ("account", "owner", "delivery_manager", "legal_entity")


@require_safe
def orders(request, tenant: str):
    require(request.member, "contract.read")
    filters = listing.asked(request)
    page = keyset_page(listing.rows(filters.qs, request.tenant), after=request.GET.get("after", ""))
    return render(request, "orders/list.html", {"page": page, "filter": filters, **listing.context(filters)})


def order_or_404(request, pk: int) -> Order:
    return get_visible(Order, request, pk, "contract.read", *OF_ORDER)


def batch_or_404(request, pk: int) -> Batch:
    return get_visible(Batch, request, pk, "contract.read", *OF_BATCH)


def contract_or_404(request, pk: int) -> Contract:
    return get_visible(Contract, request, pk, "contract.read", *OF_CONTRACT)


@require_safe
def detail(request, tenant: str, pk: int):
    order = order_or_404(request, pk)
    return render(request, "orders/detail.html", {"order": order, **listing.facts(order, request.member)})


def create(request, tenant: str, contract: int):
    """An order of a contract; it offers what is not ordered yet."""
    signed = contract_or_404(request, contract)
    require(request.member, "order.create", signed)
    data = request.POST if request.method == "POST" else None
    form = NewOrderForm(data, member=request.member, asked=listing.orderable(signed))
    if order := attempt(form, lambda: actions.create_order(signed, by=request.member, **form.values)):
        return go(request, "orders:detail", pk=order.pk)
    return form_page(request, "orders/form.html", form, title=_("New order"), contract=signed)


def edit(request, tenant: str, pk: int):
    order = order_or_404(request, pk)
    require(request.member, "order.create", order.contract)
    form = OrderForm(request.POST if request.method == "POST" else None, instance=order, member=request.member)
    if attempt(form, lambda: actions.update_order(order, by=request.member, expected=form.expected, **form.values)):
        return go(request, "orders:detail", pk=pk)
    return form_page(request, "orders/form.html", form, title=str(order), order=order)


def plan(request, tenant: str, pk: int):
    """Plan a delivery; it offers what is not planned yet."""
    order = order_or_404(request, pk)
    require(request.member, "batch.record", order)
    data = request.POST if request.method == "POST" else None
    start = {"planned_on": order.promised_on or request.tenant.today()}
    form = PlanForm(data, member=request.member, initial=start, asked=listing.plannable(order))
    if attempt(form, lambda: batches.plan_batch(order, by=request.member, **form.values)):
        return go(request, "orders:detail", pk=pk)
    return form_page(request, "orders/form.html", form, title=_("Plan a delivery"), order=order)


@require_safe
def batch(request, tenant: str, pk: int):
    """One delivery with its files: made for the phone of who stands at the gate."""
    found = batch_or_404(request, pk)
    context = {
        "batch": found, "order": found.order, "verbs": verbs.offered(verbs.BATCH, found, request.member),
        "lines": listing.batch_lines(found), "may_edit": listing.may_edit(found, request.member),
    }  # fmt: skip
    return render(request, "orders/batch.html", context)


def edit_batch(request, tenant: str, pk: int):
    found = batch_or_404(request, pk)
    require(request.member, "batch.record", found)
    form = BatchForm(request.POST if request.method == "POST" else None, instance=found, member=request.member)
    if attempt(form, lambda: batches.update_batch(found, by=request.member, expected=form.expected, **form.values)):
        return go(request, "orders:batch", pk=pk)
    return form_page(request, "orders/form.html", form, title=str(found), order=found.order)


def act(request, tenant: str, pk: int, verb: str):
    return answer(request, verbs.ORDER, verb, order_or_404(request, pk), back=("orders:detail", {"pk": pk}))


def act_batch(request, tenant: str, pk: int, verb: str):
    found = batch_or_404(request, pk)
    return answer(request, verbs.BATCH, verb, found, back=("orders:detail", {"pk": found.order_id}))


def answer(request, offered: dict[str, verbs.Verb], key: str, record, *, back: tuple[str, dict], then=None):
    """The questions of a verb (GET), and the verb itself (POST), which leads to `back` or to what `then` says."""
    verb = offered.get(key)
    if verb is None:
        raise Http404
    is_post = request.method == "POST"
    form = verb.bound(record, request.member, *((request.POST, request.FILES) if is_post else ()))
    if done := attempt(form, lambda: verb.act(record, by=request.member, expected=form.expected, **form.values)):
        name, kwargs = then(done) if then else back
        return go(request, name, **kwargs)
    context = {"record": record, "verb": verb, "back": company_url(request, back[0], **back[1])}
    if not is_post and not verb.fits(record, request.member):
        return render(request, "orders/moved_on.html", context, status=409)
    return form_page(request, "orders/act.html", form, **context)


@require_safe
def panel(request, tenant: str, pk: int):
    """Delivery on the page of a contract: handover, what is delivered of each line, the orders."""
    contract = contract_or_404(request, pk)
    may_order = contract.status in Contract.LIVE and may(request.member, "order.create", contract)
    context = {
        "contract": contract, "may_order": may_order, **listing.delivery(contract, request.member),
        "verbs": verbs.offered(verbs.HANDOVER, contract, request.member),
    }  # fmt: skip
    return render(request, "orders/panel.html", context)
