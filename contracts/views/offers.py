"""The public page of a quote: what the customer reads, and the answer. No session, no member, nothing internal.

The address names the company and carries a secret. Wrong secrets and answers are counted for each caller, so that
nobody can try them out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from contracts import offers, quote_paper
from contracts.actions.offers import accept_offer, decline_offer
from contracts.models import Quote
from contracts.offer_forms import AcceptForm, DeclineForm
from crm.core.errors import Refused
from crm.core.events.history import origin
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter
from crm.core.web.forms import attempt
from crm.core.web.throttle import too_many

WRONG, ANSWERS = 20, 30  # in a minute, by one caller


class TooOften(Refused):
    status = 429

    def __init__(self):
        super().__init__(_("Too many attempts. Wait a minute and open the link again."), code="TOO_MANY")


def public(view: Callable) -> Callable:
    """Find the quote behind the link, inside its company's wall and in its time zone."""

    @never_cache
    @wraps(view)
    def found(request: HttpRequest, slug: str, secret: str) -> HttpResponse:
        tenant = Tenant.objects.filter(slug=slug, status=Tenant.Status.ACTIVE).first()
        if tenant is None:
            _count_wrong(request)
            raise Http404
        with _inside(tenant, request):
            quote = offers.find(tenant, secret)
            if quote is None:
                _count_wrong(request)
                raise Http404
            quote.tenant = tenant
            response = view(request, quote)
        response["Referrer-Policy"] = "same-origin"  # the secret goes nowhere else; forms need their origin
        response["X-Robots-Tag"] = "noindex"
        return response

    return found


@contextmanager
def _inside(tenant: Tenant, request: HttpRequest) -> Iterator[None]:
    with enter(tenant), timezone.override(tenant.zone), origin("page", getattr(request, "id", "")):
        yield


def _count_wrong(request: HttpRequest) -> None:
    if too_many(request, "offer", WRONG):
        raise TooOften


@public
@require_safe
def show(request: HttpRequest, quote: Quote) -> HttpResponse:
    return _page(request, quote)


def _page(request: HttpRequest, quote: Quote, status: int = 200, **forms: Any) -> HttpResponse:
    context = {
        **quote_paper.facts(quote), "company": quote.tenant, "slug": quote.tenant.slug,
        "secret": request.resolver_match.kwargs["secret"], "state": state_of(quote),
        "accept": forms.get("accept") or AcceptForm(initial={"name": quote.contact.name if quote.contact else ""}),
        "decline": forms.get("decline") or DeclineForm(),
    }  # fmt: skip
    return render(request, "quotes/offer.html", context, status=status)


def state_of(quote: Quote) -> str:
    """open, expired, accepted, declined or superseded."""
    if quote.status != Quote.Status.SENT:
        return quote.status
    return "expired" if quote.has_expired(quote.tenant.today()) else "open"


@public
@require_POST
def accept(request: HttpRequest, quote: Quote) -> HttpResponse:
    return _answered(request, quote, "accept", AcceptForm(request.POST), accept_offer)


@public
@require_POST
def decline(request: HttpRequest, quote: Quote) -> HttpResponse:
    return _answered(request, quote, "decline", DeclineForm(request.POST), decline_offer)


def _answered(request: HttpRequest, quote: Quote, name: str, form, act: Callable) -> HttpResponse:
    """The page after an answer; an answer that came too late finds the page saying why."""
    if too_many(request, "offer-answer", ANSWERS):
        raise TooOften
    if state_of(quote) != "open":
        return _page(request, quote, 409)
    attempt(form, lambda: act(quote, **form.cleaned_data))
    if form.errors:
        quote.refresh_from_db()
        refused = getattr(form, "refused", None)
        return _page(request, quote, refused.status if refused else 422, **{name: form})
    return _page(request, quote)


@public
@require_safe
def pdf(request: HttpRequest, quote: Quote) -> HttpResponse:
    if state_of(quote) not in ("open", Quote.Status.ACCEPTED):
        return _page(request, quote, 409)
    return quote_paper.answer(quote)
