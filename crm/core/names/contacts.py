"""Keys of phones, mail addresses and web sites, and how they look to a stranger (domain.md 6.4, INV-L12)."""

import ipaddress
import re
import unicodedata
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import phonenumbers
from phonenumbers import PhoneNumberType as Line

_FREE_MAIL = """
qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com vip.126.com yeah.net 188.com sina.com sina.cn
vip.sina.com sina.com.cn sohu.com vip.sohu.com tom.com 21cn.com 139.com 189.cn wo.cn wo.com.cn aliyun.com
263.net eyou.com 2980.com dingtalk.com gmail.com googlemail.com outlook.com outlook.com.cn hotmail.com
hotmail.co.uk hotmail.fr live.com live.cn msn.com yahoo.com yahoo.com.cn yahoo.cn yahoo.co.jp yahoo.co.uk
yahoo.com.hk yahoo.com.tw ymail.com rocketmail.com icloud.com me.com mac.com aol.com proton.me protonmail.com
pm.me gmx.com gmx.de gmx.net mail.com mail.ru bk.ru inbox.ru list.ru yandex.ru yandex.com ya.ru zoho.com
naver.com hanmail.net daum.net web.de t-online.de orange.fr free.fr laposte.net libero.it tutanota.com
fastmail.com
"""
FREE_MAIL = frozenset(_FREE_MAIL.split())
# Platforms on which many firms have a page: the host says nothing about the firm.
_PLATFORMS = """
1688.com taobao.com tmall.com jd.com alibaba.com made-in-china.com hc360.com b2b.baidu.com baidu.com
aiqicha.baidu.com weibo.com weixin.qq.com mp.weixin.qq.com qcc.com tianyancha.com facebook.com linkedin.com
cn.linkedin.com twitter.com x.com instagram.com youtube.com github.com amazon.com
"""
_SHARED_HOSTS = frozenset(_PLATFORMS.split())
_EXTENSION = re.compile(r"转|轉|分机|分機|ext|#|x(?=\s*\d)", re.IGNORECASE)
_SERVICE_NUMBER = re.compile(r"9[56]\d{3,6}")
_MAIL = re.compile(r"[^@\s<>]+@(?P<domain>[^@\s<>.]+(?:\.[^@\s<>.]+)+)")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_LINES: dict[int, Literal["mobile", "landline", "shared"]] = {
    Line.MOBILE: "mobile",
    Line.TOLL_FREE: "shared",
    Line.SHARED_COST: "shared",
    Line.PREMIUM_RATE: "shared",
    Line.UAN: "shared",
}


class PhoneKey(NamedTuple):
    key: str  # E.164 such as +8613800138000; "" when invalid
    kind: Literal["mobile", "landline", "shared", "invalid"]


_INVALID = PhoneKey("", "invalid")


def phone_key(raw: str | None) -> PhoneKey:
    """The key of a phone number, read as Chinese unless it says otherwise. Invalid and shared keys never match."""
    plain = _EXTENSION.split(unicodedata.normalize("NFKC", raw or ""))[0].strip()
    if _SERVICE_NUMBER.fullmatch(digits := re.sub(r"\D", "", plain)):
        return PhoneKey("+86" + digits, "shared")
    sign = "+" if plain.startswith("+") else ""
    try:
        number = phonenumbers.parse(sign + digits, "CN")
    except phonenumbers.NumberParseException:
        return _INVALID
    if not phonenumbers.is_valid_number(number):
        return _INVALID
    key = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return PhoneKey(key, _LINES.get(phonenumbers.number_type(number), "landline"))


def email_key(raw: str | None) -> str:
    """The whole address in lower case, or "" when it is none. Two records with one address are one firm."""
    plain = unicodedata.normalize("NFKC", raw or "").strip().lower().removeprefix("mailto:")
    return plain if _MAIL.fullmatch(plain) else ""


def email_domain(raw: str | None) -> str:
    """The firm's own mail domain; "" for a free-mail address, which says nothing about the firm."""
    domain = email_key(raw).rpartition("@")[2]
    return "" if domain in FREE_MAIL else domain


def web_domain(raw: str | None) -> str:
    """The host of a web address without www.; "" for none, a bare IP address or a shared platform."""
    plain = unicodedata.normalize("NFKC", raw or "").strip().lower()
    try:
        host = urlsplit(plain if "//" in plain else f"//{plain}").hostname or ""
    except ValueError:
        return ""
    host = re.sub(r"^(?:www\d?|m)\.(?=.+\.)", "", host.rstrip("."))
    return host if _HOST.fullmatch(host) and host not in _SHARED_HOSTS and not _is_address(host) else ""


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def mask_phone(raw: str | None) -> str:
    """138****8000: at least four digits are hidden, whatever the number looks like. "" stays ""."""
    plain = unicodedata.normalize("NFKC", raw or "").strip()
    if not plain:
        return ""
    digits = re.sub(r"\D", "", plain)
    digits = re.sub(r"^(?:00)?86(?=1\d{10}$)", "", digits)
    if len(digits) < 7:
        return "****"
    tail = 4 if len(digits) >= 11 else 2
    return f"{digits[:3] if len(digits) >= 9 else ''}****{digits[-tail:]}"


def mask_email(raw: str | None) -> str:
    """z***@abb.com; text that is no address is hidden whole. "" stays ""."""
    plain = (raw or "").strip()
    local, at, domain = plain.rpartition("@")
    if not at:
        return "***" if plain else ""
    return f"{local[0] if len(local) > 1 else ''}***@{domain}"
