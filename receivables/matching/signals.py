"""What is known about who paid and for what, for many payments at once: a few queries, no query per line.

Sources (domain.md 6.21b): the payer's account number and name at earlier payments, the customers' names, the
numbers of contracts, receivables and invoices in the memo, and amounts that are open somewhere.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from django.db.models import F, Q

from accounts.models import Account
from contracts.models import Contract
from crm.core.identity.models import IdentityKey
from crm.core.names import company_name, fold
from receivables.models import BankLine, Invoice, PayerAlias, Receivable

_TOKEN = re.compile(r"[A-Z0-9]+(?:[-_/.][A-Z0-9]+)*")
_SHORTEST, MOST_BY_AMOUNT = 4, 500


@dataclass
class Owed:
    """An open receivable. `balance` goes down as payments of the same batch are laid to it."""

    pk: int
    number: str
    account_id: int
    account_name: str
    contract_id: int
    contract_number: str
    legal_entity_id: int
    currency: str
    due_date: date | None
    balance: Decimal


@dataclass(frozen=True)
class Payment:
    """What came in by one bank line, or by several that are matched together."""

    lines: tuple[BankLine, ...]
    amount: Decimal
    legal_entity_id: int
    currency: str

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def payers(self) -> set[str]:
        return {line.counterparty for line in self.lines if line.counterparty}

    @property
    def numbers(self) -> set[str]:
        return {line.counterparty_account for line in self.lines if line.counterparty_account}


@dataclass(frozen=True)
class Reference:
    """A number in a memo: which document it is, and of which contract."""

    text: str
    contract_id: int
    account_id: int


@dataclass
class Evidence:
    """Everything about a batch of payments, by what one looks it up with."""

    by_number: dict[str, list[PayerAlias]] = field(default_factory=lambda: defaultdict(list))
    by_payer: dict[str, list[PayerAlias]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    references: dict[str, list[Reference]] = field(default_factory=lambda: defaultdict(list))
    names: dict[int, str] = field(default_factory=dict)
    owed: dict[int, list[Owed]] = field(default_factory=lambda: defaultdict(list))
    by_amount: dict[Decimal, list[Owed]] = field(default_factory=lambda: defaultdict(list))

    def owed_to(self, payment: Payment, account_id: int) -> list[Owed]:
        """What the customer owes in the payment's legal entity and currency, oldest due first."""
        return [
            one
            for one in self.owed[account_id]
            if one.balance > 0 and (one.legal_entity_id, one.currency) == (payment.legal_entity_id, payment.currency)
        ]


@lru_cache(maxsize=8192)
def whole(name: str) -> str:
    """A name with its form, without blanks and punctuation: equal means the same name."""
    return fold(name).replace(" ", "")


@lru_cache(maxsize=8192)
def core(name: str) -> str:
    return company_name(name).key


@lru_cache(maxsize=2048)
def tokens(text: str) -> frozenset[str]:
    """Pieces of a memo that may be a document's number, without their separators too."""
    found = _TOKEN.findall(unicodedata.normalize("NFKC", text).upper())
    numbers = {token for token in found if len(token) >= _SHORTEST and any(map(str.isdigit, token))}
    return frozenset(numbers | {compact(token) for token in numbers})


def compact(number: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", number.upper())


def gather(payments: Sequence[Payment], tenant) -> Evidence:
    """Load what is known about these payments, in seven statements at most."""
    evidence = Evidence()
    _aliases(evidence, payments, tenant)
    _customers_by_name(evidence, payments, tenant)
    _references(evidence, payments, tenant)
    accounts = _accounts(evidence)
    _names(evidence, accounts, tenant)
    _owed(evidence, accounts & set(evidence.names), tenant)
    unknown = {payment.amount for payment in payments if not customers_of(payment, evidence)}
    if unknown:
        rows = _rows(Receivable.objects.of(tenant).filter(balance__in=unknown))[:MOST_BY_AMOUNT]
        for one in map(_as_owed, rows):
            evidence.by_amount[one.balance].append(one)
            evidence.names.setdefault(one.account_id, one.account_name)
    return evidence


def _aliases(evidence: Evidence, payments: Iterable[Payment], tenant) -> None:
    numbers = {number for payment in payments for number in payment.numbers}
    keys = {core(name) for payment in payments for name in payment.payers} - {""}
    if not numbers | keys:
        return
    known = PayerAlias.objects.of(tenant).filter(Q(number__in=numbers) | Q(name_key__in=keys), times__gt=0)
    for alias in known:
        if alias.number:
            evidence.by_number[alias.number].append(alias)
        if alias.name_key:
            evidence.by_payer[alias.name_key].append(alias)


def _customers_by_name(evidence: Evidence, payments: Iterable[Payment], tenant) -> None:
    keys = {core(name) for payment in payments for name in payment.payers} - {""}
    if not keys:
        return
    rows = IdentityKey.objects.of(tenant).filter(
        kind=IdentityKey.Kind.NAME, key__in=keys, subject_type=Account._meta.label_lower
    )
    for key, account_id in rows.values_list("key", "subject_id"):
        evidence.by_name[key].append(account_id)


def _references(evidence: Evidence, payments: Iterable[Payment], tenant) -> None:
    """Contracts named by their own number, or by that of a receivable or an invoice of theirs; one statement."""
    wanted = {token for payment in payments for token in tokens(payment.text)}
    if not wanted:
        return
    columns = ("number", "contract", "payer")
    contracts = Contract.objects.of(tenant).filter(number__in=wanted).exclude(number="")
    found = contracts.order_by().annotate(contract=F("pk"), payer=F("account_id")).values_list(*columns)
    for model in (Receivable, Invoice):
        rows = model.objects.of(tenant).filter(number__in=wanted).order_by().annotate(payer=F("account_id"))
        found = found.union(rows.values_list("number", "contract_id", "payer"))
    for number, contract_id, account_id in found:
        evidence.references[number].append(Reference(number, contract_id, account_id))


def _accounts(evidence: Evidence) -> set[int]:
    aliases = [alias for by in (evidence.by_number, evidence.by_payer) for found in by.values() for alias in found]
    named = {pk for found in evidence.by_name.values() for pk in found}
    return (
        named
        | {alias.account_id for alias in aliases}
        | {reference.account_id for found in evidence.references.values() for reference in found}
    )


def _names(evidence: Evidence, accounts: set[int], tenant) -> None:
    if accounts:
        live = Account.objects.of(tenant).filter(pk__in=accounts, is_placeholder=False)
        evidence.names = dict(live.exclude(status=Account.Status.MERGED).values_list("pk", "name"))


def _owed(evidence: Evidence, accounts: set[int], tenant) -> None:
    if accounts:
        for one in map(_as_owed, _rows(Receivable.objects.of(tenant).filter(account_id__in=accounts))):
            evidence.owed[one.account_id].append(one)


def _rows(receivables):
    """Open and undisputed, oldest due first, as tuples: thousands of them are read at once."""
    rows = receivables.filter(balance__gt=0, disputed=False, superseded=False)
    return rows.order_by(F("due_date").asc(nulls_last=True), "pk").values_list(
        "pk", "number", "account_id", "account__name", "contract_id", "contract__number", "legal_entity_id",
        "currency", "due_date", "balance",
    )  # fmt: skip


def _as_owed(row) -> Owed:
    return Owed(*row)


def customers_of(payment: Payment, evidence: Evidence) -> set[int]:
    """Every customer that something beside the amount speaks for."""
    named = {pk for name in payment.payers for pk in evidence.by_name[core(name)]}
    aliases = [alias for number in payment.numbers for alias in evidence.by_number[number]]
    aliases += [alias for name in payment.payers for alias in evidence.by_payer[core(name)]]
    said = {reference.account_id for reference in references_of(payment, evidence)}
    return (named | said | {alias.account_id for alias in aliases}) & set(evidence.names)


def references_of(payment: Payment, evidence: Evidence) -> list[Reference]:
    return [reference for token in tokens(payment.text) for reference in evidence.references.get(token, ())]


__all__ = ["Evidence", "Owed", "Payment", "Reference", "customers_of", "gather", "references_of", "tokens"]
