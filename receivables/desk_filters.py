"""What bank lines, statements and receipts are looked for by, on the pages and in the API."""

from typing import Any

import django_filters
from django.db.models import Q
from django.forms import HiddenInput
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.errors import ValidationError
from crm.core.money import read_amount
from crm.core.web.rendering import DateInput, PickerSelect

from .models import Allocation, BankAccount, BankLine, Incoming, Receipt, Receivable, StatementFile

PK: dict[str, Any] = {"min_value": 1, "max_value": 2**62}


def _visible(model):
    return lambda request: model.objects.visible_to(request.member)


def amount_in(text: str):
    """The amount that somebody looks for, or None when the words are none."""
    try:
        return read_amount(text)
    except ValidationError:
        return None


class BankAccountFilter(django_filters.FilterSet):
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = BankAccount
        fields: list[str] = []


class StatementFilter(django_filters.FilterSet):
    bank_account = django_filters.ModelChoiceFilter(queryset=_visible(BankAccount))
    status = django_filters.ChoiceFilter(choices=StatementFile.Status)

    class Meta:
        model = StatementFile
        fields: list[str] = []


class AllocationFilter(django_filters.FilterSet):
    receipt = django_filters.ModelChoiceFilter(queryset=_visible(Receipt))
    receivable = django_filters.ModelChoiceFilter(queryset=_visible(Receivable))
    rule = django_filters.ChoiceFilter(choices=Allocation.Rule)

    class Meta:
        model = Allocation
        fields: list[str] = []


class BankLineFilter(django_filters.FilterSet):
    """Lines of statements: `state` is what is left of the money that came in."""

    STATES = [
        ("open", _("To match")), ("booked", _("Booked")), ("aside", _("Set aside")), ("out", _("Money out")),
    ]  # fmt: skip
    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=STATES, method="in_state", label=_("State"), empty_label=_("All lines"))
    bank_account = django_filters.ModelChoiceFilter(
        queryset=_visible(BankAccount), label=_("Bank account"), empty_label=_("All bank accounts")
    )
    since = django_filters.DateFilter("day", "gte", label=_("From"), widget=DateInput)
    until = django_filters.DateFilter("day", "lte", label=_("Until"), widget=DateInput)
    statement = django_filters.NumberFilter("statement_id", label=_("Statement"), widget=HiddenInput, **PK)

    class Meta:
        model = BankLine
        fields: list[str] = []

    def search(self, rows, name, value):
        """Payer, memo, transaction number or the amount itself."""
        words = Q(counterparty__icontains=value) | Q(memo__icontains=value) | Q(txn_no=value)
        amount = amount_in(value)
        return rows.filter(words if amount is None else words | Q(credit=amount) | Q(debit=amount))

    def in_state(self, rows, name, value):
        if value == "out":
            return rows.filter(debit__gt=0)
        states: dict[str, dict[str, Any]] = {
            "open": {"left__gt": 0, "set_aside": False}, "booked": {"left": 0}, "aside": {"set_aside": True},
        }  # fmt: skip
        found = Incoming.objects.of(self.request.member.tenant_id).filter(**states[value])
        return rows.filter(pk__in=found.values("line_id"))


class DeskFilter(django_filters.FilterSet):
    """Which of the open lines the desk shows."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    bank_account = django_filters.ModelChoiceFilter(
        queryset=_visible(BankAccount), label=_("Bank account"), empty_label=_("All bank accounts")
    )

    class Meta:
        model = Incoming
        fields: list[str] = []

    def search(self, rows, name, value):
        words = Q(line__counterparty__icontains=value) | Q(line__memo__icontains=value)
        amount = amount_in(value)
        return rows.filter(words if amount is None else words | Q(left=amount))


class ReceiptFilter(django_filters.FilterSet):
    """Receipts; `advances` are those with money left to allocate."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.ChoiceFilter(choices=Receipt.Status, label=_("Status"), empty_label=_("All states"))
    method = django_filters.ChoiceFilter(choices=Receipt.Method, label=_("Method"), empty_label=_("All methods"))
    advances = django_filters.BooleanFilter(method="with_money_left", label=_("With money left"))
    account = django_filters.ModelChoiceFilter(
        queryset=_visible(Account), label=_("Customer"), widget=PickerSelect("accounts:options")
    )
    since = django_filters.DateFilter("received_on", "gte", label=_("From"), widget=DateInput)
    until = django_filters.DateFilter("received_on", "lte", label=_("Until"), widget=DateInput)
    bank_line = django_filters.NumberFilter("bank_line_id", label=_("Bank line"), widget=HiddenInput, **PK)

    class Meta:
        model = Receipt
        fields: list[str] = []

    @property
    def form(self):
        form = super().form
        form.fields["account"].widget.scope_to(self.request.member)
        return form

    def search(self, rows, name, value):
        """Number, payer, customer or the amount itself."""
        words = Q(number__icontains=value) | Q(payer__icontains=value) | Q(account__name__icontains=value)
        amount = amount_in(value)
        return rows.filter(words if amount is None else words | Q(amount=amount))

    def with_money_left(self, rows, name, value):
        left = Q(unallocated__gt=0, status=Receipt.Status.POSTED)
        return rows.filter(left if value else ~left)
