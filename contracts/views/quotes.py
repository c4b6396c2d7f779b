"""Quotes: the list, one quote, its editor, and what is done with it."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contracts import offers, quote_forms, quote_paper, quote_sheet, quote_verbs
from contracts.actions import quotes as actions
from contracts.filters.quotes import QuoteFilter
from contracts.models import Contract, Quote
from contracts.quote_listing import ORDERS, asked, tabs
from crm.core.identity.search import matching
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.numbers import is_whole
from crm.core.web.pages import form_page, get_visible, go, keyset_page
from opportunities.models import Opportunity

RELATED = ("account", "owner", "opportunity", "contact", "legal_entity", "price_list")


@require_safe
def quotes(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "quote.read")
    query = asked(request.GET)
    rows = Quote.objects.visible_to(request.member).select_related("account", "owner", "opportunity")
    filters = QuoteFilter(query, rows, request=request)
    order = ORDERS.get(request.GET.get("sort", ""), ORDERS[""])
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=order)
    context = {"page": page, "filter": filters, "tabs": tabs(query), "today": request.tenant.today()}
    return render(request, "quotes/list.html", {**context, "may_create": may(request.member, "quote.create")})


def quote_or_404(request: HttpRequest, pk: int) -> Quote:
    return get_visible(Quote, request, pk, "quote.read", *RELATED)


@require_safe
def detail(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    quote, member = quote_or_404(request, pk), request.member
    may_edit = may(member, "quote.update", quote)
    context = {
        "quote": quote, "today": request.tenant.today(), "verbs": quote_verbs.offered(quote, member),
        "may_edit": may_edit and quote.is_draft, **quote_paper.facts(quote), **quote_paper.inside(quote),
        "versions": Quote.objects.visible_to(member).filter(number=quote.number).order_by("-revision"),
        "contracts": Contract.objects.visible_to(member).filter(quote=quote),
        "link": request.build_absolute_uri(offers.path_of(quote, tenant)) if may_edit and quote.sent_at else "",
    }  # fmt: skip
    return render(request, "quotes/detail.html", context)


@require_safe
def pdf(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """On paper, in the language asked for by `?language=`."""
    quote = quote_or_404(request, pk)
    with translation.override(quote_paper.language(request.GET.get("language", ""))):
        return quote_paper.answer(quote)


def create(request: HttpRequest, tenant: str) -> HttpResponse:
    """A new quote for the deal that `?opportunity=` names, or that is chosen in the form."""
    require(request.member, "quote.create")
    form = new_form(request, request.POST if request.method == "POST" else None)
    if quote := attempt(form, lambda: actions.create_quote(by=request.member, **form.values)):
        return go(request, "quotes:detail", pk=quote.pk)
    return form_page(request, "quotes/editor.html", form, title=_("New quote"), sheet=quote_sheet.reckon(form))


def new_form(request: HttpRequest, data) -> quote_forms.NewQuoteForm:
    chosen = (data or request.GET).get("opportunity", "")
    deals = Opportunity.objects.visible_to(request.member).select_related("account")
    deal = deals.filter(pk=chosen).first() if is_whole(chosen) else None
    return quote_forms.NewQuoteForm(data, member=request.member, deal=deal)


def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    quote = quote_or_404(request, pk)
    require(request.member, "quote.update", quote)
    form = edit_form(request, quote, request.POST if request.method == "POST" else None)
    change = lambda: actions.update_quote(quote, by=request.member, expected=form.expected, **form.values)  # noqa: E731
    if attempt(form, change):
        return go(request, "quotes:detail", pk=pk)
    context = {"title": str(quote), "quote": quote, "sheet": quote_sheet.reckon(form)}
    return form_page(request, "quotes/editor.html", form, **context)


def edit_form(request: HttpRequest, quote: Quote, data) -> quote_forms.QuoteForm:
    lines = quote.lines.select_related("tax_code")
    return quote_forms.QuoteForm(data, instance=quote, member=request.member, lines=lines)


@require_POST
def lines(request: HttpRequest, tenant: str) -> HttpResponse:
    """The sheet as it would be: amounts while one types, or other rows after a button. Writes nothing."""
    require(request.member, "quote.create")
    form = _typed(request, request.POST)
    reshaped = {"more", "drop", "pick"} & set(request.POST)
    if reshaped:
        form = _typed(request, quote_sheet.changed(request.POST, form))
    context = {"form": form, "sheet": quote_sheet.reckon(form), "quote": form.instance if form.instance.pk else None}
    if not request.htmx:
        return render(request, "quotes/editor.html", {**context, "title": _("Quote")})
    template = "quotes/_lines.html" if reshaped else "quotes/_sums.html"
    return render(request, template, {**context, "only_sums": not reshaped})


def _typed(request: HttpRequest, data) -> quote_forms.QuoteForm:
    pk = data.get("quote", "")
    if is_whole(pk):
        return edit_form(request, quote_or_404(request, int(pk)), data)
    return new_form(request, data)


def act(request: HttpRequest, tenant: str, pk: int, verb: str) -> HttpResponse:
    """The questions of a verb (GET), and the verb itself (POST)."""
    quote, wanted = quote_or_404(request, pk), quote_verbs.VERBS.get(verb)
    if wanted is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = wanted.form(data, member=request.member, initial=wanted.form.start(quote))
    made = attempt(form, lambda: wanted.act(quote, by=request.member, expected=form.expected, **form.values))
    if made:
        return go(request, "contracts:detail" if isinstance(made, Contract) else "quotes:detail", pk=made.pk)
    require(request.member, wanted.permission, quote)
    return form_page(request, "quotes/act.html", form, quote=quote, verb=wanted)


@require_safe
def panel(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The quotes of a deal, as a part of its page."""
    require(request.member, "quote.read")
    deal = get_visible(Opportunity, request, pk, "opportunity.read")
    rows = Quote.objects.visible_to(request.member).filter(opportunity=deal).order_by("-id")[:50]
    lost = deal.status == Opportunity.Status.LOST
    context = {"quotes": rows, "deal": deal, "today": request.tenant.today()}
    return render(
        request, "quotes/panel.html", {**context, "may_create": not lost and may(request.member, "quote.create", deal)}
    )


@require_safe
def deals(request: HttpRequest, tenant: str) -> JsonResponse:
    """What the picker of a new quote offers for `?q=`: the deals that may still be quoted."""
    require(request.member, "quote.create")
    rows = Opportunity.objects.visible_to(request.member).exclude(status=Opportunity.Status.LOST)
    found = matching(rows, request.GET.get("q", "")).select_related("account").order_by("-id")[:20]
    return JsonResponse({"results": [{"id": row.pk, "text": row.name, "note": str(row.account)} for row in found]})
