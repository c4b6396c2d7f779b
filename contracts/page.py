"""What a contract's page shows: derived figures, lines, versions, changes and what may be done (domain.md 3.5)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from contracts import effects, verbs
from contracts.actions.orders import delivered_amount
from contracts.actions.versions import TEXTS
from contracts.models import Contract
from contracts.previews import CHANGEABLE
from crm.core.capitals import rmb_capitals
from crm.core.people.models import Member
from crm.core.people.reach import may

ZERO = Decimal("0.00")
FIGURES = ("planned", "invoiced", "collected", "balance", "overdue")


def figures(contract: Contract) -> dict[str, Decimal]:
    """Derived, never typed in: what followers add up, beside the effective amount and what was delivered."""
    return {"delivered": delivered_amount(contract), **figures_of([contract])[contract.pk]}


def figures_of(contracts: Iterable[Contract]) -> dict[int, dict[str, Decimal]]:
    """The sums of followers for each contract, by id."""
    contracts = list(contracts)
    found = {contract.pk: dict.fromkeys(FIGURES, ZERO) for contract in contracts}
    for follower in effects.followers():
        for pk, figures in follower.figures_of(contracts).items():
            for name, amount in figures.items():
                found[pk][name] = found[pk].get(name, ZERO) + amount
    return found


def with_sums(contracts: Iterable[Contract], member: Member) -> list[dict[str, Any]]:
    """Rows of a list: each contract with its sums."""
    contracts = list(contracts)
    for contract in contracts:
        contract.tenant = member.tenant
    sums = figures_of(contracts)
    return [{"contract": contract, "sums": sums[contract.pk]} for contract in contracts]


def everything(contract: Contract, member: Member) -> dict[str, Any]:
    return {
        "contract": contract,
        "figures": figures(contract),
        "capitals": rmb_capitals(contract.effective_amount) if contract.currency == "CNY" else "",
        "lines": contract.lines.select_related("product", "tax_code").exclude(quantity=0, amount=0),
        "terms": [
            (contract._meta.get_field(name).verbose_name, text) for name in TEXTS if (text := getattr(contract, name))
        ],
        "versions": contract.versions.select_related("change").order_by("-number"),
        "changes": contract.changes.select_related("owner"),
        "verbs": verbs.offered(verbs.CONTRACT, contract, member),
        "may_edit": contract.status == Contract.Status.DRAFT and may(member, "contract.update", contract),
        "may_settle": contract.status == Contract.Status.DRAFT
        and (may(member, "contract.update", contract) or may(member, "clause.manage")),
        "may_change": contract.status in CHANGEABLE and may(member, "change.create", contract),
    }  # fmt: skip
