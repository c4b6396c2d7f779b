"""What differs between two versions of a contract, as people read it."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from contracts.actions.versions import FACTS
from contracts.models import Contract, ContractVersion
from crm.core.catalog.models import Product

LINE = ("description", "quantity", "unit_price", "discount", "amount")
AMOUNTS = {"base_amount", "effective_amount", "unit_price", "amount"}


def differences(old: ContractVersion, new: ContractVersion) -> list[tuple[str, str, str]]:
    """(label, before, after) of every fact and line that is not the same."""
    return [*_facts(old.snapshot, new.snapshot), *_lines(old, new)]


def _facts(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in FACTS:
        if old.get(name) != new.get(name):
            label = Contract._meta.get_field(name.removesuffix("_id")).verbose_name
            yield str(label), _shown(name, old.get(name)), _shown(name, new.get(name))


def _lines(old: ContractVersion, new: ContractVersion) -> Iterator[tuple[str, str, str]]:
    before = {line["id"]: line for line in old.snapshot["lines"]}
    after = {line["id"]: line for line in new.snapshot["lines"]}
    products = _products(old, [*before.values(), *after.values()])
    for pk in [*before, *(pk for pk in after if pk not in before)]:
        was, now = before.get(pk, {}), after.get(pk, {})
        name = (now or was)["description"] or products.get((now or was)["product_id"], "")
        for column in LINE:
            if was.get(column) != now.get(column):
                label = _(
                    "%(line)s: %(column)s") % {"line": name, "column": _column(column)}  # fmt: skip
                yield label, _shown(column, was.get(column)), _shown(column, now.get(column))


def _column(name: str) -> str:
    from contracts.models import ContractLine

    return str(ContractLine._meta.get_field(name).verbose_name)


def _products(version: ContractVersion, lines: list[dict]) -> dict[int, str]:
    ids = {line["product_id"] for line in lines if line["product_id"]}
    return dict(Product.objects.of(version.tenant_id).filter(pk__in=ids).values_list("pk", "name"))


def _shown(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if name in AMOUNTS:
        whole, _dot, cents = str(value).partition(".")
        return f"{int(whole):,}.{cents}"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
