"""Statements as banks let one download them, made for tests."""

import io
from datetime import date, timedelta
from decimal import Decimal as D

from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

HEADERS = ("交易日期", "交易时间", "收入", "支出", "余额", "对方户名", "对方账号", "对方行名", "摘要", "附言", "流水号")


def movement(day: date, amount: str, who: str = "", account: str = "", memo: str = "", no: str = "", time: str = ""):
    """One movement; a negative amount went out."""
    return {"day": day, "amount": D(amount), "who": who, "account": account, "memo": memo, "no": no, "time": time}


def csv(movements, opening: str = "1000.00", *, encoding: str = "gb18030", preamble: str = "账号：6222,户名：Acme\n",
        broken: int | None = None, balances: bool = True) -> bytes:  # fmt: skip
    """A statement in one currency; `broken` is the movement whose balance does not follow."""
    balance, lines = D(opening), [preamble + ",".join(HEADERS)]
    for index, one in enumerate(movements):
        balance += one["amount"] + (1 if index == broken else 0)
        credit, debit = (one["amount"], "") if one["amount"] > 0 else ("", -one["amount"])
        cells = (f"{one['day']:%Y%m%d}", one["time"], credit, debit, balance if balances else "", one["who"],
                 one["account"], "", "转账", one["memo"], one["no"])  # fmt: skip
        lines.append(",".join(str(cell) for cell in cells))
    return ("\n".join(lines) + "\n合计,,,,\n").encode(encoding)


def upload(content: bytes, name: str = "statement.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/csv")


def workbook(rows) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]
