"""Pages before a company is chosen: the start address, choosing a company, joining one by a link."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from crm.core.company import actions
from crm.core.company.forms import CompanyNameForm, JoinForm
from crm.core.people.models import Seat
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def companies_of(user) -> list[Tenant]:
    """The open companies that a person belongs to, by name."""
    seats = Seat.objects.filter(user=user).values("tenant_id")
    return list(Tenant.objects.filter(pk__in=seats, status=Tenant.Status.ACTIVE).order_by("name", "pk"))


@never_cache
def start(request):
    """`/`: the company last worked in, the only one, or the choice; strangers sign in first."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    slugs = [tenant.slug for tenant in companies_of(request.user)]
    last = request.session.get("company")
    chosen = last if last in slugs else (slugs[0] if len(slugs) == 1 else None)
    return HttpResponseRedirect(f"/{chosen}/") if chosen else redirect("company:choose")


@never_cache
@login_required
def choose(request):
    return render(request, "company/choose.html", {"companies": companies_of(request.user), "form": CompanyNameForm()})


@require_POST
@login_required
def found(request):
    """Open one more company for a person who has an account."""
    form = CompanyNameForm(request.POST)
    founded = attempt(
        form,
        lambda: actions.found_company(name=form.cleaned_data["company"], founder=request.user, locale=get_language()),
    )
    if founded:
        return HttpResponseRedirect(f"/{founded[0].slug}/")
    return form_page(request, "company/choose.html", form, companies=companies_of(request.user))


@never_cache
def join(request, slug, secret):
    """Take the seat that an invitation holds: as the account signed in, or with a new one."""
    tenant = Tenant.objects.filter(slug=slug, status=Tenant.Status.ACTIVE).first()
    with enter(tenant):
        invitation = actions.open_invitation(tenant, secret)
        if request.user.is_authenticated:
            return _join_as_present(request, tenant, invitation)
        if actions.account_of(invitation):
            return render(request, "company/join_sign_in.html", {"invitation": invitation, "company": tenant})
        return _join_as_new(request, tenant, invitation)


def _join_as_present(request, tenant, invitation):
    if request.method == "POST":
        actions.accept(invitation, user=request.user)
        return HttpResponseRedirect(f"/{tenant.slug}/")
    return render(request, "company/join_present.html", {"invitation": invitation, "company": tenant})


def _join_as_new(request, tenant, invitation):
    form = JoinForm(request.POST or None, initial={"name": invitation.member.name}, email=invitation.member.email)
    user = form.is_bound and attempt(form, lambda: _open_account(form, invitation))
    if not user:
        return form_page(request, "company/join.html", form, invitation=invitation, company=tenant)
    login(request, user, backend=BACKEND)
    return HttpResponseRedirect(f"/{tenant.slug}/")


def _open_account(form, invitation):
    values = form.cleaned_data
    return actions.accept_as_new_user(
        invitation, name=values["name"], password=values["password"], language=get_language()
    )
