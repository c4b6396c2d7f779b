"""Keeping the list of what the company sells."""

from crm.core import records
from crm.core.people.models import Member
from crm.core.people.reach import require

from .models import Product


def create_product(*, by: Member, name: str, **values) -> Product:
    require(by, "catalog.manage")
    return records.create(Product, by=by, name=name, **values)


def update_product(product: Product, *, by: Member, expected: int | None = None, **values) -> Product:
    """Change a product; `is_active=False` takes it off the lists of choices and keeps it on its deals."""
    require(by, "catalog.manage")
    return records.update(product, by=by, expected=expected, **values)
