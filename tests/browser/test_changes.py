"""WC-08 and WC-09 through the pages: the change as one request, decided on a phone, and the money after it."""

from decimal import Decimal as D

import pytest
from django.db import transaction
from playwright.sync_api import expect

from contracts.models import ChangeOrder
from crm.core.tenancy.state import enter
from receivables.models import Receivable
from tests.conftest import BOTH, make_acme
from tests.contracts.conftest import bring_into_force, line, make_contract, make_firm
from tests.receivables.test_changes import bill, owed, pay, planned

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)

PHONE = {"width": 390, "is_mobile": True, "has_touch": True}


@pytest.fixture
def world():
    """The cast, and the contracts of both cases with what was paid and billed."""
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        firm = make_firm(cast)
        return cast, service(cast, firm), machine(cast, firm)


def service(cast, firm):
    """WC-08, row 4: 600,000.00 at 6 %, all four payments made."""
    contract = bring_into_force(cast, make_contract(cast, firm))
    rows = planned(cast, contract)
    for row in rows:
        pay(cast, row, str(row.original))
    return contract


def machine(cast, firm):
    """WC-09: 1,000,000.00 at 13 %, the first paid, the second in part, both billed."""
    lines = [line("Machine", "1000000.00", firm.v13)]
    contract = bring_into_force(cast, make_contract(cast, firm, title="Machine", kind="fixed", lines=lines))
    rows = planned(cast, contract)
    pay(cast, rows[0], "300000.00")
    pay(cast, rows[1], "100000.00")
    for number, row in enumerate(rows[:2]):
        bill(cast, row, "300000.00", f"2412200000000000000{number}", firm.v13)
    return contract


def test_a_waiver_and_a_reduction_as_one_request_each(person, world):
    cast, service, machine = world
    seller = person(cast.rep.user)
    wc_08(seller, service)
    decide(person, cast, "Service contract", "600,000.00 → 594,000.00")
    balances(cast, service, ["180000.00", "180000.00", "180000.00", "54000.00"], D("594000.00"))
    seller.reload()
    expect(seller.locator("#main .subtitle")).to_contain_text("Applied")
    wc_09(seller, machine)
    decide(person, cast, "Machine", "1,000,000.00 → 900,000.00")
    balances(cast, machine, ["270000.00", "270000.00", "270000.00", "90000.00"], D("900000.00"))
    look_at_the_contract(seller, machine)


def draft(page, contract, *, reason: str, delta: str) -> None:
    page.goto(f"/acme/contracts/{contract.pk}/")
    page.get_by_role("link", name="Change order", exact=True).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_label("Change of the amount").fill(delta)


def cell(page, table: str, row: str, column: str):
    """One number of a preview, by what stands at its row and over its column."""
    found = page.get_by_role("table", name=table).get_by_role("row").filter(has_text=row)
    return found.locator(f"td[data-label='{column}']")


def wc_08(page, contract) -> None:
    """10 % of the final payment, all of which is paid: 6,000.00 goes back to the customer."""
    draft(page, contract, reason="10 % of the final service payment waived", delta="-6000.00")
    page.get_by_role("radio", name="On one line").check()
    page.get_by_label("The one line").select_option(label="4 · Retention")
    page.get_by_role("radio", name="Refund").check()
    page.get_by_label("Refund to account").fill("6222 0200 0001")
    page.get_by_role("button", name="Preview").click()
    expect(cell(page, "Contract", "Effective amount", "After")).to_have_text("594,000.00")
    expect(cell(page, "Receivables", "4 · Retention", "Before")).to_have_text("60,000.00")
    expect(cell(page, "Receivables", "4 · Retention", "After")).to_have_text("54,000.00")
    expect(cell(page, "Money", "To be refunded", "After")).to_have_text("6,000.00")
    send(page)


def wc_09(page, contract) -> None:
    """10 % of the whole, in proportion; what is freed is used for what is open."""
    draft(page, contract, reason="10 % off after the delay", delta="-100000.00")
    page.get_by_role("radio", name="Use for open receivables of this contract").check()
    page.get_by_role("button", name="Preview").click()
    for row, after in ((1, "270,000.00"), (2, "270,000.00"), (3, "270,000.00"), (4, "90,000.00")):
        expect(cell(page, "Receivables", f"{row} · ", "After")).to_have_text(after)
    expect(cell(page, "Money", "Still to collect", "After")).to_have_text("500,000.00")
    expect(cell(page, "Money", "Used for other receivables", "After")).to_have_text("30,000.00")
    expect(page.get_by_role("table", name="Invoices").locator("tbody tr")).to_have_count(2)
    expect(page.get_by_role("table", name="Invoices")).to_contain_text("net 26,548.67, tax 3,451.33")
    send(page)


def send(page) -> None:
    page.get_by_role("link", name="Send for approval").click()
    page.locator("#dialog").get_by_role("button", name="Send for approval").click()
    expect(page.locator("#main .subtitle")).to_contain_text("In approval")


def decide(person, cast, contract: str, money: str) -> None:
    """Manager, then finance, each on a phone: what changes stands on the card."""
    for member in (cast.manager, cast.finance):
        phone = person(member.user, **PHONE)
        phone.goto("/acme/approvals/")
        phone.locator(".approval-card").filter(has_text=contract).get_by_role("link").tap()
        expect(phone.locator("#main")).to_contain_text(money)
        phone.get_by_role("button", name="Approve", exact=True).tap()
        expect(phone.locator("#main")).not_to_contain_text("Approve with a comment")


def balances(cast, contract, amounts: list[str], total: D) -> None:
    """What the page said is what stands in the ledger."""
    with enter(cast.tenant), transaction.atomic():
        [change] = ChangeOrder.objects.of(cast.tenant).filter(contract=contract)
        rows = Receivable.objects.of(cast.tenant).filter(contract=contract).order_by("line")
        contract.refresh_from_db()
        assert change.status == "applied"
        assert [row.current for row in rows] == [D(amount) for amount in amounts]
        assert owed(contract) == contract.effective_amount == total


def look_at_the_contract(page, contract) -> None:
    page.goto(f"/acme/contracts/{contract.pk}/")
    expect(page.locator(".tiles").first).to_contain_text("900,000.00")
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("table", name="What changed")).to_contain_text("1,000,000.00")
    expect(page.get_by_role("table", name="What changed")).to_contain_text("900,000.00")
