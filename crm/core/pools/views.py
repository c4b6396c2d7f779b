"""Pages of pools: what they are, who may claim, which rules, and what the rules would do tonight."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go

from . import actions, clock
from .forms import PoolForm, RulesForm, SeatForm
from .models import Pool
from .preview import preview


@require_safe
def index(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "pool.read")
    pools = Pool.objects.visible_to(request.member)
    context = {"pools": pools, "may_manage": may(request.member, "pool.manage")}
    return render(request, "pools/list.html", context)


@require_safe
def detail(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    return _detail(request, get_visible(Pool, request, pk, "pool.read"), SeatForm(member=request.member))


def _detail(request, pool: Pool, form: SeatForm) -> HttpResponse:
    manages = may(request.member, "pool.manage")
    context = {
        "pool": pool,
        "rules": list(clock.rules_of(pool)),
        "seats": pool.seats.select_related("member", "team").order_by("pk"),
        "preview": preview(pool) if manages else None,
        "may_manage": manages,
    }
    return form_page(request, "pools/detail.html", form, **context)


def create(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "pool.manage")
    form = PoolForm(request.POST or None, member=request.member)
    if pool := attempt(form, lambda: actions.create_pool(by=request.member, **form.values)):
        return go(request, "pools:detail", pk=pool.pk)
    return form_page(request, "pools/form.html", form, title=_("New pool"))


def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    pool = get_visible(Pool, request, pk, "pool.manage")
    require(request.member, "pool.manage")
    form = PoolForm(request.POST or None, instance=pool, member=request.member)
    if attempt(form, lambda: actions.update_pool(pool, by=request.member, expected=form.expected, **form.values)):
        return go(request, "pools:detail", pk=pool.pk)
    return form_page(request, "pools/form.html", form, title=pool.name, pool=pool)


@require_POST
def dry_run(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """What the rules being typed would take back tonight; it changes nothing."""
    pool = get_visible(Pool, request, pk, "pool.manage")
    require(request.member, "pool.manage")
    form = RulesForm(request.POST, instance=pool, member=request.member)
    found = preview(pool, **form.values) if form.is_valid() else None
    return form_page(request, "pools/_preview.html", form, pool=pool, preview=found)


@require_POST
def give_seat(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    pool = get_visible(Pool, request, pk, "pool.manage")
    form = SeatForm(request.POST, member=request.member)
    if attempt(form, lambda: actions.give_seat(pool, by=request.member, **form.cleaned_data) or pool):
        return go(request, "pools:detail", pk=pool.pk)
    return _detail(request, pool, form)


@require_POST
def take_seat(request: HttpRequest, tenant: str, pk: int, seat: int) -> HttpResponse:
    pool = get_visible(Pool, request, pk, "pool.manage")
    actions.take_seat(get_object_or_404(pool.seats.all(), pk=seat), by=request.member)
    return go(request, "pools:detail", pk=pool.pk)
