"""A file is checked without writing, run in chunks, and survives crashes, doubles and second thoughts."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import Account
from crm.core.events.models import Event
from crm.core.imports import actions, importer, rows, running, tasks
from crm.core.imports.models import Import, ImportProblem
from crm.core.tenancy.state import enter
from leads.models import Lead

from ..conftest import make_acme
from .conftest import bring, check, counts, csv_file, error_text, fresh, run, take_in

pytestmark = pytest.mark.django_db

CUSTOMERS = "客户名称,员工数\n甲公司,12\n乙公司,很多\n甲公司,13\n,5\n丙公司,\n"


def test_the_dry_run_writes_nothing_and_promises_what_the_run_does(acme):
    batch = bring(acme.admin, "accounts", CUSTOMERS)
    before = Event.objects.of(acme.tenant).exclude(subject_type="imports.import").count()
    promised = check(batch)
    assert not Account.objects.of(acme.tenant).exists()
    assert Event.objects.of(acme.tenant).exclude(subject_type="imports.import").count() == before
    assert promised["counts"] == {"new": 2, "updated": 0, "duplicate": 1, "error": 2}
    assert run(batch)["counts"] == promised["counts"]
    assert Account.objects.of(acme.tenant).count() == 2


def test_reasons_name_the_rows(acme):
    report = check(bring(acme.admin, "accounts", CUSTOMERS))
    told = {entry["text"]: entry["rows"] for entry in report["reasons"]}
    assert list(told.values()) == [[3], [4], [5]] or sorted(told.values()) == [[3], [4], [5]]
    assert any("not a whole number" in text for text in told)


@pytest.mark.parametrize("object_", ["accounts", "leads"])
def test_the_same_file_twice_is_nothing_new(acme, object_):
    text = "公司名称,电话\n" + "".join(f"第{n}号机械有限公司,0512-6655{n:04}\n" for n in range(30))
    assert counts(take_in(acme.admin, object_, text)) == (30, 0, 0, 0)
    assert counts(take_in(acme.admin, object_, text)) == (0, 0, 30, 0)


def test_update_changes_what_differs_and_leaves_the_rest(acme):
    take_in(acme.admin, "accounts", "客户名称,员工数,行业\n甲公司,12,机械\n乙公司,5,电子\n")
    text = "客户名称,员工数,行业\n甲公司,20,\n乙公司,5,电子\n"
    assert counts(take_in(acme.admin, "accounts", text, options={"policy": "update"})) == (0, 1, 1, 0)
    first = Account.objects.of(acme.tenant).get(name="甲公司")
    assert (first.employees, first.industry) == (20, "机械")


def test_create_makes_further_ones_except_where_one_is_allowed(acme):
    text = "客户名称,统一社会信用代码\n甲公司,\n乙公司,91350100M000100Y43\n"
    take_in(acme.admin, "accounts", text)
    again = take_in(acme.admin, "accounts", text, options={"policy": "create"})
    assert counts(again) == (1, 0, 1, 0)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(running, "chunks", lambda found, size=3: rows.chunks(found, size))


class Crash(BaseException):
    """A killed worker: nothing in the product catches it."""


def crash_after(monkeypatch, chunk: int):
    """The worker dies while it writes chunk number `chunk`, after its rows are in the transaction."""
    apply, seen = importer.Importer.apply, []

    def dying(self, found):
        apply(self, found)
        seen.append(1)
        if len(seen) == chunk:
            raise Crash

    monkeypatch.setattr(importer.Importer, "apply", dying)
    return lambda: monkeypatch.setattr(importer.Importer, "apply", apply)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("chunk", [1, 2, 4])
def test_a_crash_at_any_chunk_loses_and_doubles_nothing(small_chunks, monkeypatch, chunk):
    text = "公司名称,手机号\n" + "".join(f"公司{n % 9},1380013800{n % 9}\n" for n in range(11)) + "坏,坏\n,139\n"
    cast = make_acme()
    with enter(cast.tenant):
        with transaction.atomic():
            batch = bring(cast.admin, "leads", text)
            promised = None
            actions.start_check(batch, by=cast.admin)
        running.work(batch.pk, cast.tenant.pk)
        with transaction.atomic():
            promised = fresh(batch).check_report["counts"]
            actions.start_run(fresh(batch), by=cast.admin)
        heal = crash_after(monkeypatch, chunk)
        with pytest.raises(Crash):
            running.work(batch.pk, cast.tenant.pk)
        heal()
        assert running.work(batch.pk, cast.tenant.pk) is False  # the dead worker's lease still stands
        with transaction.atomic():
            assert fresh(batch).done_rows == (chunk - 1) * 3
            Import.objects.of(cast.tenant).filter(pk=batch.pk).update(leased_until=timezone.now())
        running.work(batch.pk, cast.tenant.pk)
        with transaction.atomic():
            done = fresh(batch)
            assert (done.status, done.result["counts"]) == ("done", promised)
            assert Lead.objects.of(cast.tenant).count() == promised["new"]
            assert ImportProblem.objects.of(cast.tenant).count() == promised["error"]


@pytest.mark.django_db(transaction=True)
def test_time_up_gives_the_worker_back_and_goes_on(small_chunks):
    cast = make_acme()
    with enter(cast.tenant):
        with transaction.atomic():
            batch = bring(cast.admin, "accounts", "客户名称\n" + "".join(f"公司{n}\n" for n in range(8)))
            actions.start_run(batch, by=cast.admin)
        assert running.work(batch.pk, cast.tenant.pk, seconds=0) is True
        with transaction.atomic():
            assert fresh(batch).done_rows == 3
        while running.work(batch.pk, cast.tenant.pk, seconds=0):
            pass
        with transaction.atomic():
            assert fresh(batch).status == "done" and Account.objects.of(cast.tenant).count() == 8


def test_a_second_delivery_changes_nothing(acme):
    batch = take_in(acme.admin, "accounts", "客户名称\n甲公司\n")
    for _again in range(2):
        assert running.work(batch.pk, acme.tenant.pk) is False
    assert Account.objects.of(acme.tenant).count() == 1
    assert Event.objects.of(acme.tenant).filter(kind="import.finished").count() == 1


def test_cancelling_stops_the_worker_at_the_next_chunk(acme, small_chunks, monkeypatch):
    batch = bring(acme.admin, "accounts", "客户名称\n" + "".join(f"公司{n}\n" for n in range(8)))
    actions.start_run(batch, by=acme.admin)
    plan = importer.Importer.plan

    def and_cancel(self, found):
        plan(self, found)
        if found[0].record.name == "公司3":
            actions.cancel(fresh(batch), by=acme.admin)

    monkeypatch.setattr(importer.Importer, "plan", and_cancel)
    running.work(batch.pk, acme.tenant.pk)
    assert fresh(batch).status == "cancelled"
    assert Account.objects.of(acme.tenant).count() in (3, 6)


def test_what_fails_is_tried_again_and_given_up_with_a_sentence(acme, monkeypatch):
    batch = bring(acme.admin, "accounts", "客户名称\n甲公司\n")
    actions.start_run(batch, by=acme.admin)
    monkeypatch.setattr(importer.Importer, "apply", lambda self, found: 1 / 0)
    for later in range(running.ATTEMPTS):
        with time_machine.travel(timezone.now() + timedelta(minutes=later * 5)):
            running.work(batch.pk, acme.tenant.pk)
    failed = fresh(batch)
    assert failed.status == "failed" and failed.message and not Account.objects.of(acme.tenant).exists()
    monkeypatch.undo()


def test_the_sweeper_wakes_what_a_worker_left(acme, monkeypatch):
    batch = bring(acme.admin, "accounts", "客户名称\n甲公司\n")
    actions.start_run(batch, by=acme.admin)
    woken = []
    monkeypatch.setattr(tasks, "wake", lambda *args: woken.append(args))
    tasks.resume(acme.tenant)
    running.take(batch.pk, acme.tenant.pk)
    tasks.resume(acme.tenant)
    assert woken == [(acme.tenant.pk, batch.pk)]


def test_the_error_file_can_be_corrected_and_comes_in(acme):
    text = "客户名称,员工数,备注\n=甲公司,多,-1+2\n乙公司,3,好\n丙公司,少,@x\n"
    batch = take_in(acme.admin, "accounts", text)
    assert counts(batch) == (1, 0, 0, 2)
    errors = error_text(batch)
    assert errors.splitlines()[0].startswith("客户名称,员工数,备注,")
    assert "'=甲公司" in errors and "'-1+2" in errors and "'@x" in errors
    second = actions.upload(by=acme.admin, object="accounts", file=csv_file(errors, encoding="utf-8-sig"), name="e.csv")
    assert set(second.mapping.values()) == {"客户名称", "员工数", "备注"}
    fixed = errors.replace(",多,", ",7,").replace(",少,", ",8,")
    assert counts(take_in(acme.admin, "accounts", fixed)) == (2, 0, 0, 0)
    first = Account.objects.of(acme.tenant).get(employees=7)
    assert (first.name, first.description) == ("=甲公司", "-1+2")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_any_encoding(acme, encoding):
    take_in(acme.admin, "accounts", "客户名称,行业\n上海精密机械有限公司,装备制造\n", encoding=encoding)
    assert Account.objects.of(acme.tenant).get().name == "上海精密机械有限公司"


def test_unknown_words_are_offered_their_likeness_and_can_be_mapped(acme):
    take_in(acme.admin, "products", "product,price\nGTX Pro,100\n")
    take_in(acme.admin, "accounts", "account\nBig Co\n")
    text = "ref,account,product,owner,stage\nX1,Big Co,GTXPro,Rep,报价\nX2,Big Co,GTX Pro,Rep,火星\n"
    batch = bring(acme.admin, "opportunities", text)
    unknown = check(batch)["unknown"]
    assert unknown["product"]["GTXPro"]["suggestion"] == "GTX Pro"
    assert unknown["stage"]["火星"]["count"] == 1
    actions.choose_values(fresh(batch), {"product": {"GTXPro": "GTX Pro"}, "stage": {"火星": ""}}, by=acme.admin)
    assert check(batch)["counts"]["new"] == 2


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_write_every_row_once(small_chunks, monkeypatch):
    """Names are no hindrance here (policy create): only lease and lock keep the workers apart."""
    cast, apply = make_acme(), importer.Importer.apply
    monkeypatch.setattr(importer.Importer, "apply", lambda self, found: (apply(self, found), time.sleep(0.05)))
    with enter(cast.tenant), transaction.atomic():
        text = "客户名称\n" + "".join(f"公司{n}\n" for n in range(20))
        batch = bring(cast.admin, "accounts", text, options={"policy": "create"})
        actions.start_run(batch, by=cast.admin)

    def worker():
        try:
            tasks.work(cast.tenant.pk, batch.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=worker) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with enter(cast.tenant), transaction.atomic():
        assert (fresh(batch).status, Account.objects.of(cast.tenant).count()) == ("done", 20)
        assert Event.objects.of(cast.tenant).filter(kind="account.imported").count() == 20


def test_a_file_that_turns_out_too_long_fails_with_its_sentence(acme, monkeypatch):
    from io import BytesIO

    from django.core.files.uploadedfile import SimpleUploadedFile

    from crm.core.spreadsheets import workbook, write_xlsx

    buffer = BytesIO()
    write_xlsx(buffer, ["客户名称", "行业"], [(f"公司{n}", "x") for n in range(30)])
    file = SimpleUploadedFile("f.xlsx", buffer.getvalue())
    batch = actions.upload(by=acme.admin, object="accounts", file=file, name="f.xlsx")
    actions.choose_columns(batch, batch.mapping, by=acme.admin)
    actions.start_check(batch, by=acme.admin)
    monkeypatch.setattr(workbook, "MAX_ROWS", 10)
    running.work(batch.pk, acme.tenant.pk)
    failed = fresh(batch)
    assert failed.status == "failed" and "rows" in failed.message
    monkeypatch.undo()
    actions.start_check(failed, by=acme.admin)
    running.work(batch.pk, acme.tenant.pk)
    assert fresh(batch).check_report["counts"]["new"] == 30


def test_files_are_forgotten_after_a_month_and_said_to_be_gone(acme):
    batch = take_in(acme.admin, "accounts", CUSTOMERS)
    path = batch.file.path
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        tasks.forget(acme.tenant)
    gone = fresh(batch)
    assert not gone.file and not gone.error_file and gone.result["counts"]["new"] == 2
    assert not Path(path).exists()
    again = bring(acme.admin, "accounts", "客户名称\n丁公司\n")
    again.file.storage.delete(again.file.name)
    actions.start_check(again, by=acme.admin)
    running.work(again.pk, acme.tenant.pk)
    assert fresh(again).status == "failed" and "gone" in fresh(again).message
