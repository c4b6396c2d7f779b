"""Tables from users: every encoding and program, and hostile files (reliability.md A3, A6).

The hostile files are read in a process of their own, whose memory and computing time are
measured; the limit lies far above the 5 seconds they are meant to take, so that a slow machine fails nothing.
"""

import io
import json
import random
import subprocess
import sys
import zipfile
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.core.spreadsheets import (
    Unreadable,
    escape_formula,
    read_rows,
    unescape_formula,
    workbook,
    write_rows_csv,
    write_xlsx,
)

HEADERS = ["客户名称", "电话"]
ROWS = [["深圳市华为技术有限公司", "13800138000"], ["騰訊科技", "0755-86013388"]]
SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def table(data: bytes) -> tuple[list[str], list[list[str]]]:
    sheet = read_rows(io.BytesIO(data))
    return sheet.headers, list(sheet.rows())


def xlsx(*rows, formats: dict | None = None) -> bytes:
    """A workbook of these rows; `formats` gives number formats of cells by coordinate."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for cell, number_format in (formats or {}).items():
        book.active[cell].number_format = number_format
    book.save(file)
    return file.getvalue()


def repacked(data: bytes, **changes) -> bytes:
    """The zip file with some members replaced (None drops one)."""
    source, file = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for member in [*source.namelist(), *(set(changes) - set(source.namelist()))]:
            content = changes[member] if member in changes else source.read(member)
            if content is not None:
                target.writestr(member, content)
    return file.getvalue()


def sheet_xml(rows: bytes) -> bytes:
    return f'<worksheet xmlns="{MAIN}"><sheetData>'.encode() + rows + b"</sheetData></worksheet>"


def refused(data: bytes) -> str:
    """The code with which the file is refused, at once or while it is read."""
    with pytest.raises(Unreadable) as error:
        list(read_rows(io.BytesIO(data)).rows())
    assert len(str(error.value)) > 5
    return error.value.code


# CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_every_encoding_delimiter_and_newline(encoding, delimiter, newline):
    text = newline.join(delimiter.join(row) for row in [HEADERS, *ROWS]) + newline
    assert table(text.encode(encoding)) == (HEADERS, ROWS)


def test_utf16_with_mark_and_big_ends():
    assert table(b"\xfe\xff" + "客户,电话\n甲,1\n".encode("utf-16-be")) == (["客户", "电话"], [["甲", "1"]])


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("big5", "繁體中文客戶名稱測試資料"), ("cp1252", "Müller & Söhne Gerätebau für größere Maschinen")],
)
def test_other_encodings_are_guessed(encoding, name):
    rows = [["Name", "Ort"]] + [[name, "x"]] * 20
    text = "\n".join(",".join(row) for row in rows)
    assert table(text.encode(encoding))[1][0] == [name, "x"]


def test_a_damaged_byte_late_in_a_large_utf8_file_is_said():
    data = "客户,电话\n".encode() + "深圳市华为技术有限公司,13800138000\n".encode() * 30_000 + b"\xed\xa0\x80,2\n"
    sheet = read_rows(io.BytesIO(data))
    assert sheet.encoding == "utf-8"
    assert list(sheet.rows())[-1] == ["���", "2"]
    assert [caution.code for caution in sheet.cautions] == ["DAMAGED"]


def test_half_surrogates_and_nul_bytes_do_not_reach_the_database():
    utf16 = b"\xff\xfe" + "客户,电话\n甲".encode("utf-16-le") + b"\x00\xd8" + ",1\0\n".encode("utf-16-le")
    assert table(utf16) == (["客户", "电话"], [["甲\ufffd", "1"]])
    assert table("客户,电话\n甲\0\0,1\0\n".encode()) == (["客户", "电话"], [["甲", "1"]])


def test_quotes_ragged_rows_blank_lines_and_line_numbers():
    data = '\n客户,备注,电话\n"甲, ""乙""\n丙",x\n,,\n丁,y,1,多\n'.encode()
    sheet = read_rows(io.BytesIO(data))
    assert sheet.headers == ["客户", "备注", "电话"]
    assert list(sheet.numbered()) == [(3, ['甲, "乙"\n丙', "x", ""]), (6, ["丁", "y", "1", "多"])]
    assert [(caution.code, caution.row) for caution in sheet.cautions] == [("SURPLUS", 6)]
    assert list(sheet.rows()) == list(sheet.rows()), "a sheet can be read again"


def test_excels_own_delimiter_line_and_commas_in_semicolon_files():
    assert table(b"sep=;\r\na;b\r\n1,5;2\r\n") == (["a", "b"], [["1,5", "2"]])
    assert table(b"a;b\r\n1,5;2,5\r\n3,5;4,5\r\n")[0] == ["a", "b"]
    assert table(b"name\nx\ny\n") == (["name"], [["x"], ["y"]])
    assert table(b"PK,b\n1,2\n") == (["PK", "b"], [["1", "2"]])


def test_a_missing_quotation_mark_is_noticed():
    swallowed = 'a,b\n1,"x\n' + "2,y\n" * 50
    sheet = read_rows(io.BytesIO(swallowed.encode()))
    list(sheet.rows())
    assert [caution.code for caution in sheet.cautions] == ["MULTILINE"]
    assert "b" in str(sheet.cautions[0].message)
    assert refused(b'a,b\n1,"x' + b"2,y\n" * 100_000) == "CELL_TOO_LONG"
    assert refused(b"a,b\n" + b"x" * 2_000_000) == "CELL_TOO_LONG"


def test_headers_below_a_title_in_two_rows_broken_blank_or_double():
    assert table("2026年客户名单,,\n客户,电话,电话\n甲,1,2\n".encode())[0] == ["客户", "电话", "电话 (2)"]
    assert table('"客户\n名称","Phone\nnumber",\n甲,1,x\n'.encode())[0] == ["客户名称", "Phone number"]
    assert table(b"a,,c\n1,2,3\n")[0] == ["a", "B", "c"]
    two = "客户名称,联系方式,,备注\n,电话,邮箱,\n甲,1,a@b.cn,x\n"
    assert table(two.encode()) == (["客户名称", "电话", "邮箱", "备注"], [["甲", "1", "a@b.cn", "x"]])


def test_uploads_and_paths_are_read(tmp_path):
    path = tmp_path / "客户.csv"
    path.write_bytes("客户,电话\n甲,1\n".encode())
    assert list(read_rows(path).rows()) == [["甲", "1"]]
    upload = SimpleUploadedFile("客户.csv", path.read_bytes())
    sheet = read_rows(upload)
    assert list(sheet.rows()) == list(sheet.rows()) == [["甲", "1"]]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for prefix in (b"", b"a,b\n", b"PK\x03\x04", b"\xff\xfe"):
        try:
            rows = list(read_rows(io.BytesIO(prefix + data)).rows())
        except Unreadable:
            continue
        assert "\0" not in str(rows)
        str(rows).encode()


# XLSX


def test_numbers_dates_and_formats_of_a_workbook():
    data = xlsx(
        ["电话", "账号", "金额", "日期", "时刻", "时间", "是", "错"],
        [13800138000.0, 6222021234567890123.0, 0.1 + 0.2, datetime(2026, 11, 22), datetime(2026, 11, 22, 8, 30),
         time(9, 5), True, "#N/A"],
        [1.5, None, 1e-7, date(2024, 2, 29), None, None, False, None],
        formats={"A2": "General"},
    )  # fmt: skip
    sheet = read_rows(io.BytesIO(data))
    assert list(sheet.rows()) == [
        ["13800138000", "6222021234567890000", "0.3", "2026-11-22", "2026-11-22 08:30:00", "09:05:00", "TRUE", ""],
        ["1.5", "", "0.0000001", "2024-02-29", "", "", "FALSE", ""],
    ]
    assert [(caution.code, caution.column, caution.row) for caution in sheet.cautions] == [
        ("LONG_NUMBER", "账号", 2),
        ("FORMULA_ERROR", "错", 2),
    ]
    assert "账号" in str(sheet.cautions[0].message)


def test_chinese_date_formats_are_dates():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["日期", "长日期"])
        sheet.write_number(1, 0, 45000, book.add_format({"num_format": 31}))  # numbered by Excel itself
        sheet.write_number(1, 1, 45000, book.add_format({"num_format": 'yyyy"年"m"月"d"日"'}))
    assert table(file.getvalue())[1] == [["2023-03-15", "2023-03-15"]]


def test_the_first_filled_visible_sheet_is_read_and_the_others_named():
    book, file = openpyxl.Workbook(), io.BytesIO()
    for title, state in [("空", "visible"), ("隐", "hidden"), ("甲", "visible"), ("乙", "visible")]:
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        if title != "空":
            sheet.append(["名称", title])
            sheet.append(["x", "1"])
    book.remove(book.worksheets[0])
    book.save(file)
    sheet = read_rows(file)
    assert (sheet.name, sheet.headers, sheet.others) == ("甲", ["名称", "甲"], ["空", "乙"])
    assert read_rows(file, worksheet="乙").headers == ["名称", "乙"]


def test_a_workbook_of_merged_headers_and_empty_tail():
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    sheet["A1"] = "客户名单"
    sheet.merge_cells("A1:D1")
    for cell, value in {"A2": "名称", "B2": "联系方式", "D2": "备注", "B3": "电话", "C3": "邮箱"}.items():
        sheet[cell] = value
    sheet.merge_cells("B2:C2")
    sheet.append(["甲", "1", "a@b.cn", "x"])
    for row in (100, 2000):
        sheet.cell(row, 9).font = openpyxl.styles.Font(bold=True)
    book.save(file)
    assert table(file.getvalue()) == (["名称", "电话", "邮箱", "备注"], [["甲", "1", "a@b.cn", "x"]])


def test_macros_are_ignored():
    data = xlsx(HEADERS, *ROWS)
    types = zipfile.ZipFile(io.BytesIO(data)).read("[Content_Types].xml")
    macro = types.replace(b"spreadsheetml.sheet.main+xml", b"x").replace(
        b"vnd.openxmlformats-officedocument.x", b"vnd.ms-excel.sheet.macroEnabled.main+xml"
    )
    assert table(repacked(data, **{"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0", "[Content_Types].xml": macro}))[1] == ROWS


# Hostile files

BOOK = xlsx(HEADERS, *ROWS)
ENTITIES = "".join(f'<!ENTITY {chr(n)} "{f"&{chr(n - 1)};" * 6}">' for n in range(98, 123))
LAUGHS = (
    f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">{ENTITIES}]><worksheet xmlns="{MAIN}">'
    '<sheetData><row><c t="str"><v>&z;</v></c></row></sheetData></worksheet>'
).encode()


def sparse() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "a", "b"
    book.save(file)
    return file.getvalue()


def noisy_row() -> bytes:
    """One row of millions of cells, varied so that it does not compress suspiciously well."""
    noise = random.Random(1).choices([b'<c s="%d"/>' % n for n in range(1000)], k=1_000_000)
    return repacked(BOOK, **{SHEET: sheet_xml(b"<row>" + b"".join(noise) + b"</row>")})


def encrypted_zip() -> bytes:
    data = bytearray(BOOK)
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + offset] |= 1
    return bytes(data)


HOSTILE = {
    "empty": (lambda: b"", "EMPTY"),
    "blank": (lambda: b" \r\n,,\r\n", "EMPTY"),
    "bare mark": (lambda: b"\xef\xbb\xbf", "EMPTY"),
    "empty workbook": (lambda: xlsx(), "EMPTY"),
    "web page": (lambda: b"<!DOCTYPE html><html><table><tr><td>a</td></tr></table></html>", "HTML"),
    "excel web page": (lambda: b"\xef\xbb\xbf\n<HTML xmlns:x='urn:excel'><table>", "HTML"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "NOT_SPREADSHEET"),
    "pdf": (lambda: b"%PDF-1.7\n", "NOT_SPREADSHEET"),
    "noise": (lambda: random.Random(1).randbytes(5000), "NOT_SPREADSHEET"),
    "word": (lambda: repacked(BOOK, **{"xl/workbook.xml": None, "word/document.xml": b"<w/>"}), "NOT_SPREADSHEET"),
    "old excel": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "LEGACY_XLS"),
    "password": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "ENCRYPTED"),
    "encrypted zip": (encrypted_zip, "ENCRYPTED"),
    "truncated": (lambda: BOOK[: len(BOOK) // 2], "BROKEN"),
    "no styles": (lambda: repacked(BOOK, **{"[Content_Types].xml": None}), "BROKEN"),
    "bad xml": (lambda: repacked(BOOK, **{SHEET: sheet_xml(b"<row><c")}), "BROKEN"),
    "far row": (lambda: repacked(BOOK, **{SHEET: sheet_xml(b'<row r="99999999999"><c><v>1</v></c></row>')}), "BROKEN"),
    "laughs": (lambda: repacked(BOOK, **{SHEET: LAUGHS}), "DANGEROUS"),
    "laughing workbook": (lambda: repacked(BOOK, **{"xl/workbook.xml": LAUGHS}), "DANGEROUS"),
    "bomb": (lambda: repacked(BOOK, **{SHEET: sheet_xml(b"<row/>" * 10_000_000)}), "TOO_LARGE_INSIDE"),
    "many members": (lambda: repacked(BOOK, **{f"xl/media/{n}.xml": b"" for n in range(1001)}), "TOO_LARGE_INSIDE"),
    "noisy row": (noisy_row, "TOO_LARGE_INSIDE"),
    "large": (lambda: BOOK + b"\0" * 10_500_000, "TOO_LARGE"),
    "sparse": (sparse, "TOO_SPARSE"),
    "16k columns": (lambda: xlsx([1] * 16_384), "TOO_MANY_COLUMNS"),
    "16k columns csv": (lambda: b",".join([b"a"] * 16_384), "TOO_MANY_COLUMNS"),
    "one wide row": (lambda: xlsx(["a", "b"], ["x"] * 201), "TOO_MANY_COLUMNS"),
}  # fmt: skip


@cache
def hostile(name: str) -> bytes:
    return HOSTILE[name][0]()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_a_sentence(name):
    assert refused(hostile(name)) == HOSTILE[name][1]


READER = """
import json, sys, time
from tests.core.memory import peak_megabytes
from crm.core.spreadsheets import Unreadable, read_rows
start, code = time.process_time(), ""
try:
    with open(sys.argv[1], "rb") as file:
        list(read_rows(file).rows())
except Unreadable as error:
    code = error.code
print(json.dumps({"code": code, "seconds": time.process_time() - start, "megabytes": peak_megabytes()}))
"""


@pytest.mark.parametrize("name", ["sparse", "bomb", "noisy row", "laughs", "16k columns"])
def test_hostile_files_cost_little_time_and_memory(name, tmp_path):
    path = tmp_path / "hostile"
    path.write_bytes(hostile(name))
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)],
        capture_output=True,
        timeout=120,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    cost = json.loads(done.stdout)
    assert cost["code"] == HOSTILE[name][1]
    assert cost["megabytes"] < 400
    assert cost["seconds"] < 20, "of computing; 5 on an ordinary machine"


def many_rows(count: int, form: str) -> bytes:
    """A sheet of rows that differ enough not to look like a bomb."""
    rows = [form % (n, random.Random(n).getrandbits(40)) for n in range(1, count + 1)]
    return repacked(BOOK, **{SHEET: sheet_xml("".join(rows).encode())})


def test_more_rows_than_allowed(monkeypatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", 500)
    assert len(table(many_rows(501, '<row r="%d"><c><v>%d</v></c></row>'))[1]) == 500
    assert refused(many_rows(502, '<row r="%d"><c><v>%d</v></c></row>')) == "TOO_MANY_ROWS"
    assert len(table(b"a,b\n" + b"1,2\n" * 502)[1]) == 502, "CSV has no limit"


def test_more_empty_rows_than_worth_reading():
    assert refused(many_rows(101_000, '<row r="%d" ht="%d"/>')) == "TOO_MANY_ROWS"


def test_formatted_empty_rows_below_the_data_are_fine():
    rows = b'<row><c t="inlineStr"><is><t>a</t></is></c></row>' * 2 + b"".join(
        b'<row r="%d" s="%d"/>' % (n, n * n) for n in range(3, 15_000)
    )
    assert table(repacked(BOOK, **{SHEET: sheet_xml(rows)})) == (["a"], [["a"]])


# Writing

FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1", "＋1", "－1", "＠x", "\n=1"]
cell = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.builds(
    str.__add__, st.sampled_from(["'", "''", *FORMULAS]), st.text("ab'=", max_size=4)
)


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_escaped(text):
    assert escape_formula(text) == f"'{text}"
    assert unescape_formula(f"'{text}") == text


@pytest.mark.parametrize("text", ["", "a", "'", "'a", "a=b", "O'Neil", "''"])
def test_other_text_is_left_alone(text):
    assert escape_formula(text) == unescape_formula(text) == text


@given(cell)
def test_escaping_loses_nothing(text):
    escaped = escape_formula(text)
    assert unescape_formula(escaped) == text
    assert not escaped.startswith(tuple("=+-@\t\r＝＋－＠"))


def written(write, headers, rows) -> bytes:
    file = io.BytesIO()
    write(file, headers, rows)
    return file.getvalue()


@pytest.mark.parametrize("write", [write_rows_csv, write_xlsx])
@settings(max_examples=30)
@given(rows=st.lists(st.tuples(cell, cell), max_size=5))
def test_what_is_written_is_read_back(write, rows):
    blanks = " \t\r\n\u00a0\u3000\u200b"
    kept = [[text.replace("\ufeff", "").strip(blanks) for text in row] for row in rows]
    sheet = read_rows(io.BytesIO(written(write, ["甲", "乙"], kept)))
    assert list(sheet.rows()) == [row for row in kept if any(row)]


@pytest.mark.parametrize("write", [write_rows_csv, write_xlsx])
def test_a_formula_survives_the_round_trip_and_runs_nowhere(write):
    data = written(write, ["=h", "x"], [[text, "1"] for text in FORMULAS])
    kept = [text.strip() if write is write_xlsx else text for text in FORMULAS]
    assert [row[0] for row in table(data)[1]] == kept
    assert table(data)[0] == ["=h", "x"]


def test_csv_opens_in_excel_as_utf8_with_plain_numbers():
    rows = [[Decimal("-12.50"), 7, date(2026, 11, 22), None, True, "-1"]]
    data = written(write_rows_csv, ["金额", "数", "日期", "空", "是", "文"], rows)
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig").splitlines()[1] == "-12.50,7,2026-11-22,,TRUE,'-1"


def test_xlsx_has_real_numbers_dates_and_no_formula():
    rows = [
        [
            Decimal("-12.50"),
            date(2026, 11, 22),
            datetime(2026, 11, 22, 8, 30),
            "=1+1",
            "13800138000",
            10**18,
            "http://x.cn",
        ]
    ]
    cells = openpyxl.load_workbook(io.BytesIO(written(write_xlsx, list("abcdefg"), rows))).active[2]
    assert [cell.value for cell in cells] == [
        -12.5, datetime(2026, 11, 22), datetime(2026, 11, 22, 8, 30), "=1+1", "13800138000", str(10**18), "http://x.cn",
    ]  # fmt: skip
    assert [cell.data_type for cell in cells] == ["n", "d", "d", "s", "s", "s", "s"]
    assert all(cell.hyperlink is None for cell in cells)


def test_a_table_without_rows_has_its_headers(tmp_path):
    for write in (write_rows_csv, write_xlsx):
        assert table(written(write, HEADERS, []))[0] == HEADERS


def test_writing_surrogates_and_very_long_text():
    long = "长" * 40_000
    assert table(written(write_xlsx, ["a", "b"], [["x\ud800", long]]))[1] == [["x?", long[:32_767]]]
    assert table(written(write_rows_csv, ["a", "b"], [["x\ud800", long]]))[1] == [["x?", long]]


def test_xlsxwriter_is_read(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["名称", "数"])
        sheet.write_row(1, 0, ["甲", 12.0])
    assert list(read_rows(tmp_path / "a.xlsx").rows()) == [["甲", "12"]]
