"""Ranked and explained: who paid, and what for (domain.md 6.16, 6.21b).

A proposal is certain, and may be posted without asking, only when the customer is: the payer's account number or
the exact name belongs to one customer, and nothing speaks for another. Scores are percent; they rank, and they say
what a person may accept in one go.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from crm.core.names import company_name
from receivables.models import Allocation

from .sharing import choose, fill, subsets
from .signals import Evidence, Owed, Payment, Reference, compact, core, customers_of, references_of, tokens, whole

Rule = Allocation.Rule
Reasons = list[str | Promise]
ZERO = Decimal("0.00")
SURE, MOST, EXACT_SHOWN = 95, 8, 3


@dataclass
class Proposal:
    """Money of a payment for receivables of one customer; what is left over stays on account."""

    account_id: int
    account_name: str
    items: list[tuple[Owed, Decimal]]
    amount: Decimal
    rule: str
    score: int
    reasons: Reasons = field(default_factory=list)
    certain: bool = False
    contract_id: int | None = None
    third_party: bool = False
    short: Decimal = ZERO

    @property
    def shares(self) -> dict[int, Decimal]:
        return {one.pk: amount for one, amount in self.items}

    @property
    def left(self) -> Decimal:
        return self.amount - sum((amount for _one, amount in self.items), ZERO)


@dataclass
class Customer:
    """A customer who may have paid: how likely, why, and whether there is no doubt."""

    account_id: int
    name: str
    likely: float
    reasons: Reasons
    certain: bool = False
    third_party: bool = False


def propose(payment: Payment, evidence: Evidence, small: Decimal = ZERO) -> list[Proposal]:
    """The best proposals first, eight at most. `small` is the difference that may be dropped."""
    found: list[Proposal] = []
    for customer in customers(payment, evidence):
        found += _of_customer(payment, customer, evidence, small)
    if not found:
        found = [_by_amount(payment, one, evidence) for one in evidence.by_amount[payment.amount]
                 if (one.legal_entity_id, one.currency) == (payment.legal_entity_id, payment.currency)]  # fmt: skip
    return sorted(_distinct(found), key=lambda one: -one.score)[:MOST]


def certain(payment: Payment, evidence: Evidence) -> Proposal | None:
    """What may be posted without asking: the rules of domain.md 6.16 for a customer without doubt, or nothing.

    Left to people when the memo names several contracts, or when the amount is just that of receivables which are
    not the oldest: two rules would then say different things.
    """
    known = [customer for customer in customers(payment, evidence) if customer.certain]
    if len(known) != 1:
        return None
    [customer], owed = known, evidence.owed_to(payment, known[0].account_id)
    contracts = _contracts(payment, customer.account_id, owed, evidence)
    if len(contracts) > 1:
        return None
    contract_id = next(iter(contracts), None)
    choice = choose(payment.amount, owed, contract_id)
    within = [one for one in owed if contract_id in (None, one.contract_id)]
    if choice.rule != Rule.EXACT and any(set(choice.shares) != exactly for exactly in _exactly(payment.amount, within)):
        return None
    return _proposal(payment, customer, _items(owed, choice.shares), choice.rule, 1.0, [], contract_id=contract_id)


def _exactly(amount: Decimal, owed: Sequence[Owed]) -> list[set[int]]:
    """Receivables that the amount settles to the cent: single ones, else sets of them."""
    single = [{one.pk} for one in owed if one.balance == amount]
    return single[:1] or [{one.pk for one in members} for members in subsets(amount, owed)]


def sure(payment: Payment, evidence: Evidence) -> Proposal | None:
    """What a person may accept unseen: the first proposal at 95 % or more that no other comes near."""
    ranked = propose(payment, evidence)
    if not ranked or ranked[0].score < SURE or ranked[0].third_party:
        return None
    return ranked[0] if len(ranked) == 1 or ranked[1].score < SURE else None


def customers(payment: Payment, evidence: Evidence) -> list[Customer]:
    """Everybody who may have paid, the likeliest first."""
    found = [_customer(pk, payment, evidence) for pk in customers_of(payment, evidence)]
    doubt = _doubt(payment, evidence)
    for customer in found:
        customer.certain = customer.certain and not doubt and not customer.third_party
        customer.likely = 0.99 if customer.certain else min(customer.likely, 0.6) if doubt else customer.likely
    return sorted(found, key=lambda customer: (-customer.likely, customer.account_id))


def _customer(pk: int, payment: Payment, evidence: Evidence) -> Customer:
    name, doubts, certain_ = evidence.names[pk], 1.0, False
    reasons: Reasons = []
    aliases = [one for number in payment.numbers for one in evidence.by_number[number] if one.account_id == pk]
    payers = [one for who in payment.payers for one in evidence.by_payer[core(who)] if one.account_id == pk]
    if aliases:
        doubts, certain_ = doubts * 0.07, True
        times = sum(alias.times for alias in aliases)
        reasons.append(format_lazy(_("This account number has paid for the customer before ({times}×)."), times=times))
    if any(whole(who) == whole(name) for who in payment.payers):
        doubts, certain_ = doubts * 0.08, certain_ or all(map(_tells, payment.payers))
        reasons.append(_("The payer's name is the customer's."))
    elif payers:
        doubts *= 0.15
        reasons.append(format_lazy(_("“{payer}” has paid for the customer before."), payer=payers[0].name))
    elif any(core(who) == core(name) for who in payment.payers):
        doubts *= 0.25
        reasons.append(_("The payer's name is nearly the customer's."))
    if any(reference.account_id == pk for reference in references_of(payment, evidence)):
        doubts *= 0.15
    approved = any(alias.is_third_party for alias in (*aliases, *payers))
    return Customer(pk, name, 1 - doubts, reasons, certain_, is_third_party(payment, name) and not approved)


def is_third_party(payment: Payment, name: str) -> bool:
    """Whether somebody with another name than the customer's has paid."""
    return any(core(who) != core(name) for who in payment.payers)


def _tells(name: str) -> bool:
    """Whether a name is that of a firm: people share names, firms of one form do not."""
    parts = company_name(name)
    return bool(parts.form or parts.branch) or len(parts.key) >= 5


def _doubt(payment: Payment, evidence: Evidence) -> bool:
    """Whether what is known points at more than one customer."""
    alive = set(evidence.names)
    numbers = {one.account_id for number in payment.numbers for one in evidence.by_number[number]} & alive
    exact = {pk for who in payment.payers for pk in evidence.by_name[core(who)]
             if pk in alive and whole(evidence.names[pk]) == whole(who)}  # fmt: skip
    others = {one.account_id for who in payment.payers for one in evidence.by_payer[core(who)] if one.is_third_party}
    said = {reference.account_id for reference in references_of(payment, evidence)} & alive
    if len(numbers) == 1 and numbers <= exact:
        exact = numbers
    return len(numbers | exact | (others & alive) | said) > 1


def _of_customer(payment: Payment, customer: Customer, evidence: Evidence, small: Decimal) -> Iterator[Proposal]:
    owed = evidence.owed_to(payment, customer.account_id)
    make: Callable = lambda *args, **more: _proposal(payment, customer, *args, **more)  # noqa: E731
    yield from _by_reference(payment, customer, owed, evidence, make)
    equal = [one for one in owed if one.balance == payment.amount]
    for index, one in enumerate(equal[:EXACT_SHOWN]):
        likely = 0.97 if len(equal) == 1 else 0.92 - index * 0.1
        yield make([(one, payment.amount)], Rule.EXACT, likely, _equal_reasons(one, len(equal)))
    found = subsets(payment.amount, owed)
    for members in found:
        likely = 0.97 if len(found) == 1 and not equal else 0.75
        yield make([(one, one.balance) for one in members], Rule.MANUAL, likely, _subset_reasons(members, found))
    for one in owed:
        if 0 < (short := one.balance - payment.amount) <= small:
            reason = format_lazy(_("{amount} short of {number}: a small difference."), amount=short, number=one.number)
            yield make([(one, payment.amount)], Rule.MANUAL, 0.9, [reason], short=short)
    if shares := fill(payment.amount, (one for one in owed if one.due_date is not None)):
        yield make(_items(owed, shares), Rule.OLDEST, 0.7, [_("Oldest due first.")])
    yield make([], Rule.MANUAL, 0.3 if owed else 0.9, [_advance_reason(owed)])


def _by_reference(payment, customer: Customer, owed: Sequence[Owed], evidence: Evidence, make) -> Iterator[Proposal]:
    contracts = _contracts(payment, customer.account_id, owed, evidence)
    named = [one for one in owed if one.contract_id in contracts]
    if not named:
        return
    only = min(contracts) if len(contracts) == 1 else None
    reasons = [format_lazy(_("The memo names {numbers}."), numbers=", ".join(dict.fromkeys(contracts.values())))]
    for exactly in _exactly(payment.amount, named)[:1]:
        items = [(one, one.balance) for one in named if one.pk in exactly]
        likely = 0.995 if only else 0.98
        yield make(items, Rule.REFERENCE, likely, [*reasons, _("The amount is what is open of it.")], contract_id=only)
    oldest = _items(named, fill(payment.amount, named))
    yield make(oldest, Rule.REFERENCE, 0.97 if only else 0.85, reasons, contract_id=only)


def _contracts(payment, account_id: int, owed: Sequence[Owed], evidence: Evidence) -> dict[int, str]:
    """Contracts of the customer that the memo names: id → as it is named; written without hyphens too."""
    found: dict[int, str] = {}
    for reference in references_of(payment, evidence):
        if reference.account_id == account_id:
            found.setdefault(reference.contract_id, reference.text)
    said = tokens(payment.text)
    for one in owed:
        for number in (one.contract_number, one.number):
            if len(compact(number)) >= 4 and compact(number) in said and any(map(str.isdigit, number)):
                found.setdefault(one.contract_id, number)
    return found


def _proposal(payment: Payment, customer: Customer, items, rule: str, likely: float, reasons, *,
              contract_id: int | None = None, short: Decimal = ZERO) -> Proposal:  # fmt: skip
    reasons = [*customer.reasons, *reasons]
    if customer.third_party:
        reasons.append(_("Somebody else pays for the customer: accepting approves this payer."))
    return Proposal(
        customer.account_id, customer.name, items, payment.amount, rule, int(customer.likely * likely * 100 + 0.5),
        reasons, customer.certain, contract_id, customer.third_party, short,
    )  # fmt: skip


def _by_amount(payment: Payment, one: Owed, evidence: Evidence) -> Proposal:
    """Nothing but the amount speaks for it."""
    same = len(evidence.by_amount[payment.amount])
    customer = Customer(one.account_id, one.account_name, 0.45 if same == 1 else 0.2, [])
    customer.third_party = is_third_party(payment, one.account_name)
    return _proposal(payment, customer, [(one, payment.amount)], Rule.EXACT, 1.0, _equal_reasons(one, same))


def _items(owed: Sequence[Owed], shares: dict[int, Decimal]) -> list[tuple[Owed, Decimal]]:
    return [(one, shares[one.pk]) for one in owed if one.pk in shares]


def _equal_reasons(one: Owed, same: int) -> Reasons:
    reasons: Reasons = [format_lazy(_("The amount is what is open of {number}."), number=one.number)]
    return [*reasons, _("Other receivables have the same amount.")] if same > 1 else reasons


def _subset_reasons(members: Sequence[Owed], found: Sequence) -> Reasons:
    reasons: Reasons = [format_lazy(_("{count} receivables add up to the amount."), count=len(members))]
    return [*reasons, _("Other receivables add up to it too.")] if len(found) > 1 else reasons


def _advance_reason(owed: Sequence[Owed]) -> Promise:
    return _("Keep it on account.") if owed else _("The customer owes nothing: keep it on account.")


def _distinct(found: Sequence[Proposal]) -> list[Proposal]:
    """Each choice once, with the best of its scores."""
    best: dict[tuple, Proposal] = {}
    for one in found:
        key = (one.account_id, tuple(sorted(one.shares.items())))
        if key not in best or best[key].score < one.score:
            best[key] = one
    return list(best.values())


__all__ = ["SURE", "Proposal", "Reference", "certain", "customers", "is_third_party", "propose", "sure"]
