"""A file on its way: `bring` uploads and maps it, `take_in` checks and runs it as a worker would."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from crm.core.imports import actions, running
from crm.core.imports.models import Import


@pytest.fixture(autouse=True)
def stored_elsewhere(settings, tmp_path):
    """Files of the tests go to a folder of their own."""
    storages = {name: dict(kept) for name, kept in settings.STORAGES.items()}
    storages["default"]["OPTIONS"] = {"location": str(tmp_path)}
    settings.STORAGES = storages


def csv_file(text: str, *, name="file.csv", encoding="utf-8") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(encoding))


def fresh(batch: Import) -> Import:
    return Import.objects.of(batch.tenant_id).select_related("created_by__user").get(pk=batch.pk)


def bring(by, object, text, *, mapping=None, values=None, options=None, **how) -> Import:
    """Upload, take the guessed mapping unless one is given, and choose it."""
    batch = actions.upload(by=by, object=object, file=csv_file(text, **how), name=how.get("name", "file.csv"))
    return actions.choose_columns(batch, mapping or batch.mapping, by=by, options=options or {}, values=values or {})


def check(batch: Import) -> dict:
    """The counts of the dry run."""
    actions.start_check(fresh(batch), by=batch.created_by)
    running.work(batch.pk, batch.tenant_id)
    done = fresh(batch)
    assert done.status == "checked", done.message
    return done.check_report


def run(batch: Import) -> dict:
    actions.start_run(fresh(batch), by=batch.created_by)
    running.work(batch.pk, batch.tenant_id)
    done = fresh(batch)
    assert done.status == "done", done.message
    return done.result


def take_in(by, object, text, **how) -> Import:
    """Check and run a file; the check must have promised what the run did."""
    batch = bring(by, object, text, **how)
    promised = check(batch)["counts"]
    assert run(batch)["counts"] == promised
    return fresh(batch)


def counts(batch: Import) -> tuple:
    found = fresh(batch).result["counts"]
    return tuple(found[key] for key in ("new", "updated", "duplicate", "error"))


def error_text(batch: Import) -> str:
    with fresh(batch).error_file.open("rb") as stored:
        return io.BytesIO(stored.read()).getvalue().decode("utf-8-sig")


__all__ = ["bring", "check", "counts", "csv_file", "error_text", "fresh", "run", "take_in", "transaction"]
