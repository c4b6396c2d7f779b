"""Keeping the legal entities through which a company sells."""

import re

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from crm.core import names, records
from crm.core.errors import Refused
from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.tenancy.models import Tenant

from .models import LegalEntity

CODE = re.compile(r"[A-Z0-9]{1,8}")


def open_first_entity(tenant: Tenant, system: Member) -> LegalEntity:
    """What a new company sells through until it says more: itself."""
    return create_entity(by=system, name=tenant.name, code=initials(tenant.name), is_default=True)


def initials(name: str) -> str:
    """A code for document numbers: 恒润科技 → HRKJ, Nova Tools → NT, Acme → AC."""
    from pypinyin import lazy_pinyin

    words = [word for part in lazy_pinyin(name) for word in slugify(part).split("-") if word]
    found = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)[:2]
    return found.upper()[:4] or "01"


def default_entity(tenant) -> LegalEntity:
    """The entity that new documents belong to unless said otherwise."""
    rows = LegalEntity.objects.of(tenant).filter(is_active=True).order_by("-is_default", "pk")
    if entity := rows.first():
        return entity
    raise Refused(_("Your company has no legal entity yet. Ask an administrator to add one under Settings."),
                  code="NO_LEGAL_ENTITY")  # fmt: skip


@transaction.atomic
def create_entity(*, by: Member, name: str, code: str, is_default: bool = False, **values) -> LegalEntity:
    """A new legal entity; the first one is the default."""
    require(by, "entity.manage")
    values = _checked({"name": name, "code": code, **values})
    is_default = is_default or not LegalEntity.objects.of(by.tenant_id).filter(is_default=True).exists()
    if is_default:
        _clear_default(by, None)
    return records.create(LegalEntity, by=by, is_default=is_default, **values)


@transaction.atomic
def update_entity(entity: LegalEntity, *, by: Member, expected: int | None = None, **values) -> LegalEntity:
    """Change an entity. Numbers given already keep their code; the default moves by choosing another one."""
    require(by, "entity.manage")
    values = _checked(values)
    if entity.is_default and values.get("is_default") is False:
        raise ValidationError({"is_default": _("Choose another default first: open it and tick this box there.")})
    if values.get("is_active") is False and values.get("is_default", entity.is_default):
        raise ValidationError({"is_active": _("The default stays active. Choose another default first.")})
    if values.get("is_default"):
        _clear_default(by, entity.pk)
    return records.update(entity, by=by, expected=expected, **values)


def _clear_default(by: Member, but: int | None) -> None:
    for entity in LegalEntity.objects.of(by.tenant_id).filter(is_default=True).exclude(pk=but):
        records.update(entity, by=by, is_default=False)


def _checked(values: dict) -> dict:
    """Codes in capitals, the credit code with its check digit (domain.md 6.17b)."""
    values = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    if "code" in values:
        values["code"] = values["code"].upper()
        if not CODE.fullmatch(values["code"]):
            raise ValidationError({"code": _("Use up to eight capital letters and digits, such as HR.")})
    if values.get("uscc"):
        code, valid = names.uscc(values["uscc"])
        if not valid:
            raise ValidationError(
                {"uscc": _("This credit code is wrong: it has 18 characters, the last checks the rest.")}
            )
        values["uscc"] = code
    return values
