"""The demo company's bank: what customers transfer, week by week as statements that finance imports and clears."""

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile

from crm.core.people.models import Member
from receivables.actions import desk, posting, statements
from receivables.models import BankAccount, BankLine, Incoming, Receivable, StatementFile

HEADERS = ("交易日期", "收入金额", "支出金额", "余额", "对方户名", "对方账号", "对方开户行名", "摘要", "附言", "流水号")
BANKS = ("中国工商银行", "中国建设银行", "招商银行", "交通银行")


@dataclass
class Transfer:
    """Money a customer sent, and what for; `receivable` None: nobody knows yet."""

    day: date
    amount: Decimal
    payer: str
    number: str
    memo: str
    receivable: Receivable | None


class Till:
    def __init__(self, account: BankAccount, by: Member):
        self.account, self.by = account, by
        self.balance, self.count = Decimal("2000000.00"), 0
        self.waiting: list[Transfer] = []
        self.meant: dict[str, Transfer] = {}

    def take(self, transfer: Transfer) -> None:
        self.waiting.append(transfer)

    def close_week(self, *, clear: bool = True) -> None:
        """Import the week's statement, let the certain lines post themselves, and clear what the last weeks left."""
        if not self.waiting:
            return
        old = list(self._open()) if clear else []
        statement = statements.upload_statement(self.account, by=self.by, file=self._file(), name=self._name())
        statements.import_statement(statement, by=self.by)
        posting.post_lines(self._lines(statement), by=self.by)
        for held in old:
            self._clear(held)

    def _lines(self, statement: StatementFile) -> list[BankLine]:
        return list(BankLine.objects.of(self.by.tenant_id).filter(statement=statement, credit__gt=0))

    def _open(self):
        rows = Incoming.objects.of(self.by.tenant_id).filter(left__gt=0, set_aside=False)
        return rows.select_related("line").order_by("pk")

    def _clear(self, held: Incoming) -> None:
        """What finance found out by asking: whose money this is, and what for."""
        meant = self.meant[held.line.txn_no].receivable
        if meant is None:
            return
        meant.refresh_from_db()
        shares = {meant.pk: min(held.left, meant.balance)} if meant.balance > 0 else {}
        desk.accept([held.line], by=self.by, account=meant.account, shares=shares, approve_payer=True)

    def _file(self) -> SimpleUploadedFile:
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(HEADERS)
        for transfer in sorted(self.waiting, key=lambda one: one.day):
            table.writerow(self._row(transfer))
        self.waiting = []
        return SimpleUploadedFile(self._name(), out.getvalue().encode("gb18030"), "text/csv")

    def _row(self, transfer: Transfer) -> tuple:
        self.count += 1
        self.balance += transfer.amount
        serial = f"{transfer.day:%Y%m%d}{self.count:06}"
        self.meant[serial] = transfer
        bank = BANKS[self.count % len(BANKS)]
        return (
            transfer.day.isoformat(), f"{transfer.amount:.2f}", "", f"{self.balance:.2f}", transfer.payer,
            transfer.number, bank, "转账", transfer.memo, serial,
        )  # fmt: skip

    def _name(self) -> str:
        return f"{self.account.name}-{self.count:05}.csv"
