"""Who is asked: from a node's assignee to members, without those who may not decide (INV-C4, INV-C7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from crm.core.calendars import local_date
from crm.core.people.models import Member, Team, TeamMembership
from crm.core.people.roles import Role

from . import subjects
from .levels import Node, several
from .models import Delegation, Instance


@dataclass(frozen=True)
class Asking:
    """For whom approvers are sought: members `out` may not decide; `money` keeps pure administrators out."""

    submitter: Member
    out: frozenset[int] = frozenset()
    money: bool = False

    @property
    def tenant_id(self) -> int:
        return self.submitter.tenant_id

    def admits(self, member: Member, *, named: bool = False) -> bool:
        """Whether the member may decide; an administrator has no say in money unless the flow names him."""
        if not member.is_active or member.is_system or member.pk in self.out or Role.PARTNER in member.roles:
            return False
        return named or not self.money or member.roles != [Role.ADMIN]


@dataclass(frozen=True)
class Seat:
    """One who is asked; `principal` is the one he stands in for. Nobody: administrators choose."""

    assignee: Member | None = None
    principal: Member | None = None


def asking(instance: Instance, record) -> Asking:
    """The submitter, the creator of a money request and the record's other parties may not decide (INV-C4)."""
    money = bool(instance.facts.get("money"))
    out = {instance.submitter_id, *subjects.of(instance.subject_type).party(record)}
    if money and getattr(record, "created_by_id", None):
        out.add(record.created_by_id)
    return Asking(instance.submitter, frozenset(out), money)


def seats(node: Node, ask: Asking, at: datetime | None = None) -> list[Seat]:
    """Who decides in a node, deputies put in; one seat of nobody when there is none."""
    people = find(node, ask)
    deputies = _deputies(people, ask, at or timezone.now())
    chosen = {}
    for member in people:
        seat = Seat(deputies[member.pk], member) if member.pk in deputies else Seat(member)
        chosen.setdefault(seat.assignee.pk, seat)
    return list(chosen.values()) or [Seat()]


def find(node: Node, ask: Asking) -> list[Member]:
    """The members a node names, those who may decide only; empty means the administrators' queue."""
    assignee = node.get("assignee") or {}
    seek = _KINDS.get(str(assignee.get("kind")))
    return seek(assignee.get("value"), ask) if seek else []


def _named(value, ask: Asking) -> list[Member]:
    found = Member.objects.of(ask.tenant_id).in_bulk([int(pk) for pk in several(value)])
    return [found[int(pk)] for pk in several(value) if int(pk) in found and ask.admits(found[int(pk)], named=True)]


def _of_role(value, ask: Asking) -> list[Member]:
    rows = Member.objects.of(ask.tenant_id).filter(is_active=True, roles__overlap=several(value)).order_by("pk")
    return [member for member in rows if ask.admits(member)]


def _manager(value, ask: Asking) -> list[Member]:
    """The submitter's manager (or the one `value` levels above); who may not decide is passed over upwards."""
    home = TeamMembership.objects.of(ask.tenant_id).filter(member=ask.submitter).select_related("team")
    seat = home.order_by("-is_primary", "pk").first()
    groups = [group for group in _heads_upwards(seat.team if seat else None) if group != [ask.submitter]]
    return _first_able(groups[max(int(value or 1), 1) - 1 :], ask)


def _unit_heads(value, ask: Asking) -> list[Member]:
    """The head of each team named, else of the next team above it that has one who may decide."""
    teams = Team.objects.of(ask.tenant_id).filter(pk__in=[int(pk) for pk in several(value)]).order_by("pk")
    found = {member.pk: member for team in teams for member in _first_able(_heads_upwards(team), ask)}
    return list(found.values())


def _first_able(groups: Iterable[list[Member]], ask: Asking) -> list[Member]:
    able = ([member for member in group if ask.admits(member)] for group in groups)
    return next((group for group in able if group), [])


def _heads_upwards(team: Team | None) -> list[list[Member]]:
    """Who leads the team and each team above it: its head, else the sales managers seated in it."""
    if team is None:
        return []
    rows = Team.objects.of(team.tenant_id).filter(pk__in=[team.pk, *team.ancestors]).select_related("head")
    levels = sorted(rows, key=lambda each: -each.depth)
    leaderless = [each.pk for each in levels if each.head is None]
    seated = TeamMembership.objects.of(team.tenant_id).filter(
        team__in=leaderless, member__roles__contains=[Role.MANAGER], member__is_active=True
    )
    managers: dict[int, list[Member]] = {}
    for seat in seated.select_related("member").order_by("member_id"):
        managers.setdefault(seat.team_id, []).append(seat.member)
    groups = [[each.head] if each.head else managers.get(each.pk, []) for each in levels]
    return [group for group in groups if group]


_KINDS = {"manager": _manager, "role": _of_role, "member": _named, "unit": _unit_heads}


def _deputies(people: list[Member], ask: Asking, at: datetime) -> dict[int, Member]:
    """The deputy of each principal on the local day of `at`; one who may not decide is no deputy (WC-25)."""
    if not people:
        return {}
    day = local_date(at, ask.submitter.tenant.zone)
    rows = Delegation.objects.of(ask.tenant_id).filter(
        principal__in=[member.pk for member in people], start__lte=day, end__gte=day, revoked_at=None
    )
    return {row.principal_id: row.deputy for row in rows.select_related("deputy").order_by("pk")
            if ask.admits(row.deputy)}  # fmt: skip
