"""What was offered, signed and delivered: a row behind every address of quotes, contracts, orders and approvals."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

from contracts.actions import batches, changes, contracts, orders, prices, quotes, renewals, templates, versions
from contracts.models import PriceList, TaxCode
from crm.core import records
from crm.core.approvals import deputies
from tests.conftest import join

HANDS = ("manager", "finance", "legal", "presales")


def staff(cast) -> SimpleNamespace:
    """Who does the work; a company that lacks a role hires for it."""
    seller = getattr(cast, "rep", None) or cast.stranger
    others = {role: getattr(cast, role, None) or join(cast.admin, role.title(), role) for role in HANDS}
    for member in others.values():
        member.tenant = cast.tenant
    return SimpleNamespace(admin=cast.admin, system=cast.system, seller=seller, **others)


def build_papers(hands, canary: str, *, deal, product) -> SimpleNamespace:
    """The first contract is in force over 100.00; later ones are a draft and one that its manager is asked about."""
    tenant, today = deal.tenant_id, hands.admin.tenant.today()
    tax = TaxCode.objects.of(tenant).get(code="V13")
    price_list = PriceList.objects.of(tenant).get(is_default=True)
    price = prices.add_price(
        price_list, by=hands.finance, product=product, price=Decimal("100.00"), floor=Decimal("80.00"), tax_code=tax
    )
    clause = templates.put_clause(by=hands.legal, name=f"{canary} clause", text=f"{canary} text")
    template = templates.put_template(by=hands.legal, name=f"{canary} template", payment_terms=f"{canary} terms")
    lines = [{"product": product, "quantity": Decimal(1), "unit_price": Decimal("100.00"), "tax_code": tax}]
    quote = quotes.create_quote(by=hands.seller, opportunity=deal, title=f"{canary} quote", lines=lines)
    sent = quotes.create_quote(by=hands.seller, opportunity=deal, title=f"{canary} offer", lines=lines)
    sent = quotes.send_quote(quotes.submit_quote(sent, by=hands.seller), by=hands.seller)
    entity = quote.legal_entity

    def draft(title: str):
        return contracts.draft_contract(
            by=hands.seller, account=deal.account, legal_entity=entity, opportunity=deal, kind="service", lines=lines,
            title=f"{canary} {title}", end_date=today + timedelta(days=10),
        )  # fmt: skip

    contract, drafted, asked = draft("contract"), draft("draft"), draft("asked")
    in_force(contract, hands)
    asked = contracts.submit_contract(contracts.settle_clauses(asked, agreed(asked), by=hands.legal), by=hands.seller)
    version = versions.write(contract, by=hands.legal)
    change = changes.draft_change(
        contract, by=hands.seller, kind="terms", grounds=f"{canary} grounds", terms={"payment_terms": f"{canary} new"}
    )
    outlook = renewals.assess(contract, by=hands.seller, risk="high", note=f"{canary} outlook")
    order = orders.create_order(contract, by=hands.seller, erp_ref=f"{canary} order")
    batch = batches.plan_batch(order, by=hands.presales, planned_on=today, delivery_note=f"{canary} note")
    deputy = deputies.delegate(by=hands.manager, deputy=hands.finance, start=today, end=today + timedelta(days=3))
    return SimpleNamespace(**locals())


def in_force(contract, hands) -> None:
    """Signed long ago and offered to delivery, without the steps on the way."""
    records.update(
        contract, by=hands.admin, status="effective", sign_date=date(2024, 1, 1), effective_on=date(2024, 1, 1),
        number=f"HT-{contract.pk}", base_amount=Decimal("100.00"), effective_amount=Decimal("100.00"), revision=1,
        handover="pending", delivery_manager=hands.presales, on_paper="Cabinet 3",
    )  # fmt: skip


def agreed(contract) -> list[dict]:
    return [{**item, "status": "agreed"} for item in contract.clauses]
