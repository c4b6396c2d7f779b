"""Members and the teams they sit in: 35 sellers, their managers and regions come in by one file.

A seller without e-mail owns records and cannot sign in. A region is a team at the top, a manager's
own team lies below it and has the manager as its head.
"""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.core.company import actions as company
from crm.core.names import fold
from crm.core.people.models import Member, Team, TeamMembership
from crm.core.people.roles import Role

from .columns import Column
from .finders import members, teams
from .importer import SKIP, UPDATE, Importer
from .registry import register
from .rows import Row

PLACE = ("region", "manager", "team")  # from the top of the tree down
SEATS = 200  # people seated in one transaction


@register
class MemberImporter(Importer):
    key, label, icon, order = "members", _("Members and teams"), "users", 10
    permission = "member.manage"
    model = Member
    policies = (SKIP, UPDATE)
    scans = True
    columns = (
        Column("name", _("Name"), required=True, max_length=100,
               synonyms="姓名, 员工, 成员, 销售, 销售员, 业务员, sales agent, sales rep, agent, member, full name"),
        Column("email", _("E-mail"), kind="email", synonyms="邮箱, 电子邮箱, 邮件, mail, email address"),
        Column("phone", _("Phone"), synonyms="手机, 手机号, 电话, mobile", max_length=40),
        Column("title", _("Job title"), synonyms="职位, 岗位, 职务, position", max_length=100),
        Column("roles", _("Roles"), kind="choices", choices=Role, synonyms="角色, role",
               words={"销售": "rep", "销售代表": "rep", "销售经理": "manager", "经理": "manager", "管理员": "admin",
                      "售前": "presales", "财务": "finance", "法务": "legal", "sales": "rep"}),
        Column("manager", _("Manager"), synonyms="经理, 主管, 上级, 直属上级, sales manager, supervisor",
               max_length=100, help=_("Created as a sales manager when missing.")),
        Column("region", _("Region"), synonyms="区域, 大区, 地区, regional office, office", max_length=100),
        Column("team", _("Team"), synonyms="团队, 部门, 组, department", max_length=100),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.own: set[str] = set()
        self.managers: set[str] = set()
        self.planned: set[tuple[str, str]] = set()

    def scan(self, rows: Iterable[Row]) -> None:
        """Who has a row of his own, and who manages somebody: managers need neither order nor a row."""
        for row in rows:
            self.own.add(fold(row.values.get("name", "")))
            self.managers.add(fold(row.values.get("manager", "")))

    def load(self) -> None:
        self.people, self.teams = members(self.tenant), teams(self.tenant)

    def keys(self, row: Row) -> list:
        email, name = row.values.get("email"), row.values["name"]
        return [("email", email)] if email else [("name", fold(name) or name)]

    def existing(self, rows: list[Row]) -> dict:
        found = {row.keys[0]: self.people.get(row.values.get("email") or row.values["name"]) for row in rows}
        return {key: member for key, member in found.items() if member}

    def complete(self, row: Row) -> None:
        """Two people of one name can be told apart by e-mail only."""
        name = "" if "email" in row.values else row.values["name"]
        for text in filter(None, (name, row.values.get("manager"))):
            try:
                self.people.get(text)
            except ValidationError:
                row.fail(_("Several members are called “%(value)s”. Add e-mail addresses."), value=text)

    def count_related(self, row: Row) -> None:
        for key in PLACE:
            name = row.values.get(key)
            finder = self.people if key == "manager" else self.teams
            if not name or (key, name) in self.planned or (key == "manager" and fold(name) in self.own):
                continue
            self.planned.add((key, name))
            self.tally.creates[key] += finder.get(name) is None

    def fields(self, row: Row) -> dict:
        plain = ("name", "email", "phone", "title", "roles")
        return {name: row.values[name] for name in plain if row.values.get(name)}

    def member_values(self, row: Row) -> dict:
        """A new member sells, or manages when the file says so by naming him as somebody's manager."""
        role = Role.MANAGER if fold(row.values["name"]) in self.managers else Role.REP
        return {"roles": [role], **self.fields(row)}

    def make(self, row: Row) -> Member:
        return Member(tenant=self.tenant, **self.member_values(row))

    def differences(self, row: Row) -> dict:
        changes = super().differences(row)
        team = next((row.values[key] for key in reversed(PLACE) if key in row.values), "")
        seats = TeamMembership.objects.of(self.tenant).filter(member=row.existing, team__name=team)
        return {**changes, "team": team} if team and not seats.exists() else changes

    def insert(self, rows: list[Row]) -> None:
        for row in rows:
            member = company.add_member(by=self.by, **self.member_values(row))
            self.people.add(member)
            self._seat_later(member, row)

    def change(self, row: Row) -> None:
        if values := {name: value for name, value in row.changes.items() if name != "team"}:
            company.update_member(row.existing, by=self.by, **values)
        self._seat_later(row.existing, row)

    def _seat_later(self, member: Member, row: Row) -> None:
        if any(key in row.values for key in PLACE):
            self.memo.setdefault("seats", []).append([member.pk, *(row.values.get(key, "") for key in PLACE)])

    def finish(self) -> bool:
        """Seat people when everybody is there, so that a manager may come after his sellers."""
        seats = self.memo.get("seats", [])
        for pk, *place in seats[:SEATS]:
            member = Member.objects.of(self.tenant).get(pk=pk)
            if team := self._team(*place):
                company.seat_in_team(team, member, by=self.by, is_primary=True)
        self.memo["seats"] = seats[SEATS:]
        return bool(self.memo["seats"])

    def _team(self, region: str, manager: str, team: str) -> Team | None:
        """The team of a row: its own, below the manager's, below the region."""
        lowest = self._below(None, region)
        lowest = self._below(lowest, manager, head=self._manager(manager) if manager else None)
        return self._below(lowest, team)

    def _below(self, parent: Team | None, name: str, head: Member | None = None) -> Team | None:
        if not name:
            return parent
        team = self.teams.get(name)
        if team is None:
            team = company.create_team(by=self.by, name=name, parent=parent, head=head)
            self.teams.add(team)
        if head:
            company.seat_in_team(team, head, by=self.by, is_primary=True)
        return team

    def _manager(self, name: str) -> Member:
        manager = self.people.get(name)
        if manager is None:
            manager = company.add_member(by=self.by, name=name, roles=[Role.MANAGER])
            self.people.add(manager)
        return manager
