"""Whether two records speak of the same firm: the tier table of domain.md 6.4."""

import enum
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from crm.core.names.codes import Uscc, uscc
from crm.core.names.companies import CompanyName, company_name
from crm.core.names.contacts import email_domain, email_key, phone_key, web_domain

SIMILAR = 0.85


class Tier(enum.IntEnum):
    """How strongly two records are alike; a higher tier asks for more."""

    NONE = 0
    HINT = 1  # shown only
    RELATED = 2  # suggest a parent or branch link
    REVIEW = 3  # warn; needs a decision before saving
    BLOCK = 4  # no second record


class Verdict(NamedTuple):
    tier: Tier
    reasons: tuple[str, ...]  # codes, strongest first, such as ("MOBILE_AND_NAME", "NAME")


@dataclass(frozen=True)
class Identity:
    """What identifies a firm, as typed. Blank values never match."""

    name: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    website: str = ""
    uscc: str = ""

    @cached_property
    def firm(self) -> CompanyName:
        return company_name(self.name)

    @cached_property
    def code(self) -> Uscc:
        return uscc(self.uscc)

    @cached_property
    def mails(self) -> frozenset[str]:
        return _known(map(email_key, self.emails))

    @cached_property
    def mail_domains(self) -> frozenset[str]:
        return _known(map(email_domain, self.emails))

    def lines(self, kind: str) -> frozenset[str]:
        """The phone keys of one kind ("mobile" or "landline")."""
        return _known(phone.key for phone in map(phone_key, self.phones) if phone.kind == kind)


def _known(keys: Iterable[str]) -> frozenset[str]:
    return frozenset(key for key in keys if key)


def same_firm(a: Identity, b: Identity) -> Verdict:
    """The highest tier that holds, with every reason found.

    Two valid and different credit codes are two firms, whatever else agrees:
    what would block or ask for a review is then a hint.
    """
    found = list(_reasons(a, b))
    if a.code.valid and b.code.valid and a.code.code != b.code.code:
        found = [(tier if tier <= Tier.RELATED else Tier.HINT, reason) for tier, reason in found]
    found.sort(key=lambda pair: -pair[0])
    return Verdict(found[0][0], tuple(reason for _, reason in found)) if found else Verdict(Tier.NONE, ())


def _reasons(a: Identity, b: Identity) -> Iterable[tuple[Tier, str]]:
    if a.code.valid and a.code.code == b.code.code:
        yield Tier.BLOCK, "USCC"
    if a.mails & b.mails:
        yield Tier.BLOCK, "EMAIL"
    yield from _phone_reasons(a, b)
    yield from _name_reasons(a.firm, b.firm)
    site = web_domain(a.website)
    if site and site == web_domain(b.website):
        yield Tier.REVIEW, "WEB_DOMAIN"
    if a.mail_domains & b.mail_domains:
        yield Tier.RELATED, "EMAIL_DOMAIN"


def _phone_reasons(a: Identity, b: Identity) -> Iterable[tuple[Tier, str]]:
    if a.lines("mobile") & b.lines("mobile"):
        same_core = a.firm.key and _same_core(a.firm, b.firm)
        yield (Tier.BLOCK, "MOBILE_AND_NAME") if same_core else (Tier.REVIEW, "MOBILE")
    if a.lines("landline") & b.lines("landline"):
        yield Tier.HINT, "LANDLINE"


def _name_reasons(a: CompanyName, b: CompanyName) -> Iterable[tuple[Tier, str]]:
    if not a.key or not b.key:
        return
    if a.key != b.key:
        if dice(a.core_reg, b.core_reg) >= SIMILAR:
            yield Tier.HINT, "SIMILAR_NAME"
    elif a.branch != b.branch:
        yield Tier.RELATED, "BRANCH"
    elif a.group != b.group:
        yield Tier.RELATED, "GROUP"
    elif a.form and b.form and a.form != b.form:
        yield Tier.HINT, "ORG_FORM"
    elif a.form == b.form or _same_core(a, b):
        yield Tier.REVIEW, "NAME"
    else:
        yield Tier.HINT, "SIMILAR_NAME"


def _same_core(a: CompanyName, b: CompanyName) -> bool:
    """Brackets do not tell two firms apart: 腾讯科技(深圳) is 腾讯科技深圳."""
    return a.core.translate(_NO_BRACKETS) == b.core.translate(_NO_BRACKETS)


_NO_BRACKETS = str.maketrans("", "", "()")


def dice(a: str, b: str) -> float:
    """Likeness of two strings by their pairs of characters, 0 to 1 (Dice's coefficient over bigrams)."""
    if a == b:
        return 1.0 if a else 0.0
    left, right = _bigrams(a), _bigrams(b)
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


def _bigrams(text: str) -> Counter[str]:
    return Counter(text[i : i + 2] for i in range(len(text) - 1))
