"""What a quote gives away: its lines against the price list and its floors (domain.md 6.8, product.md C1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.lines import HUNDRED, ZERO, line_amount
from contracts.models import Price, PriceList
from crm.core.money import round_half_up


@dataclass(frozen=True)
class Checked:
    """Sums of a quote's lines, tax-inclusive. `under` is what is missing to the floors, `below` the lines below."""

    amount: Decimal = ZERO
    list_amount: Decimal = ZERO
    under: Decimal = ZERO
    below: tuple[int, ...] = ()
    gifts: tuple[int, ...] = ()

    @property
    def given(self) -> Decimal:
        """What is given up of the price list; nothing where more is asked."""
        return max(self.list_amount - self.amount, ZERO)


def prices_of(price_list: PriceList | None) -> dict[int, Price]:
    """Product id → its price in the list; one query."""
    if price_list is None:
        return {}
    rows = Price.objects.of(price_list.tenant_id).filter(price_list=price_list)
    return {row.product_id: row for row in rows.select_related("product", "tax_code")}


def is_gift(row) -> bool:
    """Something of value for nothing; a line of quantity 0 is no gift."""
    return row.is_gift or (row.amount == ZERO and row.quantity > 0)


def is_below(row, price: Price | None) -> bool:
    """Whether the discounted unit price, unrounded, lies below the floor; without a price there is no floor."""
    return price is not None and row.unit_price * (HUNDRED - row.discount) / HUNDRED < price.floor


def check(rows: Iterable, prices: Mapping[int, Price]) -> Checked:
    """The lines (with their amounts) against the prices of the quote's list."""
    amount = listed = under = ZERO
    below, gifts = [], []
    for row in rows:
        price = prices.get(row.product_id)
        amount += row.amount
        listed += line_amount(row.quantity, price.price if price else row.unit_price)
        if is_gift(row):
            gifts.append(row.order)
        if is_below(row, price):
            below.append(row.order)
            under += max(round_half_up(price.floor * row.quantity) - row.amount, ZERO)
    return Checked(amount, listed, under, tuple(below), tuple(gifts))
