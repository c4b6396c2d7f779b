"""Members: who may change them, what ends access, and that the company never loses its last administrator."""

import pytest
from django.core.exceptions import ValidationError

from crm.core.company import actions as company
from crm.core.company import holdings
from crm.core.errors import Conflict, Forbidden, Refused
from crm.core.events.models import Event
from crm.core.people.models import ApiToken, Invitation, Member, Seat, User
from crm.core.people.roles import Reach, Role

pytestmark = pytest.mark.django_db


def kinds(record) -> list[str]:
    rows = Event.objects.of(record.tenant_id).filter(subject_type=record._meta.label_lower, subject_id=record.pk)
    return list(rows.order_by("id").values_list("kind", flat=True))


@pytest.mark.parametrize("who", ["rep", "manager", "presales", "finance", "legal", "partner"])
def test_only_administrators_touch_people_teams_and_the_company(acme, who):
    by = getattr(acme, who)
    acts = [
        lambda: company.add_member(by=by, name="x"),
        lambda: company.update_member(acme.rep, by=by, roles=["admin"]),
        lambda: company.update_member(by, by=by, reach="all"),
        lambda: company.invite(acme.rep, by=by),
        lambda: company.deactivate(acme.peer, by=by),
        lambda: company.reactivate(acme.peer, by=by),
        lambda: company.create_team(by=by, name="x"),
        lambda: company.update_team(acme.north, by=by, head=by),
        lambda: company.seat_in_team(acme.south, by, by=by),
        lambda: company.unseat(acme.north, acme.rep, by=by),
        lambda: company.update_company(acme.tenant, by=by, name="x"),
        lambda: company.update_profile(acme.peer if by != acme.peer else acme.rep, by=by, name="x", phone=""),
    ]
    before = Event.objects.of(acme.tenant).count()
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert Event.objects.of(acme.tenant).count() == before


def test_nobody_makes_or_revokes_a_token_of_somebody_else(acme):
    token, _secret = company.create_token(acme.rep, by=acme.rep, name="mine")
    for by in (acme.admin, acme.peer):
        with pytest.raises(Forbidden):
            company.create_token(acme.rep, by=by, name="x")
        with pytest.raises(Forbidden):
            company.revoke_token(token, by=by)


def test_each_change_leaves_one_event(acme):
    member = company.add_member(
        by=acme.admin, name=" Ann ", email="Ann@Acme.example ", roles=["rep"], teams=[acme.north]
    )
    assert (member.name, member.email, member.reach) == ("Ann", "ann@acme.example", Reach.OWN)
    company.update_member(member, by=acme.admin, title="Seller", teams=[acme.south])
    company.invite(member, by=acme.admin)
    company.deactivate(member, by=acme.admin)
    company.reactivate(member, by=acme.admin)
    assert kinds(member) == [
        "member.created", "member.joined_team", "member.updated", "member.left_team", "member.joined_team",
        "member.invited", "member.deactivated", "member.reactivated",
    ]  # fmt: skip


def test_the_founding_and_the_settings_leave_events(acme):
    company.update_company(acme.tenant, by=acme.admin, tz="Europe/Berlin", name="Acme")
    assert kinds(acme.tenant) == ["tenant.founded", "tenant.updated"]
    last = Event.objects.of(acme.tenant).get(kind="tenant.updated")
    assert last.changes == {"tz": ["Asia/Shanghai", "Europe/Berlin"]}
    assert acme.tenant.tz == "Europe/Berlin"


@pytest.mark.parametrize("values", [{"tz": "Mars/Base"}, {"name": ""}, {"base_currency": "RENMINBI"}])
def test_settings_that_make_no_sense_are_refused(acme, values):
    with pytest.raises(ValidationError):
        company.update_company(acme.tenant, by=acme.admin, **values)


def test_the_currency_stays_once_amounts_are_kept(acme, monkeypatch):
    company.update_company(acme.tenant, by=acme.admin, base_currency="EUR")
    monkeypatch.setattr(holdings, "keep_money", [lambda tenant: True])
    with pytest.raises(Refused) as refusal:
        company.update_company(acme.tenant, by=acme.admin, base_currency="USD")
    assert refusal.value.code == "CURRENCY_IN_USE"


@pytest.mark.parametrize(
    "values",
    [
        {"roles": []},
        {"roles": ["king"]},
        {"roles": ["partner", "rep"]},
        {"roles": ["partner"], "reach": "all"},
        {"roles": ["rep"], "reach": "partner"},
        {"roles": ["rep"], "reach": "moon"},
        {"name": " "},
        {"email": "x"},
    ],
)
def test_impossible_members_are_refused(acme, values):
    with pytest.raises(ValidationError):
        company.add_member(by=acme.admin, **{"name": "Ann", **values})
    with pytest.raises(ValidationError):
        company.update_member(acme.rep, by=acme.admin, **values)


def test_reach_follows_the_widest_role(acme):
    assert company.widest_reach(["rep"]) == Reach.OWN
    assert company.widest_reach(["rep", "manager"]) == Reach.TEAM
    assert company.widest_reach(["manager", "finance"]) == Reach.ALL
    assert company.widest_reach(["partner"]) == Reach.PARTNER


def test_two_members_cannot_share_an_address(acme):
    with pytest.raises(ValidationError, match="exists already"):
        company.add_member(by=acme.admin, name="Twin", email=acme.rep.email.upper())


def test_an_old_page_conflicts(acme):
    seen = acme.rep.version
    company.update_member(acme.rep, by=acme.admin, expected=seen, title="a")
    with pytest.raises(Conflict):
        company.update_member(acme.rep, by=acme.admin, expected=seen, title="b")


def test_the_last_administrator_stays(acme):
    with pytest.raises(Refused) as refusal:
        company.update_member(acme.admin, by=acme.admin, roles=["manager"])
    assert refusal.value.code == "LAST_ADMIN"
    uninvited = company.add_member(by=acme.admin, name="Later", roles=[Role.ADMIN])
    with pytest.raises(Refused):
        company.update_member(acme.admin, by=acme.admin, roles=["manager"])
    company.update_member(acme.rep, by=acme.admin, roles=[Role.ADMIN, Role.REP], reach=Reach.ALL)
    company.update_member(acme.admin, by=acme.admin, roles=["manager"])
    assert uninvited.roles == ["admin"]


def test_who_still_holds_records_stays_and_the_sentence_says_what(acme, monkeypatch):
    monkeypatch.setattr(
        holdings, "_holdings", [lambda m: ("leads", 3 if m.pk == acme.rep.pk else 0), lambda m: ("customers", 0)]
    )
    with pytest.raises(Refused, match="Rep still holds 3 leads") as refusal:
        company.deactivate(acme.rep, by=acme.admin)
    assert refusal.value.code == "STILL_HOLDS"
    assert Member.objects.of(acme.tenant).get(pk=acme.rep.pk).is_active
    company.deactivate(acme.peer, by=acme.admin)


def test_nobody_deactivates_himself_or_the_system(acme):
    for member in (acme.admin, acme.system):
        with pytest.raises(Refused):
            company.deactivate(member, by=acme.admin)


def test_deactivation_takes_the_seat_the_tokens_and_the_links(acme):
    token, secret = company.create_token(acme.rep, by=acme.rep, name="mine")
    waiting = company.add_member(by=acme.admin, name="Ann", email="ann@acme.example")
    link = company.invite(waiting, by=acme.admin)
    company.deactivate(acme.rep, by=acme.admin)
    company.deactivate(waiting, by=acme.admin)
    assert not Seat.objects.filter(user=acme.rep.user).exists()
    assert not ApiToken.objects.of(acme.tenant).get(pk=token.pk).is_live
    assert company.member_of_token(acme.tenant, secret) is None
    with pytest.raises(Refused):
        company.open_invitation(acme.tenant, link)
    company.reactivate(acme.rep, by=acme.admin)
    assert Seat.objects.filter(user=acme.rep.user, tenant=acme.tenant).exists()
    assert company.member_of_token(acme.tenant, secret) is None


def test_a_changed_address_ends_the_link_that_went_to_the_old_one(acme):
    waiting = company.add_member(by=acme.admin, name="Ann", email="ann@acme.example")
    company.invite(waiting, by=acme.admin)
    company.update_member(waiting, by=acme.admin, title="x", email="ann@acme.example")
    assert Invitation.objects.of(acme.tenant).get().is_open
    company.update_member(waiting, by=acme.admin, email="bob@acme.example")
    assert not Invitation.objects.of(acme.tenant).get().is_open


def test_a_partner_knows_no_other_partner_and_nobody_sees_the_system(acme):
    rival = company.add_member(by=acme.admin, name="Rival", roles=["partner"])
    names = set(Member.objects.visible_to(acme.partner).values_list("name", flat=True))
    assert {"Partner", "Rep"} <= names
    assert rival.name not in names
    assert "Leadline" not in set(Member.objects.visible_to(acme.admin).values_list("name", flat=True))


def founder(email="f@x.example"):
    return User.objects.create_user(email, "pw", name="F")


def test_companies_of_one_name_get_addresses_of_their_own(db):
    slugs = [company.found_company(name=" 南京钢铁 ", founder=founder(f"f{n}@x.example"))[0].slug for n in range(3)]
    assert slugs == ["nanjinggangtie", "nanjinggangtie-2", "nanjinggangtie-3"]


@pytest.mark.parametrize("name", ["admin", "!!!", "a", "static", "Ünïcödé GmbH", "x" * 200, "_-_"])
def test_every_name_gives_a_good_address(db, name):
    tenant, _admin = company.found_company(name=name, founder=founder())
    tenant.full_clean()
