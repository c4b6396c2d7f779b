"""Flow definitions: each edit is the next version, running requests keep theirs (domain.md 3.1)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.company.actions import system_member
from crm.core.people.models import Member, Team
from crm.core.people.reach import require
from crm.core.people.roles import Role
from crm.core.tenancy.models import Tenant

from . import subjects
from .approvers import Asking, find
from .levels import FLAGS, route, several, standard_levels
from .models import Flow
from .subjects import Facts

MODES = {"sequential": _("One after another"), "all": _("Everybody must approve"), "any": _("One of them decides")}
KINDS = {
    "manager": _("Manager of the submitter"),
    "role": _("Everybody with a role"),
    "member": _("Named people"),
    "unit": _("Head of a team"),
    "queue": _("Administrators choose who"),
}
MOST_NODES = 20


def current(tenant: Tenant, subject_type: str) -> Flow:
    """The version in force; the subject's default is founded when there is none yet."""
    return _current(tenant, subject_type) or found(tenant, subject_type)


def _current(tenant: Tenant, subject_type: str) -> Flow | None:
    return Flow.objects.of(tenant).filter(subject_type=subject_type, is_current=True).first()


@transaction.atomic
def found(tenant: Tenant, subject_type: str, system: Member | None = None) -> Flow:
    """The flow a subject starts with, worded in the company's language."""
    subject = subjects.of(subject_type)
    system = system or system_member(tenant)
    records.lock_all(Member, [system.pk], tenant)
    if existing := _current(tenant, subject_type):
        return existing
    with translation.override(tenant.locale):
        nodes = clean_nodes(tenant, subject.default_nodes or standard_levels())
        name = str(subject.label or subject.model._meta.verbose_name)
    return records.create(Flow, by=system, verb="founded", subject_type=subject_type, name=name, nodes=nodes)


def found_all(tenant: Tenant, system: Member) -> None:
    """A new company starts with a flow for everything that can be approved."""
    for subject in subjects.all_subjects():
        found(tenant, subject.type, system)


@transaction.atomic
def publish(flow: Flow, *, by: Member, nodes: Sequence[Mapping[str, Any]], name: str = "", cc: Sequence[int] = (),
            expected: int | None = None) -> Flow:  # fmt: skip
    """Put the next version in force; `expected` is the version number the editor saw."""
    require(by, "flow.manage")
    flow = records.lock(flow)
    if not flow.is_current or (expected is not None and expected != flow.number):
        raise records.Conflict(flow)
    nodes = clean_nodes(by.tenant, nodes)
    last = Flow.objects.of(by.tenant).filter(subject_type=flow.subject_type).aggregate(last=Max("number"))["last"]
    records.update(flow, by=by, verb="superseded", is_current=False)
    return records.create(
        Flow, by=by, verb="published", subject_type=flow.subject_type, number=last + 1, name=name or flow.name,
        nodes=nodes, cc=_colleagues(by.tenant, cc),
    )  # fmt: skip


def preview(tenant: Tenant, nodes: Sequence[Mapping[str, Any]], facts: Facts, submitter: Member) -> list[tuple]:
    """Where a document with these facts would go: (node, people asked); nobody means the administrators' queue."""
    ask = Asking(submitter, frozenset({submitter.pk}), facts.money)
    return [(node, find(node, ask)) for node in route(clean_nodes(tenant, nodes), facts)]


def cc_members(flow: Flow) -> list[Member]:
    rows = Member.objects.of(flow.tenant_id).filter(pk__in=flow.cc, is_active=True)
    return list(rows.exclude(roles__contains=[Role.PARTNER]))


def clean_nodes(tenant: Tenant, nodes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Nodes as they are stored, or a ValidationError that names the step."""
    if not isinstance(nodes, list | tuple) or not 1 <= len(nodes) <= MOST_NODES:
        raise ValidationError({"nodes": _("A flow has one to twenty steps.")})
    cleaned: list[dict[str, Any]] = []
    for place, node in enumerate(nodes, 1):
        try:
            cleaned.append(_node(tenant, node, {each["key"] for each in cleaned}, place))
        except ValidationError as error:
            text = " ".join(error.messages)
            raise ValidationError({"nodes": _("Step %(n)d: %(text)s") % {"n": place, "text": text}}) from error
    return cleaned


def _node(tenant, node, taken: set[str], place: int) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        raise ValidationError(_("A step is an object with key, name, mode, assignee and when."))
    name = str(node.get("name") or "").strip()[:100]
    if not name:
        raise ValidationError(_("Give the step a name."))
    if (mode := node.get("mode") or "sequential") not in MODES:
        raise ValidationError(_("Choose how people decide: sequential, all or any."))
    key = _key(node, name, taken, place)
    return {"key": key, "name": name, "mode": mode, "assignee": _assignee(tenant, node), "when": _when(tenant, node)}


def _key(node, name: str, taken: set[str], place: int) -> str:
    key = slugify(str(node.get("key") or ""))[:32] or slugify(name)[:32] or f"step-{place}"
    while key in taken:
        key = f"{key}-{place}"
    return key


def _assignee(tenant, node) -> dict[str, Any]:
    given = node.get("assignee")
    kind = given.get("kind") if isinstance(given, Mapping) else None
    if kind not in KINDS:
        raise ValidationError(_("Say who decides: manager, role, member, unit or queue."))
    return {"kind": kind, "value": _VALUES[kind](tenant, given.get("value"))}


def _levels_up(tenant, value) -> int:
    if str(value or 1) not in ("1", "2", "3", "4", "5"):
        raise ValidationError(_("A manager is 1 to 5 levels above the submitter."))
    return int(value or 1)


def _roles(tenant, value) -> str | list[str]:
    roles = [str(role) for role in several(value)]
    if not roles or any(role not in Role.values or role == Role.PARTNER for role in roles):
        raise ValidationError(_("Choose a role of your own people."))
    return roles[0] if len(roles) == 1 else roles


def _teams(tenant, value) -> list[int]:
    ids = _ids(value)
    if not ids or Team.objects.of(tenant).filter(pk__in=ids).count() != len(ids):
        raise ValidationError(_("Choose a team."))
    return ids


def _colleagues(tenant, value) -> list[int]:
    """Named people; nobody yet is allowed, the step then waits for administrators."""
    ids = _ids(value)
    rows = Member.objects.of(tenant).filter(pk__in=ids, is_active=True, is_system=False)
    if rows.exclude(roles__contains=[Role.PARTNER]).count() != len(ids):
        raise ValidationError(_("Choose active colleagues of your own company."))
    return ids


_VALUES = {
    "manager": _levels_up, "role": _roles, "member": _colleagues, "unit": _teams, "queue": lambda tenant, value: None,
}  # fmt: skip


def _ids(value) -> list[int]:
    try:
        return list(dict.fromkeys(int(getattr(each, "pk", each)) for each in several(value)))
    except (TypeError, ValueError) as error:
        raise ValidationError(_("An entry you chose does not exist any more. Choose another.")) from error


def _when(tenant, node) -> dict[str, Any]:
    given = node.get("when") or {}
    if not isinstance(given, Mapping):
        raise ValidationError(_("Conditions are an object."))
    when: dict[str, Any] = {flag: True for flag in FLAGS if given.get(flag)}
    for name in ("min_amount", "max_amount", "min_discount"):
        if (number := _number(given.get(name))) is not None:
            when[name] = str(number)
    if given.get("team"):
        when["team"] = _teams(tenant, given["team"])
    if given.get("match") == "any":
        when["match"] = "any"
    return when


def _number(value) -> Decimal | None:
    if value in (None, ""):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValidationError(_("Enter a number.")) from error
    if not number.is_finite() or not 0 <= number < Decimal(10) ** 16:
        raise ValidationError(_("Enter a number that is not negative."))
    return number
