"""A deal of the rep, two products with floors, and quotes for it."""

from decimal import Decimal as D
from types import SimpleNamespace

from accounts import actions as accounts
from contracts.actions import prices, quotes
from contracts.models import PriceList, TaxCode
from crm.core import records
from crm.core.catalog.models import Product
from opportunities import actions as opportunities


def make_trade(cast) -> SimpleNamespace:
    """Pump 100.00 with floor 80.00, hose 10.00 with floor 10.00, and a deal with Buyer."""
    listed = PriceList.objects.of(cast.tenant).get(is_default=True)
    tax = TaxCode.objects.of(cast.tenant).get(code="V13")
    goods = {}
    for name, price, floor in (("Pump", "100.00", "80.00"), ("Hose", "10.00", "10.00")):
        goods[name.lower()] = records.create(Product, by=cast.admin, name=name, unit="pcs")
        prices.add_price(
            listed, by=cast.finance, product=goods[name.lower()], price=D(price), floor=D(floor), tax_code=tax
        )
    account = accounts.create_account(by=cast.rep, name="Buyer")
    deal = opportunities.open_opportunity(by=cast.rep, account=account, name="Pumps for Buyer")
    return SimpleNamespace(listed=listed, tax=tax, account=account, deal=deal, **goods)


def line(trade, product=None, quantity="1", unit_price="100.00", discount="0", **more) -> dict:
    product = trade.pump if product is None else product
    return {
        "product": product, "quantity": D(quantity), "unit_price": D(unit_price), "discount": D(discount),
        "tax_code": trade.tax, **more,
    }  # fmt: skip


def make_quote(cast, trade, *lines, **values):
    """A draft of the rep, of one pump at its price unless said otherwise."""
    values = {"by": cast.rep, "opportunity": trade.deal, **values}
    return quotes.create_quote(lines=lines or [line(trade)], **values)


def make_sent(cast, trade, *lines, **values):
    quote = make_quote(cast, trade, *lines, **values)
    quotes.submit_quote(quote, by=cast.rep)
    return quotes.send_quote(quote, by=cast.rep)
