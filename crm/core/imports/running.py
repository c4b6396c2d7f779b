"""Takes a file through its check or its run.

The Import row is the queue of record: a worker holds it by a lease, every chunk of
500 rows is one transaction that also writes how far it came, so a crash loses one
chunk of work and never writes a row twice.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from tempfile import TemporaryFile

from django.core.files import File
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core import records
from crm.core.company.actions import system_member
from crm.core.errors import Refused
from crm.core.events.history import origin
from crm.core.spreadsheets import Sheet, read_rows, write_rows_csv

from . import registry
from .columns import ERROR_HEADER
from .importer import SOURCE, Importer
from .models import Import, ImportProblem
from .rows import ERROR, Reader, Row, Tally, chunks

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
SLICE = 240  # seconds after which a run yields its worker to others
ATTEMPTS = 5
Status = Import.Status


class Lost(Exception):
    """The import was cancelled, or another worker holds it."""


def work(pk: int, tenant, *, seconds: float = SLICE) -> bool:
    """Check or run the import `pk` of the entered `tenant`; True when there is more to do.

    Safe to call at any time and by several workers at once.
    """
    batch = take(pk, tenant)
    if batch is None:
        return False
    try:
        with translation.override(language_of(batch)), origin(SOURCE), stored_sheet(batch) as sheet:
            return check(batch, sheet) if batch.status == Status.CHECKING else run(batch, sheet, seconds)
    except Lost:
        return False
    except Refused as refused:
        with translation.override(language_of(batch)):
            _give_up(batch, str(refused))
        return False
    except Exception as error:
        return _after_failure(batch, error)


@transaction.atomic
def take(pk: int, tenant) -> Import | None:
    """The import with a lease for this worker; None when it waits for nothing or is being worked on."""
    batch = Import.objects.of(tenant).filter(pk=pk).select_for_update(of=("self",)).first()
    if batch is None or not batch.is_working or (batch.leased_until and batch.leased_until > timezone.now()):
        return None
    _write(batch, lease=uuid.uuid4(), leased_until=timezone.now() + LEASE)
    taken = Import.objects.of(tenant).select_related("created_by__user", "tenant").get(pk=pk)
    taken.author.tenant = taken.tenant
    return taken


def language_of(batch: Import) -> str:
    """Reasons are written for the person who brought the file."""
    return getattr(batch.author.user, "language", "") or batch.tenant.locale


def importer_of(batch: Import, *, memo: dict | None = None) -> Importer:
    return registry.allowed(batch.author, batch.object)(batch.author, batch.options, memo=memo)


def reader_of(batch: Import, importer: Importer, sheet: Sheet) -> Reader:
    return Reader(importer.columns, sheet.headers, batch.mapping, batch.values, batch.options)


def check(batch: Import, sheet: Sheet) -> bool:
    """The dry run: plans every row, writes nothing but the report."""
    importer = importer_of(batch)
    reader = reader_of(batch, importer, sheet)
    _prepare(importer, reader, sheet)
    done = 0
    for chunk in chunks(reader.rows(sheet)):
        with transaction.atomic():
            _hold(batch)
            importer.plan(chunk)
            importer.count(chunk)
            done += len(chunk)
            _write(batch, done_rows=done, leased_until=timezone.now() + LEASE)
    report = {**importer.tally.as_json(), "cautions": [str(caution.message) for caution in sheet.cautions]}
    with transaction.atomic():
        _hold(batch)
        records.move(
            batch, Status.CHECKED, by=batch.author, verb="checked", data=report["counts"],
            check_report=report, row_count=done, lease=None, leased_until=None, message="",
        )  # fmt: skip
    return False


def run(batch: Import, sheet: Sheet, seconds: float) -> bool:
    """Plan and write chunk after chunk from where the last worker stopped; True when time is up."""
    importer = importer_of(batch, memo=batch.memo)
    reader = reader_of(batch, importer, sheet)
    _prepare(importer, reader, sheet)
    tally, until, done = Tally(batch.result), 0.0, 0
    for chunk in chunks(reader.rows(sheet)):
        if done < batch.done_rows:
            with transaction.atomic():
                importer.pass_by(chunk)
        elif until and time.monotonic() > until:
            _release(batch)
            return True
        else:
            # The clock starts with the first chunk that is written: every slice comes further.
            until = until or time.monotonic() + seconds
            importer.tally = tally
            _run_chunk(batch, importer, chunk, done)
        done += len(chunk)
    while _finish_step(batch, importer):
        pass
    _complete(batch, sheet)
    return False


def _prepare(importer: Importer, reader: Reader, sheet: Sheet) -> None:
    if importer.scans:
        importer.scan(reader.rows(sheet))
    with transaction.atomic():
        importer.load()


@transaction.atomic
def _run_chunk(batch: Import, importer: Importer, chunk: list[Row], done: int) -> None:
    _hold(batch, done)
    _plan_queries_anew()
    importer.plan(chunk)
    importer.apply(chunk)
    importer.count(chunk)
    records.append(
        ImportProblem(tenant_id=batch.tenant_id, batch=batch, row=row.number, reason=row.reason)
        for row in chunk
        if row.outcome == ERROR
    )
    _write(
        batch, done_rows=done + len(chunk), result=importer.tally.as_json(), memo=importer.memo, attempts=0,
        leased_until=timezone.now() + LEASE,
    )  # fmt: skip


@transaction.atomic
def _finish_step(batch: Import, importer: Importer) -> bool:
    _hold(batch)
    more = importer.finish()
    records.append(ImportProblem(tenant_id=batch.tenant_id, batch=batch, row=r, reason=why) for r, why in importer.late)
    importer.late = []
    _write(batch, memo=importer.memo, leased_until=timezone.now() + LEASE)
    return more


def _complete(batch: Import, sheet: Sheet) -> None:
    with transaction.atomic():
        problems = _problems(batch)
    name = _write_error_file(batch, sheet, problems) if problems else ""
    with transaction.atomic():
        _hold(batch)
        records.move(
            batch, Status.DONE, by=batch.author, verb="finished",
            reason=_("Imported from a file: stage gates, claim limits and duplicate reviews were not asked."),
            data=batch.result["counts"] if batch.result else {}, error_file=name, finished_at=timezone.now(),
            row_count=batch.done_rows, lease=None, leased_until=None, message="",
        )  # fmt: skip


def _problems(batch: Import) -> dict[int, str]:
    found: dict[int, str] = {}
    for row, reason in ImportProblem.objects.of(batch.tenant_id).filter(batch=batch).values_list("row", "reason"):
        found[row] = f"{found[row]} {reason}" if row in found else reason
    return found


def _write_error_file(batch: Import, sheet: Sheet, problems: dict[int, str]) -> str:
    """The rows in error as they came, with the reason behind them; it can be corrected and uploaded again."""
    width = len(sheet.headers)
    rows = ((*cells[:width], problems[number]) for number, cells in sheet.numbered() if number in problems)
    with TemporaryFile() as file:
        write_rows_csv(file, [*sheet.headers, str(ERROR_HEADER)], rows)
        file.seek(0)
        field = Import._meta.get_field("error_file")
        return field.storage.save(field.generate_filename(batch, "errors.csv"), File(file))


def _hold(batch: Import, done: int | None = None) -> None:
    """Lock the row and make sure that it is still ours; Lost otherwise."""
    now = Import.objects.of(batch.tenant_id).filter(pk=batch.pk).select_for_update(of=("self",)).first()
    if now is None or now.lease != batch.lease or now.status != batch.status:
        raise Lost
    if done is not None and now.done_rows != done:
        raise Lost


def _plan_queries_anew() -> None:
    """Let the database forget plans made while its tables were nearly empty.

    Foreign keys are checked by cached plans: one made for a handful of rows reads the whole
    table for every row that the import adds to it.
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def _write(batch: Import, **values) -> None:
    """Technical columns: they are no business facts and leave no Event."""
    Import.objects.of(batch.tenant_id).filter(pk=batch.pk).update(**values)
    batch.__dict__.update(values)


@transaction.atomic
def _release(batch: Import) -> None:
    _hold(batch)
    _write(batch, lease=None, leased_until=None)


def _give_up(batch: Import, message: str) -> None:
    with transaction.atomic():
        locked = records.lock(batch)
        if locked.is_working:
            by = system_member(batch.tenant_id)
            records.move(locked, Status.FAILED, by=by, verb="failed", message=message, lease=None, leased_until=None)


def _after_failure(batch: Import, error: Exception) -> bool:
    """Try again from the last finished chunk, some times; the sweeper starts it."""
    log.exception("import %s of tenant %s failed", batch.pk, batch.tenant_id, exc_info=error)
    if batch.attempts + 1 >= ATTEMPTS:
        _give_up(batch, _("Something went wrong on our side. Rows before are imported; start it again later."))
        return False
    with transaction.atomic():
        _write(batch, attempts=batch.attempts + 1, lease=None, leased_until=timezone.now() + timedelta(seconds=10))
    return False


@contextmanager
def stored_sheet(batch: Import) -> Iterator[Sheet]:
    """The table of an import's file. Raises Unreadable, or Refused when the file is gone."""
    try:
        stored = batch.file.open("rb")
    except (OSError, ValueError) as error:
        raise Refused(_("The file is gone. Upload it again."), code="FILE_GONE") from error
    with stored:
        yield read_rows(stored)
