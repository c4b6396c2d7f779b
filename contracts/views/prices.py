"""Pages of price lists, their prices, and the tax codes."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contracts import price_forms as forms
from contracts.actions import prices as actions
from contracts.filters.prices import PriceFilter
from contracts.models import Price, PriceList, TaxCode
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page


@require_safe
def price_lists(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "quote.read")
    rows = PriceList.objects.visible_to(request.member).order_by("-is_default", "name", "id")
    context = {"lists": rows, "today": request.tenant.today(), "may_manage": may(request.member, "price.manage")}
    return render(request, "prices/lists.html", context)


def create_list(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "price.manage")
    initial = {"valid_from": request.tenant.today()}
    form = forms.NewPriceListForm(request.POST or None, member=request.member, initial=initial)
    if made := attempt(form, lambda: actions.create_price_list(by=request.member, **form.values)):
        return go(request, "prices:list", pk=made.pk)
    return form_page(request, "prices/form.html", form, title=_("New price list"))


def edit_list(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    price_list = get_visible(PriceList, request, pk, "price.manage")
    require(request.member, "price.manage")
    form = forms.PriceListForm(request.POST or None, instance=price_list, member=request.member)
    change = lambda: actions.update_price_list(  # noqa: E731
        price_list, by=request.member, expected=form.expected, **form.values
    )
    if attempt(form, change):
        return go(request, "prices:list", pk=pk)
    return form_page(request, "prices/form.html", form, title=price_list.name, price_list=price_list)


@require_safe
def price_list(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """One list and its prices; the floors are for those who quote."""
    require(request.member, "quote.read")
    shown = get_visible(PriceList, request, pk, "quote.read")
    rows = Price.objects.visible_to(request.member).filter(price_list=shown).select_related("product", "tax_code")
    filters = PriceFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=("product__name", "id"))
    context = {"price_list": shown, "page": page, "filter": filters, "today": request.tenant.today()}
    return render(request, "prices/list.html", {**context, "may_manage": may(request.member, "price.manage")})


def create(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    shown = get_visible(PriceList, request, pk, "price.manage")
    require(request.member, "price.manage")
    form = forms.PriceForm(request.POST or None, member=request.member)
    if attempt(form, lambda: actions.add_price(shown, by=request.member, **form.values)):
        return go(request, "prices:list", pk=pk)
    return form_page(request, "prices/form.html", form, title=_("New price"), price_list=shown)


def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    price = get_visible(Price, request, pk, "price.manage", "price_list", "product")
    require(request.member, "price.manage")
    form = forms.KeptPriceForm(request.POST or None, instance=price, member=request.member)
    change = lambda: actions.update_price(price, by=request.member, expected=form.expected, **form.values)  # noqa: E731
    if attempt(form, change):
        return go(request, "prices:list", pk=price.price_list_id)
    context = {"title": price.product.name, "price_list": price.price_list, "price": price}
    return form_page(request, "prices/form.html", form, **context)


@require_POST
def remove(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    price = get_visible(Price, request, pk, "price.manage", "price_list", "product")
    actions.remove_price(price, by=request.member)
    messages.success(request, _("“%(product)s” is off the list.") % {"product": price.product})
    return go(request, "prices:list", pk=price.price_list_id)


@require_safe
def tax_codes(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "price.manage")
    context = {"codes": TaxCode.objects.visible_to(request.member).order_by("-rate", "code", "-valid_from")}
    return render(request, "prices/tax_codes.html", {**context, "today": request.tenant.today()})


def create_tax_code(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "price.manage")
    form = forms.NewTaxCodeForm(request.POST or None, member=request.member)
    if attempt(form, lambda: actions.create_tax_code(by=request.member, **form.values)):
        return go(request, "prices:tax_codes")
    return form_page(request, "prices/tax_form.html", form, title=_("New tax rate"))


def edit_tax_code(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    code = get_visible(TaxCode, request, pk, "price.manage")
    require(request.member, "price.manage")
    form = forms.TaxCodeForm(request.POST or None, instance=code, member=request.member)
    change = lambda: actions.update_tax_code(code, by=request.member, expected=form.expected, **form.values)  # noqa: E731
    if attempt(form, change):
        return go(request, "prices:tax_codes")
    return form_page(request, "prices/tax_form.html", form, title=code.code)
