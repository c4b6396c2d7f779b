"""Keeping tax codes and price lists (domain.md 6.17; finance and administrators)."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from contracts.models import Price, PriceList, TaxCode
from crm.core import records
from crm.core.money import to_json
from crm.core.people.models import Member
from crm.core.people.reach import require

# Code → (rate, from, until, Chinese, English). 13 and 9 since 2019-04, the relief of 1 % ends with 2027.
TAX_CODES: dict[str, tuple[str, date, date | None, str, str]] = {
    "V13": ("0.13", date(2019, 4, 1), None, "增值税 13%", "VAT 13 %"),
    "V9": ("0.09", date(2019, 4, 1), None, "增值税 9%", "VAT 9 %"),
    "V6": ("0.06", date(2016, 5, 1), None, "增值税 6%", "VAT 6 %"),
    "L5": ("0.05", date(2016, 5, 1), None, "简易征收 5%", "Simplified levy 5 %"),
    "L3": ("0.03", date(2014, 7, 1), None, "简易征收 3%", "Simplified levy 3 %"),
    "L1": ("0.01", date(2020, 3, 1), date(2027, 12, 31), "小规模减按 1%", "Small-scale relief 1 %"),
    "Z0": ("0", date(2014, 7, 1), None, "出口零税率", "Export, zero rate"),
    "EX": ("0", date(2014, 7, 1), None, "免税", "Exempt"),
    "NT": ("0", date(2014, 7, 1), None, "不征税", "Not taxable"),
}


def start_tax_codes(tenant, system: Member) -> None:
    """The rates a new company starts with (domain.md 6.17), named in its language."""
    chinese = tenant.locale.lower().startswith("zh")
    for code, (rate, first, last, zh, en) in TAX_CODES.items():
        records.create(
            TaxCode, by=system, code=code, rate=Decimal(rate), valid_from=first, valid_until=last,
            name=zh if chinese else en,
        )  # fmt: skip


def start_price_list(tenant, system: Member) -> None:
    """An empty default list, so that the first price has a place."""
    name = "标准价格" if tenant.locale.lower().startswith("zh") else "Standard prices"
    create_price_list(by=system, name=name, valid_from=tenant.today(), is_default=True)


def valid_on(rows: QuerySet, day: date) -> QuerySet:
    """Of tax codes or price lists, those in force on a business day."""
    return rows.filter(Q(valid_until=None) | Q(valid_until__gte=day), valid_from__lte=day)


def tax_codes_on(tenant, day: date) -> QuerySet[TaxCode]:
    return valid_on(TaxCode.objects.of(tenant), day)


def usual_tax_code(entity, day: date) -> TaxCode | None:
    """What a line falls under that says nothing: 13 % of a general, 3 % of a small-scale taxpayer."""
    code = "V13" if entity.taxpayer == entity.Taxpayer.GENERAL else "L3"
    rows = tax_codes_on(entity.tenant_id, day)
    return rows.filter(code=code).first() or rows.first()


def current_list(tenant, day: date) -> PriceList | None:
    """The default price list, if it is in force."""
    return valid_on(PriceList.objects.of(tenant), day).filter(is_default=True).first()


@transaction.atomic
def create_tax_code(*, by: Member, code: str, valid_from: date, **values) -> TaxCode:
    """A rate from a day on. The open-ended row of the same code before it ends the day before."""
    require(by, "price.manage")
    code = code.strip().upper()
    same = TaxCode.objects.of(by.tenant_id).filter(code=code)
    for earlier in same.filter(valid_until=None, valid_from__lt=valid_from):
        records.update(earlier, by=by, verb="ended", valid_until=valid_from - timedelta(days=1))
    _check_apart(same, valid_from, values.get("valid_until"))
    return records.create(TaxCode, by=by, code=code, valid_from=valid_from, **values)


def _check_apart(others: QuerySet[TaxCode], first: date, last: date | None) -> None:
    later = others.filter(Q(valid_until=None) | Q(valid_until__gte=first))
    if (later.filter(valid_from__lte=last) if last else later).exists():
        raise ValidationError({"valid_from": _("Another row of this code covers these days. Choose other dates.")})


@transaction.atomic
def update_tax_code(tax_code: TaxCode, *, by: Member, expected: int | None = None, **values) -> TaxCode:
    """Rename a rate or say when it ends. Its percentage stays: documents were made with it."""
    require(by, "price.manage")
    if set(values) - {"name", "valid_until"}:
        raise ValidationError(_("A rate stays as it is: add a new row of the code, from the day it changes."))
    others = TaxCode.objects.of(by.tenant_id).filter(code=tax_code.code).exclude(pk=tax_code.pk)
    _check_apart(others, tax_code.valid_from, values.get("valid_until", tax_code.valid_until))
    return records.update(tax_code, by=by, expected=expected, **values)


@transaction.atomic
def create_price_list(*, by: Member, name: str, is_default: bool = False, copy_of: PriceList | None = None,
                      **values) -> PriceList:  # fmt: skip
    """A new list, with the prices of another one if wanted; the first list is the default."""
    require(by, "price.manage")
    is_default = is_default or not PriceList.objects.of(by.tenant_id).filter(is_default=True).exists()
    if is_default:
        _clear_default(by, None)
    values = {"currency": by.tenant.base_currency, **values}
    made = records.create(PriceList, by=by, name=name.strip(), is_default=is_default, **values)
    if copy_of is not None:
        records.create_many([_copied(price, made) for price in copy_of.prices.all()], by=by)
    return made


def _copied(price: Price, to: PriceList) -> Price:
    return Price(
        tenant_id=to.tenant_id, price_list=to, product_id=price.product_id, price=price.price, floor=price.floor,
        tax_code_id=price.tax_code_id,
    )  # fmt: skip


@transaction.atomic
def update_price_list(price_list: PriceList, *, by: Member, expected: int | None = None, **values) -> PriceList:
    require(by, "price.manage")
    if price_list.is_default and values.get("is_default") is False:
        raise ValidationError({"is_default": _("Choose another default first: open it and tick this box there.")})
    if values.get("is_default"):
        _clear_default(by, price_list.pk)
    return records.update(price_list, by=by, expected=expected, **values)


def _clear_default(by: Member, but: int | None) -> None:
    for other in PriceList.objects.of(by.tenant_id).filter(is_default=True).exclude(pk=but):
        records.update(other, by=by, is_default=False)


def add_price(price_list: PriceList, *, by: Member, **values) -> Price:
    """The price and the floor of one product in a list, both tax-inclusive."""
    require(by, "price.manage")
    _check_floor(values)
    return records.create(Price, by=by, price_list=price_list, **values)


def update_price(kept: Price, /, *, by: Member, expected: int | None = None, **values) -> Price:
    """Quotes made before keep their prices; the floor is the one on the day a quote is submitted."""
    require(by, "price.manage")
    _check_floor({"price": kept.price, "floor": kept.floor, **values})
    return records.update(kept, by=by, expected=expected, **values)


def _check_floor(values: Mapping[str, Any]) -> None:
    if values["floor"] > values["price"]:
        raise ValidationError({"floor": _("The floor is above the price. Lower it, or raise the price.")})


@transaction.atomic
def remove_price(price: Price, *, by: Member) -> None:
    """Take a product off a list; the list's history keeps what it cost."""
    require(by, "price.manage")
    said = {"product": price.product_id, "price": to_json(price.price), "floor": to_json(price.floor)}
    rows = Price.objects.of(by.tenant_id).filter(pk=price.pk)
    records.unlink(rows, about=price.price_list, by=by, verb="price_removed", data=said)
