"""A firm that sells: legal entity, tax codes, a customer, and contracts at each stage of their life."""

from datetime import date
from decimal import Decimal as D
from types import SimpleNamespace

import pytest

from accounts import actions as accounts
from contracts.actions import contracts
from contracts.models import TaxCode
from crm.core import records
from crm.core.entities.models import LegalEntity


def make_firm(cast) -> SimpleNamespace:
    """Legal entity HR, tax codes V13 and V6, a customer of the rep."""
    entity = LegalEntity.objects.of(cast.tenant).filter(is_default=True).first() or records.create(
        LegalEntity, by=cast.admin, name="Huarun Ltd", code="HR", is_default=True
    )
    codes = {code.code: code for code in TaxCode.objects.of(cast.tenant)}
    for name, rate in (("V13", "0.13"), ("V6", "0.06")):
        if name not in codes:
            codes[name] = records.create(
                TaxCode, by=cast.admin, code=name, name=name, rate=D(rate), valid_from=date(2019, 4, 1)
            )
    account = accounts.create_account(by=cast.rep, name="Buyer")
    return SimpleNamespace(entity=entity, v13=codes["V13"], v6=codes["V6"], account=account)


def make_contract(cast, firm, *, lines=None, **values):
    """A draft of the rep: one line of 600,000.00 at 6 % unless said otherwise."""
    lines = lines or [line("Service", "600000.00", firm.v6)]
    values = {"title": "Service contract", "kind": "service", "clauses": [], **values}
    return contracts.draft_contract(
        by=cast.rep, account=firm.account, legal_entity=firm.entity, lines=lines, **values
    )  # fmt: skip


def line(description: str, unit_price: str, tax_code, quantity: str = "1", **more) -> dict:
    return {
        "description": description, "quantity": D(quantity), "unit_price": D(unit_price), "tax_code": tax_code, **more,
    }  # fmt: skip


def bring_into_force(cast, contract):
    """Approve, sign and activate, without the approval's own steps."""
    records.move(contract, "in_approval", by=cast.rep, verb="submitted")
    contracts.approved(contract, by=cast.manager)
    contracts.sign_contract(contract, by=cast.legal, sign_date=cast.tenant.today(), on_paper="Cabinet 3")
    return contracts.activate(contract, by=cast.legal)


@pytest.fixture
def firm(acme):
    return make_firm(acme)


@pytest.fixture
def draft(acme, firm):
    """`draft(**values)` → a contract of the rep."""
    return lambda **values: make_contract(acme, firm, **values)


@pytest.fixture
def effective(acme, draft):
    """`effective(**values)` → a contract in force."""
    return lambda **values: bring_into_force(acme, draft(**values))
