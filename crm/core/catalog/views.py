"""Pages of the product list, under the settings."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from . import actions
from .filters import ProductFilter
from .forms import ProductForm
from .models import Product


def products(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "catalog.read")
    filters = ProductFilter(request.GET, Product.objects.visible_to(request.member), request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=("name", "id"))
    return render(
        request,
        "catalog/list.html",
        {"page": page, "filter": filters, "may_manage": may(request.member, "catalog.manage")},
    )


def options(request: HttpRequest, tenant: str) -> HttpResponse:
    """What a picker offers for `?q=`: products on sale, by name."""
    require(request.member, "catalog.read")
    on_sale = Product.objects.visible_to(request.member).filter(is_active=True)
    found = ProductFilter({"q": request.GET.get("q", "")}, on_sale, request=request).qs[:20]
    return JsonResponse({"results": [{"id": row.pk, "text": row.name, "note": row.code} for row in found]})


def create(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "catalog.manage")
    form = ProductForm(request.POST or None, member=request.member)
    if attempt(form, lambda: actions.create_product(by=request.member, **form.values)):
        return go(request, "catalog:list")
    return form_page(request, "catalog/form.html", form, title=_("New product"))


def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    product = get_visible(Product, request, pk, "catalog.manage")
    require(request.member, "catalog.manage")
    form = ProductForm(request.POST or None, instance=product, member=request.member)
    change = lambda: actions.update_product(product, by=request.member, expected=form.expected, **form.values)  # noqa: E731
    if attempt(form, change):
        return go(request, "catalog:list")
    return form_page(request, "catalog/form.html", form, title=product.name)
