"""A request as people read it: what was asked, who has decided, who decides next, and what one may do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.people.models import Member, Team
from crm.core.people.roles import Role

from . import course, flows, levels, subjects, verbs
from .metrics import Wait, in_words
from .models import ApprovalTask, Flow, Instance

PEOPLE = ("assignee", "principal", "original_assignee", "decided_by", "created_by")


@dataclass
class Step:
    """One run of one node: its tasks, or none while it is still to come."""

    name: str
    mode: str = ""
    round: int = 1
    tasks: list[ApprovalTask] = field(default_factory=list)

    @property
    def state(self) -> str:
        """ahead, open, rejected, returned, done or skipped."""
        states = {task.status for task in self.tasks}
        if states & {"open", "waiting"}:
            return "open"
        return next((each for each in ("rejected", "returned") if each in states), self._ended(states))

    def _ended(self, states: set[str]) -> str:
        if not self.tasks:
            return "ahead"
        return "done" if "approved" in states else "skipped"

    @property
    def waited(self) -> timedelta | None:
        """From its first opening to its last decision, or to now."""
        opened = [task.opened_at for task in self.tasks if task.opened_at]
        if not opened or self.state == "skipped":
            return None
        return max(self._end() - min(opened), timedelta())

    @property
    def waited_text(self) -> str:
        return "" if self.waited is None else in_words(self.waited)

    def _end(self) -> datetime:
        decided = [task.decided_at for task in self.tasks if task.decided_at]
        return max(decided) if decided and self.state != "open" else timezone.now()


@dataclass
class Progress:
    """What a page shows of one request to one member."""

    instance: Instance
    steps: list[Step]
    mine: ApprovalTask | None
    task_verbs: list[verbs.Verb]
    verbs: list[verbs.Verb]
    stuck: list[ApprovalTask]
    readable: bool
    subject_url: str

    @classmethod
    def of(cls, instance: Instance, member: Member) -> "Progress":
        tasks = list(instance.tasks.select_related(*PEOPLE).order_by("round", "order", "pk"))
        for task in tasks:
            task.instance = instance
        mine = next((task for task in tasks if task.status == "open" and member.pk in task.holder_ids), None)
        return cls(
            instance=instance, steps=_steps(instance, tasks), mine=mine,
            task_verbs=verbs.of_task(mine, member) if mine else [], verbs=verbs.of_instance(instance, member),
            stuck=[task for task in tasks if any(verb.key == "assign" for verb in verbs.of_task(task, member))],
            readable=Instance.objects.visible_to(member).filter(pk=instance.pk).exists(),
            subject_url=_subject_url(instance, member),
        )  # fmt: skip

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        return [(line["label"], line["before"], line["value"]) for line in self.instance.summary.get("lines", [])]

    @property
    def copies(self) -> list[Any]:
        return [copy.member for copy in self.instance.copies.select_related("member").order_by("pk")]


def _steps(instance: Instance, tasks: list[ApprovalTask]) -> list[Step]:
    """The runs so far in order, then the nodes still to come."""
    runs: dict[tuple[int, int], Step] = {}
    for task in tasks:
        step = runs.setdefault((task.round, task.order), Step(task.node_name, task.mode, task.round))
        step.tasks.append(task)
    steps = [runs[place] for place in sorted(runs)]
    if not instance.is_pending:
        return steps
    reached = max(runs)[1] if runs else -1
    return [*steps, *(Step(str(node["name"])) for node in course.nodes_of(instance)[reached + 1 :])]


def _subject_url(instance: Instance, member: Member) -> str:
    """The document's own page, for whoever may see it."""
    if not subjects.is_registered(instance.subject_type):
        return ""
    subject = subjects.of(instance.subject_type)
    seen = subject.model.objects.visible_to(member).filter(pk=instance.subject_id).exists()
    return subject.url_name if seen else ""


def described(flow: Flow, waited: Mapping[str, Wait]) -> list[dict[str, Any]]:
    """The nodes of a flow in words, each with its waiting times."""
    ids = {"member": set(), "unit": set(), "team": set()}
    for node in flow.nodes:
        ids.setdefault(node["assignee"]["kind"], set()).update(levels.several(node["assignee"].get("value")))
        ids["team"].update(levels.several(node.get("when", {}).get("team")))
    people = Member.objects.of(flow.tenant_id).in_bulk(ids["member"])
    teams = Team.objects.of(flow.tenant_id).in_bulk(ids["unit"] | ids["team"])
    return [
        {"node": node, "who": _who(node["assignee"], people, teams), "mode": flows.MODES.get(node["mode"]),
         "when": list(_when(node.get("when") or {}, teams)), "any": (node.get("when") or {}).get("match") == "any",
         "wait": waited.get(node["key"])}
        for node in flow.nodes
    ]  # fmt: skip


def _who(assignee: Mapping[str, Any], people, teams) -> str:
    kind, value = assignee["kind"], levels.several(assignee.get("value"))
    names = {
        "manager": lambda: [""] if value == [1] else [_("%(n)s levels up") % {"n": value[0]}],
        "role": lambda: [str(Role(role).label) for role in value],
        "member": lambda: [people[pk].name for pk in value if pk in people] or [_("nobody named yet")],
        "unit": lambda: [teams[pk].name for pk in value if pk in teams],
        "queue": lambda: [""],
    }[kind]()
    said = ", ".join(filter(None, names))
    return f"{flows.KINDS[kind]}: {said}" if said else str(flows.KINDS[kind])


def _when(when: Mapping[str, Any], teams) -> Iterator[tuple[str, Any]]:
    """(condition in words, its amount or None)."""
    words = {"min_amount": _("amount from"), "max_amount": _("amount below")}
    for name, text in words.items():
        if name in when:
            yield text, Decimal(when[name])
    if "min_discount" in when:
        yield _("discount from %(n)s %%") % {"n": (Decimal(when["min_discount"]) * 100).normalize()}, None
    flags = {"below_floor": _("a price below the floor"), "nonstandard": _("terms that are not standard"),
             "money": _("money is paid out or given up")}  # fmt: skip
    for name, text in flags.items():
        if when.get(name):
            yield text, None
    if when.get("team"):
        yield _("of %(teams)s") % {"teams": ", ".join(teams[pk].name for pk in when["team"] if pk in teams)}, None
