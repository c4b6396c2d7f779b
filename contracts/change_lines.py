"""The lines of a contract as a change shall leave them: plain JSON values, and the rows they become.

A line keeps its id for good, because orders name it: one that is taken out stays with quantity 0.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from contracts.lines import build, line_amount
from contracts.models import Contract, ContractLine, TaxCode
from contracts.spreading import Spread, spread
from crm.core import records
from crm.core.catalog.models import Product
from crm.core.errors import ValidationError
from crm.core.money import money
from crm.core.people.models import Member

ZERO = Decimal("0.00")
PLACES = {"quantity": 3, "unit_price": 2, "discount": 2, "amount": 2, "over_delivery": 3}


def current(contract: Contract) -> list[dict[str, Any]]:
    """The lines as they stand, as a change keeps them."""
    return [_plain(row) for row in contract.lines.select_related("product", "tax_code").order_by("order", "pk")]


def _plain(row: ContractLine) -> dict[str, Any]:
    numbers = {name: f"{getattr(row, name):.{places}f}" for name, places in PLACES.items()}
    return {
        "line": row.pk, "product": row.product_id, "description": row.description, "tax_code": row.tax_code_id,
        **numbers,
    }  # fmt: skip


def proposed(contract: Contract, given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All lines after the change. `given` names the lines that change ({"line": id, …}) and new ones ("line": None).

    A line's `amount` may be agreed outright; otherwise it is quantity × price less discount. Lines that are not
    named stay. ValidationError for a line of another contract and for numbers that cannot be read.
    """
    lines = {line["line"]: line for line in current(contract)}
    new = []
    for change in given:
        if change.get("line") in (None, ""):
            new.append(_new_line(contract, change))
        elif (pk := int(change["line"])) in lines:
            lines[pk] = _changed(lines[pk], change)
        else:
            raise ValidationError({"lines": _("A line of the change is not one of this contract.")})
    return [*lines.values(), *new]


def _changed(line: dict, change: Mapping[str, Any]) -> dict:
    numbers = {name: _number(change[name], name) for name in PLACES if change.get(name) not in (None, "")}
    after = {**line, **numbers}
    if "description" in change and change["description"].strip():
        after["description"] = change["description"].strip()
    if "amount" not in numbers and any(after[name] != line[name] for name in ("quantity", "unit_price", "discount")):
        after["amount"] = f"{_computed(after):.2f}"
    return after


def _computed(line: Mapping[str, str]) -> Decimal:
    return line_amount(Decimal(line["quantity"]), Decimal(line["unit_price"]), Decimal(line["discount"]))


def _number(value: Any, name: str) -> str:
    """The text of a number that is not negative, in the column's places."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0 or number != round(number, PLACES[name]) or number >= 10**11:
        raise ValidationError({"lines": _("“%(value)s” is not a number a line can have.") % {"value": value}})
    return f"{number:.{PLACES[name]}f}"


def _new_line(contract: Contract, given: Mapping[str, Any]) -> dict:
    """A position that the change adds, checked as a line of a draft is."""
    columns = {name: Decimal(_number(given[name], name)) for name in PLACES if given.get(name) not in (None, "")}
    tax, product = _row(TaxCode, contract, given.get("tax_code")), _row(Product, contract, given.get("product"))
    columns.setdefault("quantity", Decimal(1))
    columns.setdefault("unit_price", columns.get("amount", ZERO))
    agreed = columns.pop("amount", None)
    description = str(given.get("description", "")).strip()[:300]
    [row] = build(
        ContractLine, [{**columns, "description": description, "product": product, "tax_code": tax}],
        tenant_id=contract.tenant_id, contract=contract,
    )  # fmt: skip
    row.amount = row.amount if agreed is None else agreed
    return {**_plain(row), "line": None}


def _row(model, contract: Contract, key):
    """A row by its id, or the row itself."""
    if key in (None, "") or isinstance(key, model):
        return key or None
    return model.objects.of(contract.tenant_id).filter(pk=int(key)).first()


def spread_over(contract: Contract, delta: Decimal) -> list[dict[str, Any]]:
    """All lines after their amounts changed in proportion, to the cent; the last takes the remainder.

    A line of quantity 1 without discount shows the new amount as its price.
    """
    lines = current(contract)
    shares = spread(delta, [money(line["amount"]) for line in lines], Spread.PRO_RATA)
    for line, share in zip(lines, shares, strict=True):
        line["amount"] = f"{money(line['amount']) + share:.2f}"
        if Decimal(line["quantity"]) == 1 and not Decimal(line["discount"]):
            line["unit_price"] = line["amount"]
    return lines


def total(lines: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((money(line["amount"]) for line in lines), ZERO)


def put(contract: Contract, lines: Iterable[Mapping[str, Any]], *, by: Member) -> None:
    """Make the contract's lines what a change says."""
    rows = {row.pk: row for row in contract.lines.all()}
    new = []
    for order, line in enumerate(lines, 1):
        values: dict[str, Any] = {name: Decimal(line[name]) for name in PLACES}
        if line["line"] is None:
            new.append(
                ContractLine(
                    tenant_id=by.tenant_id, contract=contract, order=order, product_id=line["product"],
                    tax_code_id=line["tax_code"], description=line["description"], **values,
                )
            )  # fmt: skip
        else:
            records.update(rows[line["line"]], by=by, verb="changed", description=line["description"], **values)
    records.append(new)
