"""What of a company's name identifies the company (domain.md 6.4)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from crm.core.names.regions import REGION, without_rank
from crm.core.names.text import simplify

JOINT, LTD = "JOINT", "LTD"
_NOISE = re.compile(r"[\s·•・.,&_\-/'\"“”‘’、。–—]+")
_UNIT = "分公司|支公司|办事处|代表处|营业部|经营部|分店|门店|分行|支行"
_BRANCH = re.compile(rf"^(?P<firm>.+?公司)\(?(?P<branch>[^()]{{0,20}}(?:{_UNIT}))\)?$")
_BARE_BRANCH = re.compile(rf"^(?P<firm>.{{2,}}?)\(?(?P<branch>(?:{REGION})市?(?:分公司|办事处))\)?$")
_FORM = re.compile(r"(?:(?P<joint>股份有限责任公司|股份有限公司|股份公司)|(?P<ltd>有限责任公司|有限公司)|总?公司)$")
_LATIN_FORM = re.compile(
    r"[\s,]+(?:(?P<joint>inc(?:orporated)?|corp(?:oration)?|plc|ag|s\.?a|n\.?v|asa|oyj)"
    r"|(?P<ltd>(?:(?:co|company|pte|pty)\b\.?,?\s*)?(?:ltd|limited)|l\.?l\.?c|gmbh|b\.?v|s\.?r\.?l|sarl)"
    r"|company|co)\.?\s*$",
    re.IGNORECASE,
)
_GROUP = re.compile(r"(?:\(集团\)|集团)$")
_BRACKETS = re.compile(r"[()]")


@dataclass(frozen=True)
class CompanyName:
    """A name taken apart. `key` is what an index compares: equal keys are candidates, "" never matches."""

    core: str  # without branch, organisation form, 集团
    core_reg: str  # core with 省/市 dropped from a leading region
    branch: str  # 杭州分公司, or ""
    form: str | None  # JOINT (股份有限公司), LTD (有限公司) or None
    group: bool  # 集团
    key: str  # core_reg without brackets


@lru_cache(maxsize=4096)
def company_name(raw: str | None) -> CompanyName:
    """The parts of a company name; never fails, a blank name has the key ""."""
    text, form = _latin_form(simplify(raw).strip())
    text, latin_group = _latin_group(text)
    text, branch = _branch(_NOISE.sub("", text).upper())
    text, form = _form(text, form)
    core, group = _GROUP.subn("", text)
    core_reg = without_rank(core)
    return CompanyName(core, core_reg, branch, form, bool(group) or latin_group, _BRACKETS.sub("", core_reg))


def _latin_form(text: str) -> tuple[str, str | None]:
    found = _LATIN_FORM.search(text)
    if not found or not found.start():
        return text, None
    return text[: found.start()], _form_of(found)


def _latin_group(text: str) -> tuple[str, bool]:
    """ "Siemens Group": a word of its own, so looked at while the spaces are still there."""
    shorter = re.sub(r"(?<=\w)[\s,]+(?:group|\(group\))\s*$", "", text, flags=re.IGNORECASE)
    return shorter, shorter != text


def _branch(text: str) -> tuple[str, str]:
    found = _BRANCH.match(text) or _BARE_BRANCH.match(text)
    return (found["firm"], found["branch"]) if found else (text, "")


def _form(text: str, known: str | None) -> tuple[str, str | None]:
    found = _FORM.search(text)
    return (text[: found.start()], _form_of(found)) if found else (text, known)


def _form_of(found: re.Match[str]) -> str | None:
    if found["joint"]:
        return JOINT
    return LTD if found["ltd"] else None
