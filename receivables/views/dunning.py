"""Pages of reminders: today's preview and run, the log, the ladders, promises, holds and legal steps."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page
from receivables import dunning_pages as pages
from receivables.actions import dunning, holds, promises
from receivables.dunning_filters import PromiseFilter
from receivables.dunning_forms import GroundsForm, PolicyForm
from receivables.dunning_verbs import VERBS, offered
from receivables.models import (
    CustomerHold,
    DunningLetter,
    DunningNotice,
    DunningPolicy,
    DunningRun,
    LegalStep,
    PromiseToPay,
    Receivable,
)

# What one click sends; the rest follows with the next click or the next run of the job.
AT_ONCE = 2000


@require_safe
def preview(request, tenant):
    require(request.member, "dunning.manage")
    return render(request, "dunning/preview.html", {"preview": pages.preview(request.tenant, request.tenant.today())})


@require_POST
def run(request, tenant):
    this = dunning.run(request.tenant, by=request.member, limit=AT_ONCE)
    count = this.notices.count()
    messages.success(request, ngettext("%(n)d notice was given.", "%(n)d notices were given.", count) % {"n": count})
    return go(request, "dunning:run_detail", pk=this.pk)


@require_safe
def log(request, tenant):
    require(request.member, "dunning.manage")
    page = keyset_page(pages.runs(request.member), after=request.GET.get("after", ""))
    for one in page:
        one.reasons = pages.reasons(one)
    return render(request, "dunning/log.html", {"page": page})


@require_safe
def run_detail(request, tenant, pk):
    this = get_visible(DunningRun, request, pk, "dunning.manage", "created_by")
    rows = DunningNotice.objects.visible_to(request.member).filter(run=this)
    rows = rows.select_related("receivable__account", "receivable__owner", "letter")
    page = keyset_page(rows, after=request.GET.get("after", ""))
    return render(request, "dunning/run.html", {"run": this, "page": page, "reasons": pages.reasons(this)})


@require_safe
def letter(request, tenant, pk):
    one = get_visible(DunningLetter, request, pk, "receivable.read", "account")
    notices = one.notices.select_related("receivable").order_by("receivable__due_date", "pk")
    return render(request, "dunning/letter.html", {"letter": one, "notices": notices})


@require_safe
def policies(request, tenant):
    require(request.member, "dunning.manage")
    return render(request, "dunning/policies.html", {"policies": DunningPolicy.objects.visible_to(request.member)})


def new_policy(request, tenant):
    require(request.member, "dunning.manage")
    form = PolicyForm(request.POST or None, member=request.member)
    if attempt(form, lambda: dunning.save_policy(by=request.member, **form.values)):
        return go(request, "dunning:policies")
    return form_page(request, "dunning/policy.html", form, title=_("New reminder policy"))


def policy(request, tenant, pk):
    one = get_visible(DunningPolicy, request, pk, "dunning.manage")
    form = PolicyForm(request.POST or None, instance=one, member=request.member)
    if attempt(form, lambda: dunning.save_policy(one, by=request.member, expected=form.expected, **form.values)):
        return go(request, "dunning:policies")
    return form_page(request, "dunning/policy.html", form, title=one.name)


@require_safe
def promise_list(request, tenant):
    require(request.member, "receivable.read")
    rows = PromiseToPay.objects.visible_to(request.member).select_related("receivable__account", "by")
    filters = PromiseFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""))
    page.rows = pages.labelled(page.rows)
    return render(request, "dunning/promises.html", {"page": page, "filter": filters, **_tabs(request)})


def _tabs(request) -> dict:
    return {"may_manage": may(request.member, "dunning.manage")}


@require_safe
def ends(request, tenant):
    """Holds and legal steps that are not settled."""
    require(request.member, "receivable.read")
    held = CustomerHold.objects.visible_to(request.member).exclude(status=CustomerHold.Status.RELEASED)
    steps = LegalStep.objects.visible_to(request.member).select_related("receivable__account")
    context = {"holds": held.select_related("account", "receivable")[:200], "steps": steps[:200], **_tabs(request)}
    return render(request, "dunning/ends.html", context)


def hold(request, tenant, pk):
    one = get_visible(CustomerHold, request, pk, "receivable.read", "account", "receivable")
    form = GroundsForm(request.POST or None, member=request.member)
    if attempt(form, lambda: holds.request_release(one, by=request.member, **form.cleaned_data)):
        return go(request, "dunning:hold", pk=pk)
    asks = one.status == CustomerHold.Status.ACTIVE and may(request.member, "dunning.manage")
    return form_page(request, "dunning/hold.html", form, hold=one, asks=asks)


def legal(request, tenant, pk):
    one = get_visible(LegalStep, request, pk, "receivable.read", "receivable__account", "receivable__contract")
    form, act = GroundsForm(request.POST or None, member=request.member), holds.request_legal_step
    if request.POST.get("drop"):
        act = holds.drop_legal_step
    if attempt(form, lambda: act(one, by=request.member, **form.cleaned_data)):
        return go(request, "dunning:legal", pk=pk)
    asks = one.status == LegalStep.Status.PROPOSED and may(request.member, "dunning.manage")
    return form_page(request, "dunning/legal.html", form, step=one, asks=asks)


@require_safe
def panel(request, tenant, pk):
    """Reminders, promises and disputes as a part of a receivable's page."""
    one = get_visible(Receivable, request, pk, "receivable.read")
    context = {"receivable": one, "story": pages.story(one, request.member), "verbs": offered(one, request.member)}
    return render(request, "dunning/panel.html", context)


def act(request, tenant, pk, verb):
    """The questions of a verb (GET), and the verb itself (POST)."""
    one, asked = get_visible(Receivable, request, pk, "receivable.read"), VERBS.get(verb)
    if asked is None:
        raise Http404
    require(request.member, "receivable.dispute", one)
    form = asked.form(request.POST or None, member=request.member)
    if attempt(form, lambda: asked.act(one, by=request.member, **form.cleaned_data)):
        return go(request, "receivables:detail", pk=pk)
    return form_page(request, "dunning/act.html", form, receivable=one, verb=asked)


@require_POST
def withdraw(request, tenant, pk):
    one = get_visible(PromiseToPay, request, pk, "receivable.read", "receivable")
    promises.withdraw(one, by=request.member)
    return go(request, "receivables:detail", pk=one.receivable_id)
