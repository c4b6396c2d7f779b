"""People at customers."""

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go

from .. import actions
from ..forms import ContactForm
from ..models import Contact
from .accounts import account_or_404


@require_safe
def contact(request, tenant: str, pk: int):
    person = get_visible(Contact, request, pk, "account.read", "account__owner")
    may_update = may(request.member, "contact.update", person)
    return render(request, "accounts/contact.html", {"contact": person, "may_update": may_update})


def create(request, tenant: str, pk: int):
    account = account_or_404(request, pk, "owner")
    require(request.member, "contact.create", account)
    form = ContactForm(request.POST or None, member=request.member)
    if attempt(form, lambda: actions.add_contact(account, by=request.member, **form.values)):
        return go(request, "accounts:detail", pk=account.pk)
    return form_page(request, "accounts/contact_form.html", form, account=account, title=_("New contact"))


def edit(request, tenant: str, pk: int):
    person = get_visible(Contact, request, pk, "account.read", "account__owner")
    require(request.member, "contact.update", person)
    form = ContactForm(request.POST or None, instance=person, member=request.member)
    change = lambda: actions.update_contact(person, by=request.member, expected=form.expected, **form.values)  # noqa: E731
    if attempt(form, change):
        return go(request, "accounts:contact", pk=pk)
    return form_page(request, "accounts/contact_form.html", form, account=person.account, title=person.name)
