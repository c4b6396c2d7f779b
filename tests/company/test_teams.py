"""Teams are a tree: moves take the branch along, circles and foreign teams are refused."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from crm.core.company import actions as company
from crm.core.people.models import Team
from crm.core.tenancy.state import enter

pytestmark = pytest.mark.django_db


def paths(tenant) -> dict[str, str]:
    return dict(Team.objects.of(tenant).values_list("name", "path"))


def test_a_move_takes_the_branch_along(acme):
    city = company.create_team(by=acme.admin, name="City", parent=acme.north)
    street = company.create_team(by=acme.admin, name="Street", parent=city)
    company.update_team(city, by=acme.admin, parent=acme.south)
    assert paths(acme.tenant)["Street"] == f"/{acme.south.pk}/{city.pk}/{street.pk}/"
    company.update_team(city, by=acme.admin, parent=None)
    assert paths(acme.tenant)["Street"] == f"/{city.pk}/{street.pk}/"
    assert Team.objects.of(acme.tenant).get(pk=street.pk).ancestors == [city.pk]


def test_ids_that_begin_alike_are_not_below(acme):
    """/1/ is not above /12/: only whole ids count."""
    teams = [company.create_team(by=acme.admin, name=f"T{n}") for n in range(12)]
    company.update_team(teams[0], by=acme.admin, parent=teams[11])
    assert {t.path for t in Team.objects.of(acme.tenant).filter(parent=teams[11])} == {
        f"{teams[11].path}{teams[0].pk}/"
    }
    for team in teams[1:11]:
        assert Team.objects.of(acme.tenant).get(pk=team.pk).path == f"/{team.pk}/"


def test_a_circle_is_refused_by_old_objects_too(acme):
    stale_north = Team.objects.of(acme.tenant).get(pk=acme.north.pk)
    company.update_team(acme.south, by=acme.admin, parent=acme.north)
    with pytest.raises(ValidationError, match="below itself"):
        company.update_team(stale_north, by=acme.admin, parent=acme.south)
    with pytest.raises(ValidationError, match="below itself"):
        company.update_team(acme.north, by=acme.admin, parent=acme.north)


def test_a_tree_has_one_kind_and_an_end(acme):
    below = company.create_team(by=acme.admin, name="Below", kind="industry", parent=acme.north)
    assert below.kind == acme.north.kind
    steel = company.create_team(by=acme.admin, name="Steel", kind="industry")
    with pytest.raises(ValidationError, match="same kind"):
        company.update_team(steel, by=acme.admin, parent=acme.north)
    team = acme.north
    with pytest.raises(ValidationError, match="levels deep"):
        for n in range(12):
            team = company.create_team(by=acme.admin, name=f"L{n}", parent=team)


def test_siblings_have_names_of_their_own(acme):
    with pytest.raises(ValidationError, match="exists already"):
        company.create_team(by=acme.admin, name="North")
    company.create_team(by=acme.admin, name="North", parent=acme.north)


def test_a_foreign_team_or_head_is_refused(acme, globex):
    with enter(globex.tenant):
        theirs = company.create_team(by=globex.admin, name="Theirs")
    with pytest.raises(ValidationError):
        company.update_team(acme.north, by=acme.admin, parent=theirs)
    with pytest.raises(ValidationError):
        company.update_team(acme.north, by=acme.admin, head=globex.admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        company.seat_in_team(acme.north, globex.admin, by=acme.admin)


def test_the_reach_of_a_head_follows_the_tree(acme):
    city = company.create_team(by=acme.admin, name="City")
    company.seat_in_team(city, acme.other_rep, by=acme.admin)
    assert acme.other_rep.pk not in acme.manager.reachable_ids
    company.update_team(city, by=acme.admin, parent=acme.north)
    del acme.manager.reachable_ids
    assert acme.other_rep.pk in acme.manager.reachable_ids
