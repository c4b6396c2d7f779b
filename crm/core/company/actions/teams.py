"""The tree of teams and who sits where."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.people.models import Member, Team, TeamMembership
from crm.core.people.reach import require

DEEPEST = 10


@transaction.atomic
def create_team(*, by: Member, name: str, kind: str = Team.Kind.REGION, parent: Team | None = None, head=None) -> Team:
    """Add a team; below a parent it takes the parent's kind."""
    require(by, "team.manage")
    if parent:
        kind = parent.kind
    team = records.create(Team, by=by, name=name.strip(), kind=kind, parent=parent, head=head, path="/")
    return records.update(team, by=by, verb="placed", path=_path(team, parent))


def _path(team: Team, parent: Team | None) -> str:
    path = f"{parent.path if parent else '/'}{team.pk}/"
    if path.count("/") - 1 > DEEPEST:
        raise ValidationError({"parent": _("Teams can be %(n)d levels deep. Choose a higher one.") % {"n": DEEPEST}})
    return path


@transaction.atomic
def update_team(team: Team, *, by: Member, expected: int | None = None, **values) -> Team:
    """Change name, parent or head; moving a team takes its branch along and may not make a circle."""
    require(by, "team.manage")
    if unknown := set(values) - {"name", "parent", "head"}:
        raise TypeError(f"not to be changed here: {unknown}")
    tree = _lock_tree(by.tenant_id)
    old_path = tree[team.pk].path
    if "parent" in values:
        values["path"] = _new_path(tree, team, values["parent"])
    records.update(team, by=by, expected=expected, **values)
    for below in tree.values():
        if below.pk != team.pk and below.path.startswith(old_path) and team.path != old_path:
            records.update(below, by=by, verb="placed", path=_path_below(below, team, old_path))
    return team


def _lock_tree(tenant_id: int) -> dict[int, Team]:
    """All teams of the company, locked, so that two moves at once cannot make a circle."""
    ids = Team.objects.of(tenant_id).order_by().values_list("pk", flat=True)
    return {team.pk: team for team in records.lock_all(Team, ids, tenant_id)}


def _new_path(tree: dict[int, Team], team: Team, parent: Team | None) -> str:
    if parent and parent.pk not in tree:
        raise ValidationError({"parent": _("Choose an entry of your own company.")})
    parent = tree[parent.pk] if parent else None
    if parent and parent.path.startswith(tree[team.pk].path):
        raise ValidationError({"parent": _("A team cannot be below itself. Choose another parent.")})
    if parent and parent.kind != tree[team.pk].kind:
        raise ValidationError({"parent": _("Choose a parent of the same kind.")})
    return _path(team, parent)


def _path_below(below: Team, team: Team, old_path: str) -> str:
    path = team.path + below.path.removeprefix(old_path)
    if path.count("/") - 1 > DEEPEST:
        raise ValidationError({"parent": _("Teams can be %(n)d levels deep. Choose a higher one.") % {"n": DEEPEST}})
    return path


def seat_in_team(team: Team, member: Member, *, by: Member, is_primary: bool = False) -> TeamMembership:
    require(by, "team.manage")
    seat, created = TeamMembership.objects.of(by.tenant_id).get_or_create(
        tenant_id=by.tenant_id, team=team, member=member, defaults={"is_primary": is_primary}
    )
    if created:
        records.note(member, by=by, verb="joined_team", data={"team": team.pk})
    return seat


def unseat(team: Team, member: Member, *, by: Member) -> None:
    require(by, "team.manage")
    if TeamMembership.objects.of(by.tenant_id).filter(team=team, member=member).delete()[0]:
        records.note(member, by=by, verb="left_team", data={"team": team.pk})


@transaction.atomic
def set_teams(member: Member, teams, *, by: Member) -> None:
    """Seat the member in exactly these teams."""
    wanted = {team.pk: team for team in teams}
    seated = {team.pk: team for team in Team.objects.of(by.tenant_id).filter(memberships__member=member)}
    for pk in seated.keys() - wanted.keys():
        unseat(seated[pk], member, by=by)
    for pk in wanted.keys() - seated.keys():
        seat_in_team(wanted[pk], member, by=by)
