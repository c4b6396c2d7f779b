"""Files that people attach: of an allowed kind in truth, not by name, and harmless to open (reliability.md A5).

Pictures are drawn anew, which strips what hides in them (place, device, a second file).
Everything else is kept byte for byte and must be served as a download.
"""

import hashlib
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from typing import Any, BinaryIO

import pillow_heif
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from crm.core.errors import Refused
from crm.core.spreadsheets import Unreadable, check_archive
from crm.core.spreadsheets.delimited import detect_encoding

MEGABYTE = 1024 * 1024
MAX_BYTES = 20 * MEGABYTE
MAX_SIDE = 2560  # pixels of a stored picture
# What each decoder draws in less than 300 MB of memory: a plain JPEG is shrunk while it is read, others are not.
MAX_PIXELS = {"JPEG": 50_000_000, "progressive": 25_000_000, "PNG": 20_000_000, "WEBP": 12_200_000, "HEIF": 25_000_000}
_LONGEST_NAME = 100  # characters with the extension
_READ = 64 * 1024
_HEAD = 4096
_EICAR = (
    b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!"
)  # in two parts: this file is no virus

pillow_heif.register_heif_opener()


class Unacceptable(Refused):
    """The file is not taken. `code` is for programs, the text says what to do (422)."""

    status = 422

    def __init__(self, code: str, message: Any):
        super().__init__(message, code=code)


@dataclass(frozen=True)
class CleanFile:
    """A file fit to be stored. `file` is open at its beginning and goes away when closed."""

    name: str
    content_type: str
    size: int
    sha256: str
    file: BinaryIO


@dataclass(frozen=True)
class Kind:
    extension: str
    content_type: str
    picture: str = ""  # Pillow's name of the format that is read


_JPEG, _PNG = Kind("jpg", "image/jpeg", "JPEG"), Kind("png", "image/png", "PNG")
_WEBP, _HEIC = Kind("webp", "image/webp", "WEBP"), Kind("heic", "image/heic", "HEIF")
_PDF = Kind("pdf", "application/pdf")
_OFFICE = {
    "word/document.xml": Kind("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xl/workbook.xml": Kind("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "ppt/presentation.xml": Kind("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
}
_TEXT, _CSV = Kind("txt", "text/plain"), Kind("csv", "text/csv")
_M4A, _WEBM, _MP3 = Kind("m4a", "audio/mp4"), Kind("webm", "audio/webm"), Kind("mp3", "audio/mpeg")

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_MP4_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42")
_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|script|iframe|svg|style|meta|table|img|\?xml|\?php|%)|^#!", re.IGNORECASE
)
_PROGRAMS = """
bat cmd com cpl exe hta htm html jar js jse lnk msi msp php phtml pif ps1 py reg scr sh shtml svg svgz vb vbe vbs
wsf wsh xhtml xht xml
"""
_DOCUMENTS = """
jpg jpeg jpe jfif png webp heic heif gif bmp tif tiff pdf doc docx docm xls xlsx xlsm ppt pptx pptm txt csv log md
m4a mp4 aac webm mp3 wav ogg zip
"""
_RUNNABLE = frozenset(_PROGRAMS.split())
_EXTENSIONS = _RUNNABLE | frozenset(_DOCUMENTS.split())
_FORBIDDEN_IN_NAMES = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')


def clean_upload(file: Any, *, name: str = "", max_bytes: int = MAX_BYTES) -> CleanFile:
    """The file checked, renamed to what it is, pictures drawn anew at 2560 pixels at most.

    `file` has read() and mostly a name and a size (an uploaded file). Raises Unacceptable.
    """
    given = name or getattr(file, "name", "") or ""
    if (getattr(file, "size", None) or 0) > max_bytes:
        raise _too_large(max_bytes)
    body = _copied(file, max_bytes)
    kind = _kind(body, given)
    if kind.picture:
        body, kind = _drawn_anew(body, kind)
    size, digest = _measured(body)
    return CleanFile(clean_name(given, kind.extension), kind.content_type, size, digest, body)


def clean_name(raw: str, extension: str) -> str:
    """A file name without path, control or direction characters, ending in its true extension only.

    "../../报告.pdf.exe" that is a PDF becomes "报告.pdf".
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", raw))[-1]
    plain = "".join(character for character in last if unicodedata.category(character)[0] != "C")
    stem = _FORBIDDEN_IN_NAMES.sub("_", plain).strip(" .")
    while (parts := stem.rpartition("."))[1] and parts[2].strip().lower() in _EXTENSIONS:
        stem = parts[0].strip(" .")
    return f"{stem[: _LONGEST_NAME - len(extension) - 1].strip(' .') or 'file'}.{extension}"


def _copied(file: Any, max_bytes: int) -> BinaryIO:
    """A copy of our own, read in pieces and no further than the limit."""
    body: Any = tempfile.SpooledTemporaryFile(max_size=MEGABYTE)  # noqa: SIM115
    if hasattr(file, "seek"):
        file.seek(0)
    overlap, size = b"", 0
    while chunk := file.read(_READ):
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if _EICAR in overlap + chunk:
            raise Unacceptable("VIRUS", _("This file is recognised as a virus and was not stored."))
        body.write(chunk)
        overlap = chunk[-len(_EICAR) :]
    if not size:
        raise Unacceptable("EMPTY", _("The file is empty. Choose another file."))
    body.seek(0)
    return body


def _measured(body: BinaryIO) -> tuple[int, str]:
    digest = hashlib.sha256()
    body.seek(0)
    while chunk := body.read(_READ):
        digest.update(chunk)
    size = body.tell()
    body.seek(0)
    return size, digest.hexdigest()


# What the file is


def _kind(body: BinaryIO, name: str) -> Kind:
    body.seek(0)
    head = body.read(_HEAD)
    body.seek(0)
    extension = name.rpartition(".")[2].lower()
    kind = _by_first_bytes(head, extension)
    if kind is None and head.startswith(b"PK\x03\x04"):
        kind = _office(body)
    kind = kind or _text(body, extension)
    if kind is None:
        raise _not_allowed()
    return kind


def _by_first_bytes(head: bytes, extension: str) -> Kind | None:
    if head.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _WEBP
    if head.startswith(b"%PDF-"):
        return _PDF
    if head[4:8] == b"ftyp":
        return _mp4(head[8:12], extension)
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head[:64]:
        return _WEBM
    if head.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa")):
        return _MP3
    return None


def _mp4(brand: bytes, extension: str) -> Kind | None:
    if brand in _HEIC_BRANDS:
        return _HEIC
    # Phones record sound into files of the general brands too; a film stays a film.
    return _M4A if brand in (b"M4A ", b"M4B ") or (brand in _MP4_BRANDS and extension in ("m4a", "aac")) else None


def _office(body: BinaryIO) -> Kind | None:
    try:
        names = check_archive(body).namelist()
    except Unreadable as error:
        raise Unacceptable(error.code, error.message) from error
    finally:
        body.seek(0)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Unacceptable("MACROS", _("The document contains macros. Save it without macros (.docx, .xlsx, .pptx)."))
    return next((kind for part, kind in _OFFICE.items() if part in names), None)


def _text(body: BinaryIO, extension: str) -> Kind | None:
    """Plain text that no program runs and no browser draws; None when it is anything else."""
    try:
        encoding, _damaged = detect_encoding(body)
    except Unreadable:
        return None
    body.seek(0)
    start = body.read(_HEAD).decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    body.seek(0)
    if extension in _RUNNABLE or "\0" in start or _MARKUP.search(start):
        return None
    return _CSV if extension == "csv" else _TEXT


# Pictures


def _drawn_anew(body: BinaryIO, kind: Kind) -> tuple[BinaryIO, Kind]:
    """The picture alone: turned upright, at most MAX_SIDE, as PNG when it was one or is transparent, else JPEG."""
    if kind is _WEBP:
        _check_pixels(_pixels_of_webp(body), "WEBP")
    try:
        with Image.open(body, formats=[kind.picture]) as picture:
            _check_pixels(picture.size, "progressive" if "progressive" in picture.info else kind.picture)
            picture.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=1.0)
            upright = ImageOps.exif_transpose(picture)
            target = _PNG if kind is _PNG or upright.has_transparency_data else _JPEG
            return _saved(upright, target), target
    except Refused:
        raise
    except Exception as error:  # hostile bytes raise whatever a decoder raises
        raise Unacceptable("DAMAGED", _("The picture is damaged. Take or export it again.")) from error
    finally:
        body.close()


def _saved(picture: Image.Image, kind: Kind) -> BinaryIO:
    plain = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    plain.info = {}  # no place, no device, no comment
    drawn: Any = tempfile.SpooledTemporaryFile(max_size=MEGABYTE)  # noqa: SIM115
    plain.save(drawn, kind.picture, **({"quality": 85, "optimize": True} if kind is _JPEG else {}))
    return drawn


def _check_pixels(size: tuple[int, int], decoder: str) -> None:
    allowed = MAX_PIXELS[decoder]
    if size[0] * size[1] > allowed:
        raise Unacceptable(
            "TOO_MANY_PIXELS",
            format_lazy(
                _("The picture is too large. It may have {count} million pixels; make it smaller and try again."),
                count=allowed // 1_000_000,
            ),
        )


def _pixels_of_webp(body: BinaryIO) -> tuple[int, int]:
    """Width and height from the header: opening the picture would already set aside memory for it."""
    body.seek(0)
    head = body.read(30)
    body.seek(0)
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


def _too_large(max_bytes: int) -> Unacceptable:
    return Unacceptable(
        "TOO_LARGE",
        format_lazy(_("The file is too large. Files may have {size} MB; make it smaller."), size=max_bytes // MEGABYTE),
    )


def _not_allowed() -> Unacceptable:
    return Unacceptable(
        "NOT_ALLOWED",
        _(
            "This kind of file is not accepted. Accepted are pictures (JPEG, PNG, WebP, HEIC), PDF, Office documents "
            "(.docx, .xlsx, .pptx), plain text, CSV and sound (.m4a, .webm, .mp3)."
        ),
    )
