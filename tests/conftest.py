"""The cast of every test (architecture.md 6): Acme and its people, and Globex with a stranger.

Tests run as the app role on the owner's test database, inside Acme's wall
unless they leave it.
"""

from types import SimpleNamespace

import pytest
from django.db import connections, transaction

from crm.core.company import actions as company
from crm.core.people.models import Member, Team, User
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter, leave

BOTH = ["default", "owner"]
PASSWORD = "correct horse battery"


def pytest_collection_modifyitems(items):
    for item in items:
        for mark in item.iter_markers("django_db"):
            mark.kwargs.setdefault("databases", BOTH)


def join(by, name: str, *roles: str, team=None, reach: str = ""):
    """A signed-up member of `by`'s company, seated in `team`."""
    email = f"{name.lower().replace(' ', '.')}@{by.tenant.slug}.example"
    user = User.objects.create_user(email, PASSWORD, name=name, language="en")
    member = company.add_member(by=by, name=name, email=email, roles=roles, reach=reach, user=user)
    if team:
        company.seat_in_team(team, member, by=by)
    return member


def found(name: str, slug: str):
    founder = User.objects.create_user(f"founder@{slug}.example", PASSWORD, name=f"{name} founder", language="en")
    tenant, admin = company.found_company(name=name, slug=slug, founder=founder)
    return tenant, admin


PEOPLE = {
    "rep": ("Rep", "rep", "North"),
    "peer": ("Peer", "rep", "North"),
    "other_rep": ("Other Rep", "rep", "South"),
    "manager": ("Manager", "manager", "North"),
    "presales": ("Presales", "presales", "North"),
    "finance": ("Finance", "finance", None),
    "legal": ("Legal", "legal", None),
    "partner": ("Partner", "partner", None),
}


def make_acme() -> SimpleNamespace:
    """Acme: north (manager, rep, peer), south (other_rep), and the other roles; as it stands if it does already."""
    tenant = Tenant.objects.filter(slug="acme").first()
    if tenant is None:
        tenant, admin = found("Acme", "acme")
        with enter(tenant), transaction.atomic():
            teams = {name: company.create_team(by=admin, name=name) for name in ("North", "South")}
            for name, role, team in PEOPLE.values():
                join(admin, name, role, team=teams.get(team))
    with enter(tenant), transaction.atomic():
        return _cast(tenant)


def _cast(tenant) -> SimpleNamespace:
    """The people and teams of Acme as fresh objects."""
    members = {member.name: member for member in Member.objects.of(tenant).select_related("user")}
    for member in members.values():
        member.tenant = tenant
    teams = {team.name: team for team in Team.objects.of(tenant)}
    return SimpleNamespace(
        tenant=tenant,
        system=members["Leadline"],
        admin=members["Acme founder"],
        north=teams["North"],
        south=teams["South"],
        **{key: members[name] for key, (name, _, _) in PEOPLE.items()},
    )


@pytest.fixture(scope="session")
def standing_acme(django_db_setup, django_db_blocker):
    """Acme is founded once a run; every test's changes to it are rolled back."""
    with django_db_blocker.unblock():
        make_acme()
        _close_connections()
        yield
        _close_connections()


def _close_connections() -> None:
    """Both aliases look at one database, and it is dropped only when nobody looks."""
    for connection in connections.all():
        connection.close()


def make_globex() -> SimpleNamespace:
    tenant, admin = found("Globex", "globex")
    with enter(tenant):
        return SimpleNamespace(
            tenant=tenant,
            admin=admin,
            system=company.system_member(tenant),
            stranger=join(admin, "Stranger", "rep"),
        )


@pytest.fixture
def acme(standing_acme, db):
    with leave():
        cast = make_acme()
    with enter(cast.tenant):
        yield cast


@pytest.fixture
def globex(db):
    with leave():
        return make_globex()


@pytest.fixture
def sign_in(client):
    """`sign_in(member)` → a client with that member's session."""

    def sign(member):
        client.force_login(member.user)
        return client

    return sign


@pytest.fixture
def api(client):
    """`api(member)` → a function `call(method, path, data=None, **headers)` with the member's token."""

    def for_member(member):
        _, secret = company.create_token(member, by=member, name="test")

        def call(method: str, path: str, data=None, **headers):
            headers = {"Authorization": f"Token {secret}", **{k.replace("_", "-"): v for k, v in headers.items()}}
            url = path if path.startswith("/") else f"/{member.tenant.slug}/api/v1/{path}"
            extra = {"data": data, "content_type": "application/json"} if data is not None else {}
            if method.lower() == "get":
                extra = {"data": data} if data else {}
            return getattr(client, method.lower())(url, headers=headers, **extra)

        return call

    return for_member


__all__ = ["PASSWORD", "found", "join", "make_acme", "make_globex"]
