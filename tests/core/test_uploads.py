"""Attached files: what they are in truth, and what is left of hostile ones (reliability.md A5)."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pillow_heif
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crm.core.spreadsheets import write_xlsx
from crm.core.uploads import MAX_SIDE, Unacceptable, clean_name, clean_upload

SCRIPT = b"<script>alert(1)</script>"


def picture(form: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options) -> bytes:
    drawing, file = Image.linear_gradient("L").resize(size), io.BytesIO()
    drawn = drawing.convert(mode)
    if mode == "RGBA":
        drawn.putalpha(drawing)
    drawn.save(file, form, **options)
    return file.getvalue()


def heic(size: tuple[int, int] = (64, 48)) -> bytes:
    pillow_heif.register_heif_opener()
    return picture("HEIF", size)


def webp_claiming(width: int, height: int) -> bytes:
    """The beginning of a lossless WebP that is only as large as it says."""
    bits = (width - 1) | (height - 1) << 14
    return b"RIFF\x20\0\0\0WEBPVP8L\x10\0\0\0\x2f" + bits.to_bytes(4, "little") + b"\0" * 16


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name.replace("__", "/").replace("_xml", ".xml").replace("_bin", ".bin"), content)
    return file.getvalue()


def clean(data: bytes, name: str = "a.bin", **options):
    return clean_upload(SimpleUploadedFile("x", data), name=name, **options)


def refused(data: bytes, name: str = "a.bin", **options) -> str:
    with pytest.raises(Unacceptable) as error:
        clean(data, name, **options)
    assert len(str(error.value)) > 5
    return error.value.code


DOCX = archive(word__document_xml=b"<w/>")
XLSX = io.BytesIO()
write_xlsx(XLSX, ["a"], [["1"]])
KEPT = {
    "合同.pdf": (b"%PDF-1.7\n%%EOF", "application/pdf"),
    "报价.docx": (DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "清单.xlsx": (XLSX.getvalue(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "介绍.pptx": (
        archive(ppt__presentation_xml=b"<p/>"),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    "纪要.txt": ("会议纪要：A < B\n".encode(), "text/plain"),
    "国标.txt": ("深圳市华为技术有限公司\n".encode("gb18030"), "text/plain"),
    "名单.csv": ("名称,电话\n甲,1\n".encode(), "text/csv"),
    "录音.m4a": (b"\0\0\0\x18ftypM4A \0\0\0\0", "audio/mp4"),
    "手机.m4a": (b"\0\0\0\x18ftypmp42\0\0\0\0", "audio/mp4"),
    "网页.webm": (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm", "audio/webm"),
    "歌.mp3": (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
}


@pytest.mark.parametrize("name", KEPT)
def test_documents_and_sound_are_kept_byte_for_byte(name):
    data, content_type = KEPT[name]
    kept = clean(data, name)
    assert (kept.name, kept.content_type, kept.file.read()) == (name, content_type, data)
    assert (kept.size, kept.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    ("data", "name", "stored"),
    [
        (picture(comment=b"canary"), "现场.JPEG", "现场.jpg"),
        (picture("PNG"), "图.png", "图.png"),
        (picture("WEBP"), "图.webp", "图.jpg"),
        (picture("WEBP", mode="RGBA", lossless=True), "图.webp", "图.png"),
        (heic(), "IMG_0001.HEIC", "IMG_0001.jpg"),
        (picture("JPEG", mode="CMYK"), "印刷.jpg", "印刷.jpg"),
        (picture("PNG", mode="P"), "p.png", "p.png"),
        (picture("PNG", mode="I;16"), "深度.png", "深度.png"),
    ],
)
def test_pictures_are_drawn_anew(data, name, stored):
    kept = clean(data, name)
    content = kept.file.read()
    assert kept.name == stored
    assert b"anary" not in content and (kept.size, kept.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    drawn = Image.open(io.BytesIO(content))
    assert drawn.size == (64, 48)
    assert Image.MIME[drawn.format] == kept.content_type


def test_large_pictures_shrink_and_stand_upright_without_their_place():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Canary Camera"
    exif.get_ifd(0x8825)[1] = "N"
    kept = clean(picture(size=(6000, 3000), exif=exif, comment=b"canary comment"), "a.jpg").file.read()
    drawn = Image.open(io.BytesIO(kept))
    assert drawn.size == (MAX_SIDE // 2, MAX_SIDE)
    assert not drawn.getexif() and b"anary" not in kept and b"Exif" not in kept


def test_text_and_profiles_inside_a_png_are_gone():
    from PIL import PngImagePlugin

    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "canary <script>")
    kept = clean(picture("PNG", pnginfo=notes), "a.png").file.read()
    assert b"canary" not in kept and not Image.open(io.BytesIO(kept)).info


@pytest.mark.parametrize("name", ["a.jpg", "a.jpg.html", "a.html"])
def test_a_picture_that_is_also_a_page_is_only_a_picture(name):
    polyglot = picture(comment=SCRIPT) + b"<html>" + SCRIPT
    kept = clean(polyglot, name)
    assert kept.name == "a.jpg" and kept.content_type == "image/jpeg"
    assert b"<script" not in kept.file.read()


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.txt", "EMPTY"),
        (b"<!DOCTYPE html><html>", "a.png", "NOT_ALLOWED"),
        (b"\n  <svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "a.svg", "NOT_ALLOWED"),
        (b"<?xml version='1.0'?><svg/>", "a.jpg", "NOT_ALLOWED"),
        ("<html>".encode("utf-16"), "a.txt", "NOT_ALLOWED"),
        (b"hello " + SCRIPT, "a.txt", "NOT_ALLOWED"),
        (b"MZ\x90\0" + b"\0" * 100, "a.pdf", "NOT_ALLOWED"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 100, "a.jpg", "NOT_ALLOWED"),
        (b"#!/bin/sh\nrm -rf /", "a.txt", "NOT_ALLOWED"),
        (b"echo off", "a.txt.bat", "NOT_ALLOWED"),
        (b"alert(1)", "a.js", "NOT_ALLOWED"),
        (b"GIF89a" + b"\0" * 20, "a.gif", "NOT_ALLOWED"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "a.doc", "NOT_ALLOWED"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "film.mp4", "NOT_ALLOWED"),
        (archive(a_xml=b"x"), "a.zip", "NOT_ALLOWED"),
        (b"PK\x03\x04 no zip", "a.docx", "BROKEN"),
        (archive(word__document_xml=b"<w/>", word__vbaProject_bin=b"x"), "a.docx", "MACROS"),
        (archive(word__document_xml=b" " * 30_000_000), "a.docx", "TOO_LARGE_INSIDE"),
        (picture()[:300], "a.jpg", "DAMAGED"),
        (b"\xff\xd8\xff\xe0junk", "a.jpg", "DAMAGED"),
        (b"\x89PNG\r\n\x1a\njunk", "a.png", "DAMAGED"),
        (b"RIFF\0\0\0\0WEBPVP8 junk", "a.webp", "DAMAGED"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a.heic", "DAMAGED"),
        (picture("PNG", (5000, 5000), "1"), "a.png", "TOO_MANY_PIXELS"),
        (picture("JPEG", (8000, 8000), "L"), "a.jpg", "TOO_MANY_PIXELS"),
        (webp_claiming(16383, 16383), "a.webp", "TOO_MANY_PIXELS"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(data, name, code):
    assert refused(data, name) == code


def test_the_test_virus_is_found_wherever_it_stands():
    virus = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    assert refused(virus, "a.txt") == "VIRUS"
    assert refused(b"x" * (64 * 1024 - 20) + virus, "a.txt") == "VIRUS"


def test_size_is_limited_by_promise_and_by_what_comes():
    assert refused(b"x" * 1001, "a.txt", max_bytes=1000) == "TOO_LARGE"
    assert clean(b"x" * 1000, "a.txt", max_bytes=1000).size == 1000

    class Endless:
        read_bytes = 0

        def read(self, count):
            self.read_bytes += count
            return b"x" * count

    endless = Endless()
    with pytest.raises(Unacceptable):
        clean_upload(endless, name="a.txt")
    assert endless.read_bytes < 21 * 1024 * 1024


@pytest.mark.parametrize(
    ("raw", "extension", "name"),
    [
        ("../../etc/报告.pdf.exe", "pdf", "报告.pdf"),
        ("C:\\Users\\a\\图.png", "png", "图.png"),
        ("a\u202egpj.exe", "jpg", "agpj.jpg"),
        ("a\x00b\r\nc.txt", "txt", "abc.txt"),
        ("v1.2 方案.docx", "docx", "v1.2 方案.docx"),
        ("", "pdf", "file.pdf"),
        ("...", "pdf", "file.pdf"),
        (".htaccess", "txt", "htaccess.txt"),
        ('a<b>"c|d?.csv', "csv", "a_b__c_d_.csv"),
        ("长" * 300 + ".pdf", "pdf", "长" * 96 + ".pdf"),
        ("a.pdf . pdf.", "pdf", "a.pdf"),
    ],
)
def test_names(raw, extension, name):
    assert clean_name(raw, extension) == name


@given(st.text(max_size=150))
def test_any_name_becomes_a_plain_one(raw):
    name = clean_name(raw, "pdf")
    assert name.endswith(".pdf") and len(name) <= 100 and len(name) > 4
    assert not set(name) & set('/\\\0\n\r<>:"|?*') and not name.startswith(".")
    assert clean_name(name, "pdf") == name


@given(st.binary(max_size=200), st.sampled_from(["", "a.jpg", "a.txt", "a.m4a", "a.docx"]))
def test_any_bytes_are_taken_or_refused(data, name):
    for prefix in (
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        b"RIFF\0\0\0\0WEBP",
        b"\0\0\0\x18ftypheic",
    ):
        try:
            assert clean(prefix + data, name).size
        except Unacceptable as error:
            assert error.code


READER = """
import json, sys
from tests.core.memory import peak_megabytes
from crm.core.uploads import Unacceptable, clean_upload
code = ""
try:
    with open(sys.argv[1], "rb") as file:
        clean_upload(file)
except Unacceptable as error:
    code = error.code
print(json.dumps({"code": code, "megabytes": peak_megabytes()}))
"""


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: picture("JPEG", (7000, 7000)), ""),
        (lambda: picture("JPEG", (5000, 5000), progressive=True, subsampling=0), ""),
        (lambda: picture("PNG", (4400, 4400), "RGBA", compress_level=1), ""),
        (lambda: webp_claiming(16383, 16383), "TOO_MANY_PIXELS"),
    ],
    ids=["50 MP", "progressive", "transparent", "webp bomb"],
)
def test_large_pictures_cost_little_memory(make, code, tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)],
        capture_output=True,
        check=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    cost = json.loads(done.stdout)
    assert cost["code"] == code
    assert cost["megabytes"] < 300
