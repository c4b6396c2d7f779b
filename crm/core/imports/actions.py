"""What people do with a file: bring it, say what its columns mean, check it, run it, stop it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.spreadsheets import read_rows

from . import mapping as mappings
from . import registry, tasks
from .forms import OptionsForm
from .models import Import

Status = Import.Status
MAX_FILE = 100 * 1024 * 1024


def upload(*, by: Member, object: str, file, name: str) -> Import:
    """Keep a file and guess its columns. Raises Unreadable for a file that is no table or is hostile."""
    importer = registry.allowed(by, object)
    if file.size > MAX_FILE:
        raise ValidationError({"file": _("The file is larger than 100 MB. Split it and import the parts.")})
    sheet = read_rows(file)
    if len(set(sheet.headers)) == 0 or next(sheet.rows(), None) is None:
        raise ValidationError({"file": _("The file has headers but no rows below them.")})
    count = sum(1 for _row in sheet.rows()) if sheet.kind == "csv" else 0
    last = mappings.last_like(importer, sheet.headers, by.tenant_id)
    file.seek(0)
    return records.create(
        Import, by=by, verb="uploaded", object=object, file=file, file_name=name[-200:] or "import", size=file.size,
        sha256=_digest(file), headers=sheet.headers, row_count=count,
        mapping=mappings.guess(importer, sheet.headers, by.tenant_id),
        values=last.values if last else {}, options=last.options if last else {},
    )  # fmt: skip


def _digest(file) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


@transaction.atomic
def choose_columns(batch: Import, mapping: Mapping[str, str], *, by: Member, options: Mapping | None = None,
                   values: Mapping | None = None, expected: int | None = None) -> Import:  # fmt: skip
    """Say which header is which column, what to do with known records, and what unknown words mean.

    `values` maps column → {text in the file: text that is meant}; an empty text clears the cell.
    """
    require(by, "import.run", batch)
    importer = registry.allowed(by, batch.object)
    if batch.started_at:
        raise _started()
    changed: dict[str, Any] = {
        "mapping": mappings.checked(importer, batch.headers, mapping),
        "options": OptionsForm.cleaned(importer, by, batch.options if options is None else options),
        "values": batch.values if values is None else _word_maps(importer, values),
    }
    if batch.status == Status.MAPPED:
        return records.update(batch, by=by, verb="mapped", expected=expected, **changed)
    return records.move(batch, Status.MAPPED, by=by, verb="mapped", expected=expected, **changed)


def _word_maps(importer, values: Mapping) -> dict[str, dict[str, str]]:
    columns = {column.key for column in importer.columns}
    if not isinstance(values, Mapping) or not all(isinstance(words, Mapping) for words in values.values()):
        raise ValidationError({"values": _("Send an object: column → text in the file → text that is meant.")})
    if unknown := sorted(set(values) - columns):
        raise ValidationError({"values": _("There is no field “%s”.") % unknown[0]})
    return {
        key: {str(text)[:500]: str(meant or "")[:500] for text, meant in words.items()}
        for key, words in values.items()
        if words
    }


@transaction.atomic
def choose_values(batch: Import, values: Mapping, *, by: Member) -> Import:
    """Add what unknown words mean to what was said before."""
    merged = {**batch.values}
    for key, words in values.items():
        merged[key] = {**merged.get(key, {}), **words}
    return choose_columns(batch, batch.mapping, by=by, values=merged)


@transaction.atomic
def start_check(batch: Import, *, by: Member) -> Import:
    """Queue the dry run."""
    return _start(batch, Status.CHECKING, "check_started", by=by, done_rows=0, check_report={}, attempts=0)


@transaction.atomic
def start_run(batch: Import, *, by: Member) -> Import:
    """Queue the run; an import that failed goes on where it stopped."""
    return _start(batch, Status.RUNNING, "started", by=by, started_at=timezone.now(), attempts=0, **_from(batch))


def _from(batch: Import) -> dict:
    return {} if batch.started_at else {"done_rows": 0, "result": {}, "memo": {}}


def _start(batch: Import, status: str, verb: str, *, by: Member, **values) -> Import:
    require(by, "import.run", batch)
    importer = registry.allowed(by, batch.object)
    mappings.checked(importer, batch.headers, batch.mapping)
    if status == Status.CHECKING and batch.started_at:
        raise _started()
    records.move(batch, status, by=by, verb=verb, lease=None, leased_until=None, message="", **values)
    tasks.wake_after_commit(batch)
    return batch


def _started() -> Refused:
    return Refused(_("This file is partly imported. Start it again, or upload the rest anew."), code="STARTED")


@transaction.atomic
def cancel(batch: Import, *, by: Member) -> Import:
    """Stop: rows that are in stay, the rest of the file is left out."""
    require(by, "import.run", batch)
    return records.move(
        batch, Status.CANCELLED, by=by, verb="cancelled", lease=None, leased_until=None, finished_at=timezone.now()
    )
