"""Bank accounts, statements and their lines."""

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from ..actions import statements
from ..desk_filters import BankLineFilter
from ..desk_forms import BankAccountForm, ColumnForm, StatementForm
from ..models import BankAccount, BankLine, StatementFile
from ..statements.reading import Reading

SAMPLE = 15


@require_safe
def accounts(request, tenant: str):
    require(request.member, "bank.import")
    rows = BankAccount.objects.visible_to(request.member).select_related("legal_entity")
    page = keyset_page(rows, after=request.GET.get("after", ""), order=("name", "id"))
    return render(request, "bank/accounts.html", {"page": page, "may_manage": may(request.member, "bank.manage")})


def create_account(request, tenant: str):
    require(request.member, "bank.manage")
    form = BankAccountForm(request.POST or None, member=request.member)
    if attempt(form, lambda: statements.create_bank_account(by=request.member, **form.values)):
        return go(request, "desk:accounts")
    return form_page(request, "bank/account_form.html", form, title=_("New bank account"))


def edit_account(request, tenant: str, pk: int):
    account = get_visible(BankAccount, request, pk, "bank.manage")
    require(request.member, "bank.manage")
    form = BankAccountForm(request.POST or None, instance=account, member=request.member)
    change = lambda: statements.update_bank_account(account, by=request.member, expected=form.expected, **form.values)  # noqa: E731
    if attempt(form, change):
        return go(request, "desk:accounts")
    return form_page(request, "bank/account_form.html", form, title=account.name)


@require_safe
def lines(request, tenant: str):
    require(request.member, "bank.import")
    rows = BankLine.objects.visible_to(request.member).select_related("bank_account").prefetch_related("incoming")
    filters = BankLineFilter(request.GET, rows, request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""), order=("-day", "-id"))
    return render(request, "bank/lines.html", {"page": page, "filter": filters})


@require_safe
def statement_list(request, tenant: str):
    require(request.member, "bank.import")
    rows = StatementFile.objects.visible_to(request.member).select_related("bank_account", "created_by")
    page = keyset_page(rows, after=request.GET.get("after", ""))
    return render(request, "bank/statements.html", {"page": page})


def upload(request, tenant: str):
    """Bring a statement; it is looked at before it is imported."""
    require(request.member, "bank.import")
    posted = request.method == "POST"
    form = StatementForm(
        request.POST if posted else None, request.FILES or None, member=request.member, initial=request.GET.dict()
    )
    data = lambda name: form.cleaned_data[name]  # noqa: E731
    bring = lambda: statements.upload_statement(data("bank_account"), by=request.member, file=data("file"))  # noqa: E731
    if statement := attempt(form, bring):
        return go(request, "desk:statement", pk=statement.pk)
    return form_page(request, "bank/upload.html", form, any_account=form.fields["bank_account"].queryset.exists())


def statement(request, tenant: str, pk: int):
    """What a statement says, and what its columns mean; once imported, what came of it."""
    found = _statement(request, pk)
    if found.status == StatementFile.Status.IMPORTED:
        return render(request, "bank/statement.html", {"statement": found})
    reading = statements.reading_of(found)
    form = ColumnForm(request.POST or None, headers=reading.headers, columns=reading.columns)
    if attempt(form, lambda: statements.choose_columns(found, form.columns, by=request.member)):
        return go(request, "desk:statement", pk=pk)
    return form_page(request, "bank/preview.html", form, statement=found, **_told(found, reading))


def _told(statement: StatementFile, reading: Reading) -> dict:
    new = len(statements.new_rows(statement.bank_account, reading))
    return {"reading": reading, "sample": reading.rows[:SAMPLE], "new": new, "known": len(reading.rows) - new}


@require_POST
def import_statement(request, tenant: str, pk: int):
    found = _statement(request, pk)
    statements.import_statement(found, by=request.member)
    return go(request, "desk:statement", pk=pk)


def _statement(request, pk: int) -> StatementFile:
    require(request.member, "bank.import")
    return get_visible(StatementFile, request, pk, "bank.import", "bank_account__legal_entity")
