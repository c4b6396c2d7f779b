"""Amounts in Chinese capital numerals 人民币大写 (domain.md 6.17b, WC-03)."""

from decimal import Decimal

from crm.core.money import money

DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")


def rmb_capitals(amount: Decimal) -> str:
    """The amount as cheques and contracts write it, such as 人民币壹佰元壹角.

    A yuan that ends in zero before 角 is printed without 零, as the regulation allows.
    """
    amount = money(amount)
    whole, cents = divmod(int(abs(amount).scaleb(2)), 100)
    tenths, hundredths = divmod(cents, 10)
    yuan = f"{_whole(whole)}元" if whole else ""
    sign = "负" if amount < 0 else ""
    return f"人民币{sign}{yuan}{_fraction(bool(whole), tenths, hundredths)}" if amount else "人民币零元整"


def _fraction(has_yuan: bool, tenths: int, hundredths: int) -> str:
    if not tenths and not hundredths:
        return "整"
    text = f"{DIGITS[tenths]}角" if tenths else ("零" if has_yuan else "")
    return text + (f"{DIGITS[hundredths]}分" if hundredths else "")


def _whole(number: int) -> str:
    """Groups of four digits, one 零 for every run of zeros inside."""
    text, gap = "", False
    for power in range(len(GROUPS) - 1, -1, -1):
        group = number // 10_000**power % 10_000
        if not group:
            gap = bool(text)
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _group(group) + GROUPS[power]
        gap = False
    return text


def _group(group: int) -> str:
    text, gap = "", False
    for power in (3, 2, 1, 0):
        digit = group // 10**power % 10
        if digit:
            text += ("零" if gap and text else "") + DIGITS[digit] + UNITS[power]
            gap = False
        else:
            gap = True
    return text
