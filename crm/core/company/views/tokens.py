"""One's own API tokens."""

from datetime import datetime, time, timedelta

from django.contrib import messages
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.core.company import actions
from crm.core.company.forms import TokenForm
from crm.core.people.models import ApiToken
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go


def tokens(request, tenant):
    """The list, and a new token whose secret is shown on this answer only."""
    form = TokenForm(request.POST or None, member=request.member)
    made = attempt(form, lambda: _create(request, form))
    if made:
        context = {"made": made[0], "secret": made[1], "form": TokenForm(member=request.member)}
        return render(request, "company/tokens.html", {**context, "tokens": _mine(request)}, status=201)
    return form_page(request, "company/tokens.html", form, tokens=_mine(request))


def _mine(request):
    return ApiToken.objects.visible_to(request.member).order_by("revoked_at", "-id")[:100]


def _create(request, form):
    until = end_of_day(form.cleaned_data["expires_on"], request.tenant.zone)
    return actions.create_token(request.member, by=request.member, name=form.cleaned_data["name"], expires_at=until)


def end_of_day(day, zone):
    """The first moment after a date, in the company's zone; None for no date."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone) if day else None


@require_POST
def revoke(request, tenant, pk):
    token = actions.revoke_token(get_visible(ApiToken, request, pk, "token.manage", "member"), by=request.member)
    messages.success(request, _("“%(name)s” is revoked.") % {"name": token.name})
    return go(request, "settings:tokens")
