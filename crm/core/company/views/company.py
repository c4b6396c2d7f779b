"""The company's own settings, and one's own profile."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from crm.core.company import actions
from crm.core.company.forms import CompanyForm, ProfileForm
from crm.core.people.models import Team
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import company_url, form_page, go

THEMES = [("auto", _("Automatic")), ("light", _("Light")), ("dark", _("Dark"))]
DENSITIES = [("comfortable", _("Roomy")), ("compact", _("Dense"))]


def index(request, tenant):
    """The first settings page that the member may use."""
    first = "settings:company" if may(request.member, "company.manage") else "settings:profile"
    return HttpResponseRedirect(company_url(request, first))


def switch(request, tenant):
    return redirect("company:choose")


def company(request, tenant):
    require(request.member, "company.manage")
    form = CompanyForm(request.POST or None, instance=request.tenant)
    if attempt(form, lambda: actions.update_company(request.tenant, by=request.member, **form.cleaned_data)):
        messages.success(request, _("Saved."))
        return go(request, "settings:company")
    return form_page(request, "company/company.html", form)


def profile(request, tenant):
    """One's own name, telephone and language."""
    form = ProfileForm(request.POST or None, instance=request.member, member=request.member)
    if attempt(form, lambda: _save_profile(request, form)):
        messages.success(request, _("Saved."))
        response = go(request, "settings:profile")
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, form.cleaned_data["language"], samesite="Lax")
        return response
    return form_page(request, "company/profile.html", form, **_about(request.member))


def _about(member) -> dict:
    teams = Team.objects.visible_to(member).filter(memberships__member=member)
    return {"roles": member.role_names, "teams": teams, "themes": THEMES, "densities": DENSITIES}


def _save_profile(request, form):
    values = form.values
    actions.set_language(request.user, values.pop("language"))
    return actions.update_profile(request.member, by=request.member, expected=form.expected, **values)
