"""A whole import in one call, for commands: upload, columns, and the check or the run."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from django.core.files.base import File
from django.db import transaction

from crm.core.people.models import Member
from crm.core.tenancy.state import enter

from . import actions, running
from .models import Import

WAIT = 0.3  # seconds between looks at an import that a worker has taken


def import_file(path: Path, *, by: Member, object: str, mapping: Mapping[str, str] | None = None,
                values: Mapping | None = None, options: Mapping | None = None,
                dry: bool = False) -> Import:  # fmt: skip
    """Take a file in, or with `dry` only check it. `mapping` (field → header) adds to what the headers say.

    Raises what the actions raise; what fails later is the import's status and message.
    """
    with enter(by.tenant):
        batch = _bring(path, by, object, mapping or {}, values or {}, options or {})
        return _carry(batch, by, actions.start_check if dry else actions.start_run)


@transaction.atomic
def _bring(path: Path, by: Member, object: str, mapping: Mapping, values: Mapping, options: Mapping) -> Import:
    with open(path, "rb") as file:
        batch = actions.upload(by=by, object=object, file=File(file, name=path.name), name=path.name)
    guessed = {key: header for key, header in batch.mapping.items() if header not in mapping.values()}
    return actions.choose_columns(batch, {**guessed, **mapping}, by=by, values=values, options=options)


def _carry(batch: Import, by: Member, start: Callable) -> Import:
    """Start a step and see it through, here or in whichever worker took it."""
    with transaction.atomic():
        start(batch, by=by)
    while batch.is_working:
        if not running.work(batch.pk, batch.tenant_id):
            time.sleep(0 if not (batch := _fresh(batch)).is_working else WAIT)
    return batch


@transaction.atomic
def _fresh(batch: Import) -> Import:
    return Import.objects.of(batch.tenant_id).select_related("created_by__user").get(pk=batch.pk)
