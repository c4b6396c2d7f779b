"""The reconcile desk, with the keyboard or without scripts: lines left, proposals right (experience.md 2.6)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Account
from crm.core.errors import ValidationError
from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from ..actions import desk as acts
from ..actions import payers as payer_acts
from ..actions.posting import post_lines
from ..desk_forms import AcceptForm, AsideForm, DeskRulesForm, LinesForm, SplitForm, shares_in
from ..desk_page import Desk, desk_of, focus_on, focused, owed_by, sure_rows
from ..matching import proposals
from ..models import Adjustment, BankLine, DeskRules, Incoming, PayerAlias, Receipt


@require_safe
def desk(request: HttpRequest, tenant: str) -> HttpResponse:
    require(request.member, "receipt.post")
    return render(request, "desk/desk.html", {"desk": desk_of(request.member, request.GET, request)})


@require_safe
def candidates(request, tenant: str):
    """What the chosen lines may have been paid for: the right half of the desk."""
    require(request.member, "receipt.post")
    if not request.GET.get("line"):
        return go(request, "desk:desk")
    rows = focused(request.member, [line.pk for line in _lines(request, request.GET)])
    context = {"focus": focus_on(rows, request.member) if rows else None}
    return render(request, "desk/candidates.html", context)


@require_POST
def accept(request, tenant: str):
    """Post what one proposal says, as it stood on the desk."""
    require(request.member, "receipt.post")
    lines, form = _lines(request, request.POST), AcceptForm(request.POST, member=request.member)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    data = form.cleaned_data
    values = {name: data[name] for name in ("account", "contract", "seen", "approve_payer", "drop_difference")}
    shares = {} if "on_account" in request.POST else data["share"]
    done = acts.accept(lines, by=request.member, shares=shares, rule=data["rule"] or "manual", **values)
    return _on(request, lines, done)


def _on(request, lines: list[BankLine], done: list[Receipt]) -> HttpResponse:
    """Say what was posted and show the desk with the next line in focus."""
    numbers = ", ".join(receipt.number for receipt in done)
    messages.success(
        request, _("%(numbers)s posted for %(customer)s.") % {"numbers": numbers, "customer": done[0].account}
    )
    return _again(request, lines[-1])


def _again(request, line: BankLine | None = None, on: int | None = None) -> HttpResponse:
    """The desk again: on the line that follows `line`, or on the one whose id is `on`."""
    if not request.htmx:
        return go(request, "desk:desk")
    last = Incoming.objects.of(request.tenant).filter(line=line).first() if line else None
    asked = _filters(request)
    if on is not None:
        asked["line"] = str(on)
    shown: Desk = desk_of(request.member, asked, request, after=last)
    answer = render(request, "desk/_answer.html", {"desk": shown})
    answer["HX-Retarget"], answer["HX-Reswap"] = "#desk", "outerHTML"
    return answer


def _filters(request):
    """The filter of the desk from which a form was sent."""
    from django.http import QueryDict

    return QueryDict(request.POST.get("filters", "")[:500], mutable=True)


def split(request, tenant: str):
    """Choose the customer and the amounts by hand: several receivables, a part of the line, or another customer."""
    require(request.member, "receipt.post")
    data = request.POST if request.method == "POST" else request.GET
    if not data.get("line"):
        return go(request, "desk:desk")
    lines = _lines(request, data)
    rows, account = focused(request.member, [line.pk for line in lines]), _account(request, data)
    if not rows:
        return _again(request)
    owed = list(owed_by(account, rows[0])) if account else []
    posted = request.POST if request.method == "POST" and "save" in request.POST else None
    initial, shares = {"amount": rows[0].left}, _wanted(data, owed, rows)
    form = SplitForm(posted, member=request.member, owed=owed, shares=shares, initial=initial)
    if done := attempt(form, lambda: _accept_split(request, lines, account, form)):
        return _on(request, lines, done)
    return form_page(request, "desk/split.html", form, focus=focus_on(rows, request.member), account=account)


def _accept_split(request, lines, account: Account | None, form: SplitForm) -> list[Receipt]:
    if account is None:
        raise ValidationError(_("Choose the customer who paid."))
    data = form.cleaned_data
    part = data["amount"] if len(lines) == 1 else None
    ticked = {name: data[name] for name in ("approve_payer", "drop_difference")}
    return acts.accept(lines, by=request.member, account=account, shares=form.shares, amount=part, **ticked)


def _account(request, data) -> Account | None:
    asked = data.get("account", "")
    known = asked.isascii() and asked.isdigit() and len(asked) < 19
    return Account.objects.visible_to(request.member).filter(pk=asked).first() if known else None


def _wanted(data, owed, rows) -> dict:
    """The shares of the proposal that is being changed; a part-payment goes to the oldest receivable."""
    if "part" in data and owed:
        return {owed[0].pk: min(owed[0].balance, sum(row.left for row in rows))}
    return shares_in(data.getlist("share"))


def sure(request, tenant: str):
    """All lines with one confident answer: looked over, then accepted in one go."""
    require(request.member, "receipt.post")
    if request.method != "POST":
        pairs = sure_rows(request.member, request.GET, request)
        context = {"pairs": pairs, "total": sum(row.left for row, _found in pairs), "sure": proposals.SURE}
        return render(request, "desk/sure.html", context)
    outcome = post_lines(_lines(request, request.POST), by=request.member, decide=proposals.sure, flagged=True)
    count = len(outcome.posted)
    messages.success(request, ngettext("%(n)d line posted.", "%(n)d lines posted.", count) % {"n": count})
    return go(request, "desk:desk")


@require_POST
def undo(request, tenant: str, pk: int):
    """Reverse a receipt of the desk with its allocations."""
    found = get_visible(Receipt, request, pk, "receipt.read", "account", "bank_line", "legal_entity")
    acts.undo(found, by=request.member)
    messages.success(request, _("%(number)s is reversed; its line is open again.") % {"number": found})
    return _again(request, on=found.bank_line_id)


def aside(request, tenant: str):
    """Put lines aside that no customer paid, with a reason."""
    require(request.member, "receipt.post")
    posted = request.POST if request.method == "POST" else None
    if not (posted or request.GET).get("line"):
        return go(request, "desk:desk")
    lines = _lines(request, posted or request.GET)
    form = AsideForm(posted)
    if attempt(form, lambda: acts.set_aside(lines, by=request.member, reason=form.cleaned_data["reason"])):
        return go(request, "desk:desk")
    return form_page(request, "desk/aside.html", form, lines=lines)


@require_POST
def back(request, tenant: str, pk: int):
    line = get_visible(BankLine, request, pk, "bank.import")
    acts.take_back(line, by=request.member)
    return go(request, "desk:desk")


def _lines(request, data) -> list[BankLine]:
    require(request.member, "receipt.post")
    form = LinesForm(data, member=request.member)
    if not form.is_valid():
        raise ValidationError(_("Choose lines of the desk."))
    return form.cleaned_data["line"]


def rules(request, tenant: str):
    require(request.member, "bank.manage")
    found = DeskRules.of(request.tenant)
    form = DeskRulesForm(request.POST or None, instance=found, member=request.member)
    expected = lambda: form.expected if found.pk else None  # noqa: E731
    if attempt(form, lambda: acts.change_rules(by=request.member, expected=expected(), **form.values)):
        return go(request, "desk:desk")
    return form_page(request, "desk/rules.html", form)


@require_safe
def payers(request, tenant: str):
    """Who has paid for whom, and who may."""
    require(request.member, "bank.import")
    rows = PayerAlias.objects.visible_to(request.member).select_related("account")
    return render(request, "desk/payers.html", {"page": keyset_page(rows, after=request.GET.get("after", ""))})


@require_POST
def decide_payer(request, tenant: str, pk: int, verb: str):
    alias = get_visible(PayerAlias, request, pk, "bank.import", "account")
    if verb == "forget":
        payer_acts.forget(alias, by=request.member)
    else:
        payer_acts.approve_payer(alias.account, alias.name, alias.number, by=request.member)
    return go(request, "desk:payers")


@require_safe
def differences(request, tenant: str):
    """Small differences that were dropped: every one with who did it."""
    require(request.member, "bank.import")
    rows = Adjustment.objects.visible_to(request.member).filter(is_rounding=True)
    rows = rows.select_related("receivable__account", "by")
    return render(request, "desk/differences.html", {"page": keyset_page(rows, after=request.GET.get("after", ""))})
