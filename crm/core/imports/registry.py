"""Which objects can be imported: each app's `importers.py`, read at start, registers its classes here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm.core.errors import Forbidden
from crm.core.people.reach import may, require

if TYPE_CHECKING:
    from .importer import Importer

_importers: dict[str, type[Importer]] = {}


def register(importer: type[Importer]) -> type[Importer]:
    """A class decorator."""
    _importers[importer.key] = importer
    return importer


def get(key: str) -> type[Importer] | None:
    return _importers.get(key)


def all_importers() -> list[type[Importer]]:
    return sorted(_importers.values(), key=lambda importer: importer.order)


def offered_to(member) -> list[type[Importer]]:
    """The objects a member may import: customers' data by managers, people and products by admins."""
    if not may(member, "import.run"):
        return []
    return [importer for importer in all_importers() if may(member, importer.permission)]


def allowed(member, key: str) -> type[Importer]:
    """The importer of `key`, or Forbidden. KeyError for an object that does not exist."""
    require(member, "import.run")
    importer = _importers[key]
    if not may(member, importer.permission):
        raise Forbidden("import.run")
    return importer
