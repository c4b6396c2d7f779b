"""Settings pages of the legal entities."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go

from . import actions
from .forms import LegalEntityForm
from .models import LegalEntity


@require_safe
def entities(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "entity.manage")
    return render(request, "entities/list.html", {"entities": LegalEntity.objects.visible_to(request.member)})


def create(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "entity.manage")
    form = LegalEntityForm(request.POST or None, member=request.member)
    if attempt(form, lambda: actions.create_entity(by=request.member, **form.values)):
        return go(request, "entities:list")
    return form_page(request, "entities/form.html", form, title=_("New legal entity"))


def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    entity = get_visible(LegalEntity, request, pk, "entity.manage")
    require(request.member, "entity.manage")
    form = LegalEntityForm(request.POST or None, instance=entity, member=request.member)
    change = lambda: actions.update_entity(entity, by=request.member, expected=form.expected, **form.values)  # noqa: E731
    if attempt(form, change):
        return go(request, "entities:list")
    return form_page(request, "entities/form.html", form, title=entity.name)
