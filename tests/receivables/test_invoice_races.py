"""Two invoices at once never bill more than is owed (INV-R7), with real threads."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from crm.core import records
from crm.core.tenancy.state import enter
from receivables.actions import invoices
from receivables.models import InvoiceRequest, Receivable
from tests.conftest import make_acme

from .conftest import make_ledger
from .invoicing import BUYER, DAY, make_contract, number, tax_code
from .test_races import at_once, fresh

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def test_two_requests_issued_at_once():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        lines = [("100.00", tax_code(cast, "X6", "0.06"))]
        contract, [row] = make_contract(cast, make_ledger(cast), lines, ["100"])
        buyer = {**BUYER, "address": "", "bank": ""}
        requests = [
            records.create(
                InvoiceRequest, by=cast.rep, contract=contract, receivable=row, amount=D("60.00"), buyer=buyer
            )
            for _ in range(2)
        ]

    def issue(n):
        return invoices.issue_invoice(requests[n], by=cast.finance, number=number(n), date=DAY)

    results = at_once(cast, lambda: issue(0), lambda: issue(1))
    assert results.count("OVER_INVOICED") == 1
    assert fresh(cast, Receivable, row.pk).invoiced == D("60.00")
