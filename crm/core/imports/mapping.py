"""Which header means which column: remembered, known by its words, or nearly so."""

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from rapidfuzz import fuzz, process

from .columns import Column, error_headers, header_key
from .importer import Importer
from .models import Import

CLOSE = 88  # of 100, for headers that are misspelt


def guess(importer: type[Importer], headers: list[str], tenant) -> dict[str, str]:
    """Column key → header. What was chosen for such headers last time comes first."""
    free = [header for header in headers if header_key(header) not in error_headers()]
    found = _remembered(importer, free, tenant)
    for pick in (_by_name, _by_likeness):
        for column in importer.columns:
            left = [header for header in free if header not in found.values()]
            if column.key not in found and (header := pick(column, left)):
                found[column.key] = header
    return found


def last_like(importer: type[Importer], headers: list[str], tenant) -> Import | None:
    """The latest import of a file with the same headers."""
    used = Import.objects.of(tenant).filter(object=importer.key, headers=headers).exclude(mapping={})
    return used.order_by("-pk").first()


def _remembered(importer: type[Importer], headers: list[str], tenant) -> dict[str, str]:
    used = Import.objects.of(tenant).filter(object=importer.key, status=Import.Status.DONE).order_by("-pk")[:5]
    known = {column.key for column in importer.columns}
    for mapping in used.values_list("mapping", flat=True):
        if mapping and set(mapping.values()) <= set(headers):
            return {key: header for key, header in mapping.items() if key in known}
    return {}


def _by_name(column: Column, headers: Iterable[str]) -> str:
    names = column.names()
    return next((header for header in headers if header_key(header) in names), "")


def _by_likeness(column: Column, headers: list[str]) -> str:
    keys = {header: header_key(header) for header in headers if len(header_key(header)) > 3}
    best = (process.extractOne(name, keys, scorer=fuzz.ratio, score_cutoff=CLOSE) for name in column.names())
    return max((match for match in best if match), key=lambda match: match[1], default=("", 0, ""))[2]


def checked(importer: type[Importer], headers: list[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping if it can be used. ValidationError says which column is missing, unknown or named twice."""
    columns = {column.key: column for column in importer.columns}
    mapping = {key: header for key, header in mapping.items() if header}
    errors = [_("There is no field “%s”.") % key for key in mapping if key not in columns]
    errors += [_("The file has no column “%s”.") % header for header in mapping.values() if header not in headers]
    twice = sorted({header for header in mapping.values() if list(mapping.values()).count(header) > 1})
    errors += [_("Column “%s” is used for two fields. Choose one.") % header for header in twice]
    missing = [column for column in importer.columns if column.required and column.key not in mapping]
    errors += [_("Choose the column that holds “%s”: it is required.") % column.label for column in missing]
    if errors:
        raise ValidationError({"mapping": errors})
    return mapping
