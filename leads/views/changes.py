"""Changing leads: typing them in, the acts of one lead, claiming several, converting."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm.core.errors import Forbidden
from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go

from .. import actions, acts
from ..forms import ConvertForm, LeadForm
from ..models import Lead
from ..selection import chosen_leads, claimable


def create(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "lead.create")
    form = LeadForm(request.POST or None, member=request.member)
    arrival = attempt(form, lambda: actions.receive(by=request.member, **form.values))
    if arrival:
        return _arrived(request, arrival)
    hits = getattr(getattr(form, "refused", None), "hits", [])
    return form_page(request, "leads/form.html", form, title=_("New lead"), hits=hits)


def _arrived(request, arrival) -> HttpResponse:
    """Go to the new lead; or say whose it is already, and go there if the member may see it."""
    if not arrival.is_new:
        owner = arrival.lead.owner or _("the pool")
        text = _("We know this firm already: the enquiry was added to its lead, which belongs to %(owner)s.")
        messages.info(request, text % {"owner": owner})
    return _after(request, arrival.lead)


def _after(request, lead: Lead) -> HttpResponse:
    """To the lead's page while the member sees it, else to the list."""
    if Lead.objects.visible_to(request.member).filter(pk=lead.pk).exists():
        return go(request, "leads:detail", pk=lead.pk)
    return go(request, "leads:list")


def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    lead = get_visible(Lead, request, pk, "lead.update", "pool", "owner")
    if not acts.may_edit(lead, request.member):
        raise Forbidden("lead.update")
    form = LeadForm(request.POST or None, instance=lead, member=request.member)
    if attempt(form, lambda: actions.update_lead(lead, by=request.member, expected=form.expected, **form.values)):
        return go(request, "leads:detail", pk=lead.pk)
    return form_page(request, "leads/form.html", form, title=lead.name, lead=lead)


def act(request: HttpRequest, tenant: str, pk: int, name: str) -> HttpResponse:
    """One verb: GET asks for its fields in a dialog, POST does it."""
    todo = acts.BY_NAME[name]
    lead = _lead_for(request, pk, name)
    form = todo.form(request.POST if request.method == "POST" else None, member=request.member)
    if attempt(form, lambda: todo.run(lead, by=request.member, **form.cleaned_data)):
        return _after(request, lead)
    template = "leads/_dialog.html" if request.htmx else "leads/act.html"
    return form_page(request, template, form, lead=lead, act=todo)


def _lead_for(request, pk: int, name: str) -> Lead:
    """A lead that somebody else has just claimed is still known to who saw it in the pool."""
    if name == "claim" and (lead := claimable(request.member).filter(pk=pk).first()):
        return lead
    return get_visible(Lead, request, pk, "lead.read", "owner", "pool", "home_pool", "previous_owner")


@require_POST
def claim_selected(request: HttpRequest, tenant: str) -> HttpResponse:
    taken = actions.claim_many(chosen_leads(request.POST.getlist("ids"), request.member), by=request.member)
    text = ngettext("You claimed %(count)d lead.", "You claimed %(count)d leads.", len(taken))
    messages.success(request, text % {"count": len(taken)})
    return go(request, "leads:mine")


def convert(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    lead = get_visible(Lead, request, pk, "lead.convert", "owner")
    require(request.member, "lead.convert", lead)
    form = ConvertForm(request.POST or None, member=request.member, lead=lead)
    if done := attempt(form, lambda: actions.convert(lead, by=request.member, **form.values)):
        if done.opportunity:
            return go(request, "opportunities:detail", pk=done.opportunity.pk)
        return go(request, "accounts:detail", pk=done.account.pk)
    return form_page(request, "leads/convert.html", form, lead=lead)
