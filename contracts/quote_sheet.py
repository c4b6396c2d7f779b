"""What the editor of a quote works out while somebody types; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.http import QueryDict

from contracts import floors
from contracts.actions.prices import tax_codes_on, usual_tax_code
from contracts.actions.quotes import as_gift
from contracts.lines import line_amount
from contracts.models import Price, QuoteLine, TaxCode
from contracts.quote_forms import ROW, LineForm, QuoteForm
from crm.core.catalog.models import Product
from crm.core.entities.actions import default_entity
from crm.core.people.models import Member
from crm.core.taxes import NOTHING, Taxed, from_gross
from crm.core.web.numbers import is_whole


@dataclass(frozen=True)
class Row:
    """A row of the editor with its amount, or None while it cannot be worked out."""

    form: LineForm
    amount: Decimal | None = None
    is_below: bool = False
    is_gift: bool = False
    floor: Decimal | None = None


@dataclass(frozen=True)
class Sheet:
    """All rows and their sums. `incomplete` rows are not in the sums."""

    rows: list[Row]
    checked: floors.Checked
    taxed: Taxed
    incomplete: int

    @property
    def needs_approval(self) -> bool:
        return bool(self.checked.below or self.checked.gifts)


def reckon(form: QuoteForm) -> Sheet:
    """The sheet as it stands, valid or not."""
    prices = floors.prices_of(form.price_list)
    known = [(line, _line(line, order)) for order, line in enumerate(form.sheet.forms, 1)]
    rows = [_row(line, made, prices) for line, made in known]
    lines = [made for _line, made in known if made is not None]
    taxed = sum((from_gross(line.amount, line.tax_code.rate) for line in lines), NOTHING)
    filled = [line for line, made in known if made is None and line.is_bound and line.has_changed()]
    return Sheet(rows, floors.check(lines, prices), taxed, len(filled))


def _line(form: LineForm, order: int) -> QuoteLine | None:
    """The unsaved line of a row that is filled in well."""
    values = _values(form)
    if values is None:
        return None
    values = as_gift(values)
    row = QuoteLine(order=order, **values)
    row.amount = line_amount(row.quantity, row.unit_price, row.discount)
    return row


def _values(form: LineForm) -> dict | None:
    if form.is_bound:
        return form.values if form.has_changed() and form.is_valid() else None
    if form.initial.get("unit_price") is None:
        return None
    given = dict(form.initial)
    product, code = given.pop("product", None), int(given.pop("tax_code"))
    numbers = {name: Decimal(given.pop(name)) for name in ("quantity", "unit_price", "discount")}
    return {**given, **numbers, "product_id": product, "tax_code": form.codes[code]}


def _row(form: LineForm, line: QuoteLine | None, prices: dict[int, Price]) -> Row:
    if line is None:
        return Row(form)
    price = prices.get(line.product_id or 0)
    return Row(form, line.amount, floors.is_below(line, price), floors.is_gift(line), price.floor if price else None)


def changed(data: QueryDict, form: QuoteForm) -> QueryDict:
    """What was typed after a button of the sheet: `pick` a row's product, `more` rows, `drop` a row."""
    data = data.copy()
    rows = [number for number in data.getlist(ROW) if is_whole(number)]
    if "more" in data:
        rows.append(str(max((int(number) for number in rows), default=-1) + 1))
        _fill_blank(data, rows[-1], form)
    if (dropped := data.get("drop", "")) in rows:
        rows.remove(dropped)
    if (picked := data.get("pick", "")) in rows:
        _fill(data, picked, form)
    data.setlist(ROW, rows)
    return data


def _fill_blank(data: QueryDict, row: str, form: QuoteForm) -> None:
    for name, value in form.sheet.blank.items():
        data[f"line-{row}-{name}"] = str(value)


def _fill(data: QueryDict, row: str, form: QuoteForm) -> None:
    """Price and tax of the product just chosen, from the price list, else from the catalogue."""
    chosen = data.get(f"line-{row}-product", "")
    product = Product.objects.visible_to(form.member).filter(pk=chosen).first() if is_whole(chosen) else None
    if product is None:
        return
    price = floors.prices_of(form.price_list).get(product.pk)
    asked = price.price if price else product.list_price
    data[f"line-{row}-unit_price"] = "" if asked is None else str(asked)
    if code := tax_of(price, form.member):
        data[f"line-{row}-tax_code"] = str(code.pk)


def tax_of(price: Price | None, member: Member) -> TaxCode | None:
    """The rate in force today for the price's code, else the usual one."""
    today = member.tenant.today()
    if price and price.tax_code:
        found = tax_codes_on(member.tenant_id, today).filter(code=price.tax_code.code).first()
        if found:
            return found
    return usual_tax_code(default_entity(member.tenant_id), today)
