"""Looks into a zip file before anybody unpacks it: office documents are zip files of XML.

The limits are those at which hostile files were seen to exhaust time or memory, with room
above what honest workbooks need.
"""

import re
import zipfile
from typing import IO, BinaryIO

from django.utils.translation import gettext_lazy as _

from crm.core.spreadsheets.unreadable import Unreadable, broken, encrypted

MEGABYTE = 1024 * 1024
MAX_MEMBERS = 1000
MAX_UNPACKED = 200 * MEGABYTE
MAX_RATIO = 100
_RATIO_MATTERS = MEGABYTE  # small members may shrink as much as they like
_SMALL = 256 * 1024
_MAX_ROWS = 100_000  # rows of a sheet in XML, the formatted empty ones too
_GAP = (2 * MEGABYTE, 120_000)  # bytes and tags between two rows or two shared strings: they are held in memory
_TAIL = (8 * MEGABYTE, 400_000)  # the same after the rows: links, validations, formats
_READ = 64 * 1024
_ROW = re.compile(rb"<(?:\w{1,9}:)?row\b")
_STRING = re.compile(rb"<(?:\w{1,9}:)?si\b")
_END_OF_ROWS = re.compile(rb"</(?:\w{1,9}:)?sheetData\b")
_NEVER_READ = re.compile(r"xl/pivotCache/|.*\.(?:png|jpe?g|gif|emf|wmf|bin|vml|tiff?|bmp)$", re.IGNORECASE)


def check_archive(file: BinaryIO) -> zipfile.ZipFile:
    """The opened zip file, if its directory promises no more than the limits. Unreadable otherwise."""
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # hostile bytes raise more than BadZipFile
        raise broken() from error
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise encrypted()
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise _bomb()
    if any(_swells(member) for member in members):
        raise _bomb()
    return archive


def check_parts(archive: zipfile.ZipFile) -> None:
    """Refuses workbooks whose XML would have to be held in memory in large pieces."""
    for member in archive.infolist():
        if member.file_size > _SMALL and not _NEVER_READ.match(member.filename):
            try:
                with archive.open(member) as stream:
                    _check_gaps(stream)
            except Unreadable:
                raise
            except Exception as error:
                raise broken() from error


def _check_gaps(stream: IO[bytes]) -> None:
    rows = size = tags = 0
    limit, overlap = _GAP, b""
    while chunk := stream.read(_READ):
        window = overlap + chunk
        rows += len(_ROW.findall(chunk))
        ended = _END_OF_ROWS.search(window)
        if ended or _ROW.search(window) or _STRING.search(window):
            size = tags = 0
        limit = _TAIL if ended else limit
        size, tags = size + len(chunk), tags + chunk.count(b"<")
        if size > limit[0] or tags > limit[1]:
            raise _bomb()
        if rows > _MAX_ROWS:
            raise _too_many_rows()
        overlap = chunk[-32:]


def _swells(member: zipfile.ZipInfo) -> bool:
    return member.file_size > max(_RATIO_MATTERS, MAX_RATIO * member.compress_size)


def _bomb() -> Unreadable:
    return Unreadable(
        "TOO_LARGE_INSIDE",
        _("The file unpacks to far more than it seems. Copy the data into a new workbook and try again."),
    )


def _too_many_rows() -> Unreadable:
    return Unreadable(
        "TOO_MANY_ROWS",
        _("The sheet has more than 100,000 rows, empty ones included. Delete the empty rows or save it as CSV."),
    )
