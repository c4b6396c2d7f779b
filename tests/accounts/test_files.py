"""Files at the door: what is taken, and how it is handed out (reliability.md A5, T6)."""

import io
import zipfile

import pytest
from PIL import Image

from accounts.actions import create_account
from crm.core.activities import actions
from crm.core.activities.models import Attachment
from crm.core.tenancy.state import leave

from .test_pages import get, post

__all__ = ["get", "post"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return create_account(by=acme.rep, name="上海明远机电有限公司")


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 200_000_000)
    return packed.getvalue()


HOSTILE = {
    "svg with a script": ("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    "page named as a picture": ("photo.png", b"<!doctype html><script>alert(1)</script>"),
    "program": ("tool.exe", b"MZ\x90\x00" + b"\x00" * 400),
    "double extension": ("offer.pdf.exe", b"MZ\x90\x00" + b"\x00" * 400),
    "nothing": ("empty.txt", b""),
    "virus": ("a.txt", b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"),
    "zip bomb": ("book.xlsx", bomb()),
    "script": ("run.sh", b"#!/bin/sh\nrm -rf /"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_a_sentence(acme, account, post, upload, name, store):
    response = post(acme.rep, f"activities/accounts.account/{account.pk}/files/", {"file": upload(*HOSTILE[name])})
    assert response.status_code == 422
    assert "error-summary" in response.content.decode()
    assert not Attachment.objects.of(acme.tenant).exists()
    assert not [one for one in store.rglob("*") if one.is_file()]


def test_a_picture_that_hides_a_page_loses_it(acme, account, upload, picture, store):
    kept = actions.attach([account], upload("x.jpg", picture + b"<script>alert(1)</script>"), by=acme.rep)
    assert b"script" not in (store / kept.file).read_bytes()


def test_names_with_paths_are_cut(acme, account, upload):
    assert actions.attach([account], upload("../../etc/报价.txt", b"1"), by=acme.rep).name == "报价.txt"


def test_where_files_are_kept(acme, account, upload, store):
    kept = actions.attach([account], upload("报价.txt", b"1"), by=acme.rep)
    folder, name = kept.file.split("/")
    assert folder == str(acme.tenant.pk) and len(name) == 36
    assert (store / kept.file).read_bytes() == b"1"


def test_a_file_comes_as_a_download_that_cannot_run(acme, account, get, upload, picture):
    for name, content in (("报价.txt", b"1"), ("现场.jpg", picture)):
        kept = actions.attach([account], upload(name, content), by=acme.rep)
        response = get(acme.rep, f"files/{kept.pk}/")
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"] and "'self'" not in response["Content-Security-Policy"]
        assert b"".join(response.streaming_content)


def test_only_pictures_are_shown_in_place(acme, account, get, upload, picture):
    photo = actions.attach([account], upload("现场.jpg", picture), by=acme.rep)
    shown = get(acme.rep, f"files/{photo.pk}/?show=1")
    assert shown["Content-Disposition"].startswith("inline") and "sandbox" in shown["Content-Security-Policy"]
    letter = actions.attach([account], upload("a.txt", b"1"), by=acme.rep)
    assert get(acme.rep, f"files/{letter.pk}/?show=1")["Content-Disposition"].startswith("attachment")


def test_strangers_find_no_file(acme, globex, account, get, upload):
    kept = actions.attach([account], upload("报价.txt", b"1"), by=acme.rep)
    for member in (acme.other_rep, acme.peer, acme.presales, acme.legal, acme.partner):
        assert get(member, f"files/{kept.pk}/").status_code == 404
    with leave():
        assert get(globex.admin, f"files/{kept.pk}/").status_code == 404


def test_a_lost_file_is_said_to_be_lost(acme, account, get, upload, store):
    kept = actions.attach([account], upload("报价.txt", b"1"), by=acme.rep)
    (store / kept.file).unlink()
    assert get(acme.rep, f"files/{kept.pk}/").status_code == 404


def test_carry_shows_the_files_where_the_record_went(acme, account, get, upload):
    other = create_account(by=acme.other_rep, name="另一家")
    kept = actions.attach([account], upload("报价.txt", b"1"), by=acme.rep)
    actions.carry(account, [other], by=acme.manager)
    assert get(acme.other_rep, f"files/{kept.pk}/").status_code == 200


def test_two_files_of_the_same_picture_are_two(acme, account, upload, picture):
    first, second = (actions.attach([account], upload("a.jpg", picture), by=acme.rep) for _ in range(2))
    assert first.file != second.file and first.sha256 == second.sha256
    assert Image.open(io.BytesIO(picture)).size == (8, 6)
