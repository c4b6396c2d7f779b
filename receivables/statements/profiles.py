"""The layouts of statements that Chinese banks let one download, and words by which any other is understood."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FIELDS: dict[str, Promise] = {
    "day": _("Date"), "time": _("Time"), "credit": _("Money in"), "debit": _("Money out"),
    "amount": _("Amount (one column)"), "direction": _("In or out"), "balance": _("Balance"),
    "counterparty": _("Counterparty"), "counterparty_account": _("Counterparty's account"),
    "counterparty_bank": _("Counterparty's bank"), "payer": _("Payer"), "payer_account": _("Payer's account"),
    "payer_bank": _("Payer's bank"), "payee": _("Payee"), "payee_account": _("Payee's account"),
    "payee_bank": _("Payee's bank"), "summary": _("Summary"), "memo": _("Memo"), "note": _("Further text"),
    "txn_no": _("Transaction number"),
}  # fmt: skip
# Headers as `plain` writes them, best first.
WORDS: dict[str, tuple[str, ...]] = {
    "day": ("交易日期", "交易日", "记账日期", "入账日期", "日期", "交易时间", "date", "transactiondate", "bookingdate"),
    "time": ("交易时间", "时间", "time", "transactiontime"),
    "credit": (
        "贷方发生额", "贷方金额", "收入金额", "收入", "贷方", "存入金额", "转入金额", "收款金额", "credit", "moneyin",
        "creditamount",
    ),
    "debit": (
        "借方发生额", "借方金额", "支出金额", "支出", "借方", "支取金额", "转出金额", "付款金额", "debit", "moneyout",
        "debitamount",
    ),
    "amount": ("交易金额", "发生额", "金额", "amount"),
    "direction": ("借贷标志", "借/贷", "借贷", "收/支", "收支", "收支类型", "借贷方向", "direction", "dr/cr"),
    "balance": ("余额", "账户余额", "本次余额", "交易后余额", "联机余额", "balance"),
    "counterparty": (
        "对方户名", "对方名称", "对方单位名称", "对方单位", "对方账户名称", "对方账户名", "收/付方名称", "交易对手",
        "counterparty", "counterpartyname",
    ),
    "counterparty_account": ("对方账号", "对方帐号", "收/付方账号", "对方账户", "counterpartyaccount"),
    "counterparty_bank": (
        "对方行名", "对方开户机构", "对方开户行", "对方开户行名", "收/付方开户行名", "对方银行", "counterpartybank",
    ),
    "payer": ("付款人名称", "付款方名称", "付款人户名", "payer"),
    "payer_account": ("付款人账号", "付款方账号", "payeraccount"),
    "payer_bank": ("付款人开户行名", "付款方开户行", "payerbank"),
    "payee": ("收款人名称", "收款方名称", "收款人户名", "payee"),
    "payee_account": ("收款人账号", "收款方账号", "payeeaccount"),
    "payee_bank": ("收款人开户行名", "收款方开户行", "payeebank"),
    "summary": ("摘要", "交易摘要", "交易类型", "summary", "description"),
    "memo": ("附言", "交易附言", "用途", "备注", "memo", "reference", "remark"),
    "note": ("个性化信息", "交易说明", "业务摘要", "其它摘要", "备注", "note"),
    "txn_no": (
        "流水号", "交易流水号", "账户明细编号-交易流水号", "交易流水", "银行流水号", "柜员流水号", "transactionid",
        "reference no", "serialno",
    ),
}  # fmt: skip
MONEY_IN = {"贷", "贷方", "收", "收入", "来账", "转入", "存入", "c", "cr", "credit", "in", "+"}
MONEY_OUT = {"借", "借方", "支", "支出", "付", "往账", "转出", "支取", "d", "dr", "debit", "out", "-"}


@dataclass(frozen=True)
class Profile:
    """A bank's layout: recognised by `marks`; `columns` are its own meanings, the rest goes by WORDS."""

    key: str
    label: Promise | str
    marks: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()


PROFILES = (
    Profile("icbc", _("ICBC 工商银行"), ("对方单位名称", "贷方发生额", "凭证号"),
            {"day": "交易时间", "memo": "用途", "note": "附言"}, ("direction", "txn_no")),
    Profile("ccb", _("CCB 建设银行"), ("账户明细编号-交易流水号", "对方户名"),
            {"day": "交易时间", "memo": "备注", "credit": "贷方发生额", "debit": "借方发生额"}, ("direction",)),
    Profile("abc", _("ABC 农业银行"), ("收入金额", "支出金额", "本次余额"),
            {"day": "交易时间", "summary": "交易摘要", "memo": "交易附言", "note": "交易说明", "txn_no": "交易时间戳"}),
    Profile("boc", _("BOC 中国银行"), ("交易金额", "交易后余额", "付款人名称"),
            {"memo": "交易附言", "note": "用途", "txn_no": "交易流水号"}, ("direction", "credit", "debit")),
    Profile("cmb", _("CMB 招商银行"), ("交易日", "收/付方名称"),
            {"memo": "用途", "note": "其它摘要", "txn_no": "流水号"}, ("direction",)),
    Profile("bocom", _("BOCOM 交通银行"), ("借贷标志", "发生额", "对方户名"),
            {"memo": "附言", "note": "备注"}, ("credit", "debit")),
)  # fmt: skip
GENERIC = Profile("generic", _("Other layout"), ())


def plain(header: str) -> str:
    """A header as WORDS has it: without brackets and what they hold, blanks, and case."""
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)", "", unicodedata.normalize("NFKC", header))
    return re.sub(r"[\s:_*]+", "", text).lower()


KNOWN = {plain(word) for words in WORDS.values() for word in words}


def is_header(cells: list[str]) -> bool:
    """Whether a row of the file names columns: three words that banks use, or more."""
    return sum(plain(cell) in KNOWN for cell in cells) >= 3


def recognise(headers: Iterable[str]) -> tuple[Profile, dict[str, str]]:
    """The layout of a statement and its columns, field → header; fields that it has not are left out."""
    by_plain: dict[str, str] = {}
    for header in headers:
        by_plain.setdefault(plain(header), header)
    profile = next((one for one in PROFILES if all(plain(mark) in by_plain for mark in one.marks)), GENERIC)
    columns: dict[str, str] = {}
    for name in [*profile.columns, *WORDS]:
        wanted = (profile.columns[name],) if name in profile.columns else WORDS[name]
        if name not in columns and name not in profile.without:
            _take(columns, name, [by_plain[plain(word)] for word in wanted if plain(word) in by_plain])
    return profile, _consistent(columns)


def _take(columns: dict[str, str], name: str, found: list[str]) -> None:
    """The first header that no other field has; a date with its time serves as both."""
    free = [header for header in found if header not in columns.values()]
    if free:
        columns[name] = free[0]


def _consistent(columns: dict[str, str]) -> dict[str, str]:
    """Two columns of amounts say all; one needs no second."""
    if "credit" in columns:
        return {name: header for name, header in columns.items() if name not in ("amount", "direction")}
    return columns


def missing(columns: Mapping[str, str]) -> list[Promise]:
    """What a statement cannot be read without."""
    lacking = [] if "day" in columns else [FIELDS["day"]]
    return lacking if {"credit", "amount"} & set(columns) else [*lacking, FIELDS["credit"]]
