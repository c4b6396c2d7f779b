"""The life of a contract, from the draft to its closing (domain.md 4.4, INV-C1, INV-C3, INV-C6)."""

from decimal import Decimal as D

import pytest

from .conftest import line

pytestmark = pytest.mark.django_db


def test_a_draft_is_the_sum_of_its_lines_rounded_line_by_line(acme, firm, draft):
    contract = draft(lines=[line("A", "33.33", firm.v13, "3", discount=D("10")), line("B", "0.05", firm.v6, "0.1")])
    amounts = [row.amount for row in contract.lines.all()]
    assert amounts == [D("89.99"), D("0.01")]
    assert contract.base_amount == contract.effective_amount == D("90.00")
    assert (contract.status, contract.number, contract.owner_id) == ("draft", "", acme.rep.pk)
