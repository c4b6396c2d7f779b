"""A customer with the open receivables of WC-05, and what it takes to post money."""

from datetime import date
from decimal import Decimal as D
from types import SimpleNamespace

import pytest

from accounts import actions as accounts
from contracts.models import Contract
from crm.core import records
from crm.core.entities.models import LegalEntity
from receivables.actions.receipts import post_receipt
from receivables.models import ArEntry, Receivable


def make_ledger(cast):
    """The company's legal entity, customer and contracts C1 to C3 with A, B, C, D of WC-05 (total 122,345.67)."""
    entity = LegalEntity.objects.of(cast.tenant).get(is_default=True)
    account = accounts.create_account(by=cast.rep, name="Buyer")
    contracts = [
        records.create(
            Contract, by=cast.rep, title=f"C{n}", account=account, legal_entity=entity, owner=cast.rep,
            status="effective", base_amount=amount, effective_amount=amount, number=f"HT-{n}",
        )
        for n, amount in ((1, D("60000.00")), (2, D("50000.00")), (3, D("12345.67")))
    ]  # fmt: skip
    rows = [
        ("A", 0, "30000.00", date(2024, 1, 31)), ("B", 0, "30000.00", date(2024, 2, 29)),
        ("C", 1, "50000.00", date(2024, 3, 31)), ("D", 2, "12345.67", date(2024, 1, 15)),
    ]  # fmt: skip
    receivables = {}
    for name, contract, amount, due in rows:
        receivables[name] = records.create(
            Receivable, by=cast.system, number=name, contract=contracts[contract], account=account, legal_entity=entity,
            owner=cast.rep, original=D(amount), due_date=due,
        )  # fmt: skip
        opening = ArEntry(
            tenant=cast.tenant, receivable=receivables[name], type="OPEN", amount=D(amount), effective_date=due
        )
        records.append([opening])
    return SimpleNamespace(entity=entity, account=account, contracts=contracts, **receivables)


@pytest.fixture
def ledger(acme):
    return make_ledger(acme)


@pytest.fixture
def receive(acme, ledger):
    """`receive("75000.00")` posts a receipt of the customer."""

    def post(amount: str, **values):
        values = {"account": ledger.account, "received_on": date(2024, 1, 20), **values}
        return post_receipt(by=acme.finance, legal_entity=ledger.entity, amount=D(amount), **values)

    return post
