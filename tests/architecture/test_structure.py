"""The house keeps its shape (architecture.md 2, 3, 6.7, 7)."""

import ast
from pathlib import Path
from statistics import median

import pytest

from .source import Module, length, modules

# A room may import the rooms before it, never those after it.
ROOMS = (
    "tenancy", "people", "events", "records", "web", "notifications", "company", "activities", "catalog", "entities",
    "identity", "pools", "approvals", "imports",
)  # fmt: skip
# App → the apps it may import. Data flows lead → cash, imports point at the customer.
ARROWS = {
    "accounts": set(),
    "opportunities": {"accounts"},
    "contracts": {"opportunities", "accounts"},
    "receivables": {"contracts", "opportunities", "accounts"},
    "leads": {"accounts", "opportunities"},
}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}
SAVING = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete"}


def violations(check) -> list[str]:
    return [f"{module.name}: {found}" for module in modules() for found in check(module)]


def room_of(name: str) -> str | None:
    parts = name.split(".")
    return parts[2] if parts[:2] == ["crm", "core"] and len(parts) > 2 and parts[2] in ROOMS else None


def wrong_arrows(module: Module):
    """Imports that point the wrong way between apps, the floor and the roof."""
    app = module.name.split(".")[0]
    for target in module.imports():
        head = target.split(".")[0]
        if module.name.startswith("crm.core") and head in ARROWS:
            yield f"the floor imports {target}"
        if app in ARROWS and head in ARROWS and head != app and head not in ARROWS[app]:
            yield f"imports {target}"
        if not _is_roof(module.name) and _is_roof(target):
            yield f"imports the roof: {target}"


def _is_roof(name: str) -> bool:
    return name.split(".")[0] == "crm" and not name.startswith("crm.core")


def wrong_rooms(module: Module):
    """Imports of a room that stands above this one."""
    room = room_of(module.name)
    for target in module.imports():
        other = room_of(target)
        if room and other and ROOMS.index(other) > ROOMS.index(room):
            yield f"{room} imports {target}"


def saves_past_records(module: Module):
    """Rows saved by an app itself; only records may (the floor's rooms keep technical rows)."""
    if module.name.startswith("crm.core"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            chain = ast.unparse(node.func)
            is_query = ".objects" in chain or "_base_manager" in chain or ".filter(" in chain
            if (node.func.attr in SAVING and "storage" not in chain and "file" not in chain.lower()) or (
                node.func.attr == "update" and is_query
            ):
                yield f"line {node.lineno}: {chain}()"


def too_long(module: Module):
    if module.lines > 400:
        yield f"{module.lines} lines"
    for function in module.functions():
        if length(function) > 50:
            yield f"{function.name} has {length(function)} lines"


def long_faces(module: Module):
    """View functions and viewset methods over 25 lines."""
    if module.name.split(".")[-1] in ("views", "api") or ".views." in module.name or ".api." in module.name:
        yield from (f"{f.name} has {length(f)} lines" for f in module.functions() if length(f) > 25)


def named_after_nothing(module: Module):
    if set(module.name.split(".")) & FORBIDDEN_NAMES:
        yield "is named after nothing"


@pytest.mark.parametrize(
    "check", [wrong_arrows, wrong_rooms, saves_past_records, too_long, long_faces, named_after_nothing]
)
def test_no_module_breaks_the_rule(check):
    assert violations(check) == []


def test_functions_stay_short():
    lengths = [length(function) for module in modules() for function in module.functions()]
    assert median(lengths) <= 8
    assert sorted(lengths)[int(len(lengths) * 0.95)] <= 30


def planted(name: str, source: str) -> Module:
    return Module(Path(f"{name.replace('.', '/')}.py"), name, ast.parse(source), source.count("\n"))


@pytest.mark.parametrize(
    ("check", "module"),
    [
        (wrong_arrows, planted("accounts.actions", "from leads.models import Lead")),
        (wrong_arrows, planted("opportunities.x", "from contracts import actions")),
        (wrong_arrows, planted("crm.core.web.x", "from leads.models import Lead")),
        (wrong_arrows, planted("leads.x", "from crm.home import views")),
        (wrong_rooms, planted("crm.core.people.x", "from crm.core.records import create")),
        (wrong_rooms, planted("crm.core.people.x", "from ..events import models")),
        (saves_past_records, planted("leads.x", "lead.save()")),
        (saves_past_records, planted("leads.x", "Lead.objects.of(t).update(owner=None)")),
        (too_long, planted("leads.x", "def f():\n" + "    pass\n" * 51)),
        (long_faces, planted("leads.views", "def f():\n" + "    pass\n" * 26)),
        (named_after_nothing, planted("leads.utils", "x = 1")),
    ],
)
def test_each_rule_sees_a_planted_violation(check, module):
    assert list(check(module))
