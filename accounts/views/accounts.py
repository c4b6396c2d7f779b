"""Customers: the list, the 360° page, and what is done with one."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.activities import timeline
from crm.core.activities.models import Activity
from crm.core.identity.search import matching
from crm.core.people.models import Member
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import company_url, form_page, get_visible, go, keyset_page

from .. import actions
from ..filters import VIEWS, AccountFilter
from ..forms import AccountForm, CollaboratorForm, NewAccountForm, TransferForm
from ..models import Account

ORDERS = {"": ("-id",), "name": ("name", "id"), "-name": ("-name", "-id")}


@require_safe
def accounts(request, tenant: str):
    require(request.member, "account.read")
    view = request.GET.get("view") or default_view(request.member)
    rows = Account.objects.visible_to(request.member).select_related("owner")
    filters = AccountFilter({**request.GET.dict(), "view": view}, rows, request=request)
    order = ORDERS.get(request.GET.get("sort", ""), ORDERS[""])
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=order)
    context = {"page": page, "filter": filters, "view": view, "views": VIEWS, "may_create": may_create(request.member)}
    return render(request, "accounts/list.html", context)


def default_view(member) -> str:
    """People who own customers begin with their own; others with all they see."""
    return "mine" if may(member, "account.create") and not may(member, "account.transfer") else "all"


def may_create(member) -> bool:
    return may(member, "account.create")


def account_or_404(request, pk: int, *related) -> Account:
    return get_visible(Account, request, pk, "account.read", *related)


@require_safe
def detail(request, tenant: str, pk: int):
    """Everything about one customer; activities and deals load into their own panels."""
    account = account_or_404(request, pk, "owner", "parent", "created_by")
    visits = timeline.activities_of(account).filter(type=Activity.Type.VISIT)[:3]
    context = {
        "account": account, "contacts": account.contacts.all()[:100], "visits": visits,
        "children": Account.objects.visible_to(request.member).filter(parent=account)[:50],
        "collaborators": account.collaborations.select_related("member"), "deals_url": deals_url(request, account),
        "collaborator_form": CollaboratorForm(member=request.member), **permissions(request.member, account),
    }  # fmt: skip
    return render(request, "accounts/detail.html", context)


def permissions(member: Member, account: Account) -> dict[str, bool]:
    return {
        "may_update": may(member, "account.update", account),
        "may_transfer": may(member, "account.transfer", account.owner or account),
        "may_add_contact": may(member, "contact.create", account),
        "may_visit": may(member, "activity.create"),
        "may_read_visits": may(member, "activity.read"),
    }


def deals_url(request, account: Account) -> str:
    """The panel of deals, which stands downstream: shown when it is there, to members who may read deals."""
    if not may(request.member, "opportunity.read"):
        return ""
    try:
        return company_url(request, "opportunities:panel", account=account.pk)
    except NoReverseMatch:
        return ""


def create(request, tenant: str):
    require(request.member, "account.create")
    form = NewAccountForm(request.POST or None, member=request.member)
    account = attempt(form, lambda: actions.enter_account(by=request.member, **form.values))
    if account:
        return go(request, "accounts:detail", pk=account.pk)
    return form_page(request, "accounts/form.html", form, title=_("New customer"))


def edit(request, tenant: str, pk: int):
    """The facts as a form: in place of the facts by HTMX, else as a page of its own."""
    account = account_or_404(request, pk, "owner", "parent")
    require(request.member, "account.update", account)
    form = AccountForm(request.POST or None, instance=account, member=request.member)
    values = lambda: {"by": request.member, "expected": form.expected, **form.values}  # noqa: E731
    if attempt(form, lambda: actions.update_account(account, **values())) is None:
        return form_page(request, "accounts/edit.html", form, account=account)
    return facts(request, tenant, pk) if request.htmx else go(request, "accounts:detail", pk=pk)


def facts(request, tenant: str, pk: int) -> HttpResponse:
    account = account_or_404(request, pk, "owner", "parent", "created_by")
    return render(request, "accounts/_facts.html", {"account": account, **permissions(request.member, account)})


def transfer(request, tenant: str, pk: int):
    account = account_or_404(request, pk, "owner")
    require(request.member, "account.transfer", account.owner or account)
    form = TransferForm(request.POST or None, member=request.member)
    if attempt(form, lambda: actions.transfer_account(account, by=request.member, **form.cleaned_data)) is None:
        return form_page(request, "accounts/transfer.html", form, account=account)
    seen = Account.objects.visible_to(request.member).filter(pk=pk).exists()
    return go(request, "accounts:detail", pk=pk) if seen else go(request, "accounts:list")


@require_POST
def collaborators(request, tenant: str, pk: int, verb: str):
    """Add or remove somebody who works on the customer beside its owner."""
    account = account_or_404(request, pk, "owner")
    act = {"add": actions.add_collaborator, "remove": actions.remove_collaborator}[verb]
    form = CollaboratorForm(request.POST, member=request.member)
    form.full_clean()
    if form.is_valid():
        act(account, form.cleaned_data["member"], by=request.member)
        return go(request, "accounts:detail", pk=pk)
    return form_page(request, "accounts/collaborators.html", form, account=account)


@require_safe
def options(request, tenant: str):
    """Customers for a picker: `{"results": [{"id", "text", "note"}]}` for `?q=`."""
    require(request.member, "account.read")
    rows = matching(Account.objects.visible_to(request.member), request.GET.get("q", "")[:200])
    rows = rows.exclude(status=Account.Status.MERGED).select_related("owner").order_by("-id")[:20]
    found = [{"id": row.pk, "text": row.name, "note": str(row.owner or "")} for row in rows]
    return JsonResponse({"results": found})
