"""Settings pages and their API: who may open them, what they say, and how few queries they make."""

import pytest
from django.urls import reverse

from crm.core.company import actions as company
from crm.core.company import holdings
from crm.core.people.models import ApiToken, Invitation, Member, Team
from crm.core.tenancy.state import enter

pytestmark = pytest.mark.django_db

ROLES = ["admin", "manager", "rep", "presales", "finance", "legal", "partner"]
ADMIN_PAGES = ["company", "members", "invite", "teams", "team_new"]
OWN_PAGES = ["profile", "tokens"]


def url(name: str, **kwargs) -> str:
    return reverse(f"settings:{name}", kwargs={"tenant": "acme", **kwargs})


@pytest.mark.parametrize("role", ROLES)
def test_settings_of_the_company_are_the_administrators(acme, sign_in, role):
    client = sign_in(getattr(acme, role))
    pages = [url(name) for name in ADMIN_PAGES]
    pages += [url("member", pk=acme.peer.pk), url("team", pk=acme.north.pk)]
    expected = 200 if role == "admin" else 403
    assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, expected)
    assert {client.get(url(name)).status_code for name in OWN_PAGES} == {200}
    target = "company" if role == "admin" else "profile"
    assert client.get(url("index"))["Location"] == url(target)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_verbs_of_the_settings_are_the_administrators(acme, sign_in, role):
    client = sign_in(getattr(acme, role))
    posts = [url(verb, pk=acme.peer.pk) for verb in ("resend", "deactivate", "reactivate")]
    posts += [url("seat", pk=acme.south.pk), url("unseat", pk=acme.north.pk, member=acme.peer.pk)]
    data = {"member": acme.rep.pk}
    assert {post: client.post(post, data).status_code for post in posts} == dict.fromkeys(posts, 403)
    acme.peer.refresh_from_db()
    assert acme.peer.is_active
    assert acme.north.memberships.count() == 4


@pytest.mark.parametrize("verb", ["resend", "deactivate", "reactivate"])
def test_nothing_changes_by_a_link(acme, sign_in, verb):
    assert sign_in(acme.admin).get(url(verb, pk=acme.peer.pk)).status_code == 405


def test_an_administrator_invites_edits_and_ends_access(acme, sign_in):
    client = sign_in(acme.admin)
    data = {"name": "Ann", "email": "ann@acme.example", "roles": ["rep"], "reach": "", "teams": [acme.north.pk]}
    answer = client.post(url("invite"), data)
    ann = Member.objects.of(acme.tenant).get(email="ann@acme.example")
    assert answer["Location"] == url("member", pk=ann.pk)
    page = client.get(answer["Location"]).content.decode()
    invitation = Invitation.objects.of(acme.tenant).get(member=ann)
    assert company.link_path(acme.tenant, company.secret_of(invitation)) in page
    assert acme.north.memberships.filter(member=ann).exists()
    change = {**data, "title": "Seller", "roles": ["manager"], "reach": "team", "version": ann.version, "teams": []}
    assert client.post(url("member", pk=ann.pk), change).status_code == 302
    ann.refresh_from_db()
    assert (ann.title, ann.roles) == ("Seller", ["manager"])
    assert not acme.north.memberships.filter(member=ann).exists()
    stale = client.post(url("member", pk=ann.pk), {**change, "title": "x"})
    assert stale.status_code == 409
    client.post(url("deactivate", pk=ann.pk))
    ann.refresh_from_db()
    assert ann.state == "left"
    client.post(url("reactivate", pk=ann.pk))
    ann.refresh_from_db()
    assert ann.state == "invited"


def test_a_seller_without_address_is_added_and_not_invited(acme, sign_in):
    sign_in(acme.admin).post(url("invite"), {"name": "Bo", "email": "", "roles": ["rep"], "reach": ""})
    assert Member.objects.of(acme.tenant).get(name="Bo").state == "unseated"
    assert not Invitation.objects.of(acme.tenant).exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"roles": []}, "required"),
        ({"roles": ["partner", "rep"]}, "A partner is not an employee"),
        ({"roles": ["partner"], "reach": "all"}, "only they"),
        ({"email": "rep@acme.example"}, "exists already"),
        ({"name": "\x00"}, "Null"),
        ({"teams": [999_999]}, "valid"),
    ],
)
def test_a_wrong_invitation_is_answered_with_a_sentence_and_keeps_what_was_typed(acme, sign_in, wrong, sentence):
    data = {"name": "Ann", "email": "ann@acme.example", "roles": ["rep"], "reach": "", "title": "Typed", **wrong}
    answer = sign_in(acme.admin).post(url("invite"), data)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert sentence.lower() in text.lower()
    assert "Typed" in text
    assert not Member.objects.of(acme.tenant).filter(name="Ann").exists()


def test_who_still_holds_is_said_on_the_page(acme, sign_in, monkeypatch):
    monkeypatch.setattr(holdings, "_holdings", [lambda member: ("leads", 3)])
    answer = sign_in(acme.admin).post(url("deactivate", pk=acme.rep.pk))
    assert answer.status_code == 409
    assert "Rep still holds 3 leads. Transfer them first." in answer.content.decode()


def test_people_of_another_company_do_not_exist(acme, globex, sign_in):
    client = sign_in(acme.admin)
    with enter(globex.tenant):
        theirs = company.create_team(by=globex.admin, name="GLOBEX-TEAM")
    gets = [url("member", pk=globex.stranger.pk), url("team", pk=theirs.pk)]
    posts = [url("deactivate", pk=globex.stranger.pk), url("seat", pk=theirs.pk), url("unseat", pk=theirs.pk, member=1)]
    assert {client.get(page).status_code for page in gets} | {client.post(page).status_code for page in posts} == {404}
    client.post(url("seat", pk=acme.north.pk), {"member": globex.stranger.pk})
    assert acme.north.memberships.filter(member=globex.stranger.pk).count() == 0
    team_page = client.get(url("team", pk=acme.north.pk)).content.decode() + client.get(url("invite")).content.decode()
    assert "Stranger" not in team_page
    assert "GLOBEX-TEAM" not in team_page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=peer", {"Peer"}),
        ("q=REP@ACME", {"Rep", "Other Rep"}),
        ("role=finance", {"Finance"}),
        ("state=left", {"Gone"}),
        ("state=unseated", {"Unseated"}),
        ("team={south}", {"Other Rep"}),
        ("role=nonsense", None),
        ("team=999999", None),
    ],
)
def test_members_are_found_by_filters_on_both_faces(acme, sign_in, api, query, names):
    gone = company.add_member(by=acme.admin, name="Gone")
    company.deactivate(gone, by=acme.admin)
    company.add_member(by=acme.admin, name="Unseated")
    query = query.format(south=acme.south.pk)
    page = sign_in(acme.admin).get(f"{url('members')}?{query}")
    assert page.status_code == 200
    if names is not None:
        assert {member.name for member in page.context["page"]} == names
        answer = api(acme.admin)("get", f"members/?{query}").json()
        assert {row["name"] for row in answer["results"]} == names


def test_teams_are_made_moved_and_seated(acme, sign_in):
    client = sign_in(acme.admin)
    client.post(url("team_new"), {"name": "City", "kind": "region", "parent": acme.north.pk, "head": acme.rep.pk})
    city = Team.objects.of(acme.tenant).get(name="City")
    assert city.path == f"{acme.north.path}{city.pk}/"
    client.post(url("seat", pk=city.pk), {"member": acme.other_rep.pk})
    assert city.memberships.get().member == acme.other_rep
    circle = client.post(
        url("team", pk=acme.north.pk), {"name": "North", "parent": city.pk, "version": acme.north.version}
    )
    assert circle.status_code == 422
    assert "below itself" in circle.content.decode()
    client.post(url("unseat", pk=city.pk, member=acme.other_rep.pk))
    assert not city.memberships.exists()
    assert "City" in client.get(url("teams")).content.decode()


def test_a_token_is_shown_once_and_works_until_it_is_revoked(acme, sign_in, client):
    sign_in(acme.rep)
    answer = client.post(url("tokens"), {"name": "Sync", "expires_on": ""})
    assert answer.status_code == 201
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert secret not in client.get(url("tokens")).content.decode()
    token = ApiToken.objects.of(acme.tenant).get()
    assert secret not in (token.digest, token.prefix)
    client.logout()
    headers = {"Authorization": f"Token {secret}"}
    assert client.get("/acme/api/v1/me/", headers=headers).json()["name"] == "Rep"
    assert client.get("/acme/today/", headers=headers).status_code == 302
    sign_in(acme.peer)
    assert client.post(url("revoke", pk=token.pk)).status_code == 404
    sign_in(acme.rep)
    assert client.post(url("revoke", pk=token.pk)).status_code == 302
    client.logout()
    assert client.get("/acme/api/v1/me/", headers=headers).status_code == 401


@pytest.mark.parametrize("data", [{"name": ""}, {"name": "x" * 101}, {"name": "x", "expires_on": "2020-01-01"}])
def test_a_wrong_token_form_makes_none(acme, sign_in, data):
    assert sign_in(acme.rep).post(url("tokens"), data).status_code == 422
    assert not ApiToken.objects.of(acme.tenant).exists()


def test_a_profile_changes_name_and_language(acme, sign_in):
    client = sign_in(acme.rep)
    data = {"name": "Renamed", "phone": "1", "language": "zh-hans", "version": acme.rep.version}
    assert client.post(url("profile"), data).status_code == 302
    acme.rep.refresh_from_db()
    acme.rep.user.refresh_from_db()
    assert (acme.rep.name, acme.rep.user.language) == ("Renamed", "zh-hans")
    assert 'lang="zh-Hans"' in client.get(url("profile")).content.decode()
    forged = client.post(url("profile"), {**data, "version": acme.rep.version, "roles": "admin", "reach": "all"})
    acme.rep.refresh_from_db()
    assert forged.status_code == 302
    assert acme.rep.roles == ["rep"]


@pytest.mark.parametrize("name", ["members", "teams", "tokens"])
def test_lists_make_as_many_queries_for_thirty_rows_as_for_one(acme, sign_in, name, django_assert_max_num_queries):
    client = sign_in(acme.admin)
    client.get(url(name))
    with django_assert_max_num_queries(12) as few:
        client.get(url(name))
    for n in range(15):
        team = company.create_team(by=acme.admin, name=f"T{n}", head=acme.manager)
        company.add_member(by=acme.admin, name=f"M{n}", teams=[team, acme.north])
        company.create_token(acme.admin, by=acme.admin, name=f"t{n}")
    with django_assert_max_num_queries(12) as many:
        client.get(url(name))
    assert len(many) == len(few)


# --- API -------------------------------------------------------------------------------------------------------------


def test_colleagues_are_names_titles_and_teams(acme, api):
    rows = api(acme.rep)("get", "members/").json()["results"]
    assert {key for row in rows for key in row} == {"id", "name", "title", "is_active", "teams"}
    rep = next(row for row in rows if row["name"] == "Rep")
    assert rep["teams"] == [acme.north.pk]
    assert "Leadline" not in {row["name"] for row in rows}
    assert api(acme.rep)("get", f"members/{acme.peer.pk}/").json().keys() == rep.keys()


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_the_api_of_people_changes_for_administrators_only(acme, api, role):
    call = api(getattr(acme, role))
    peer = f"members/{acme.peer.pk}/"
    answers = [
        call("post", "members/", {"name": "x"}),
        call("patch", peer, {"roles": ["admin"]}),
        *(call("post", f"{peer}{verb}/") for verb in ("invite", "deactivate", "reactivate")),
        call("post", "teams/", {"name": "x"}),
        call("patch", f"teams/{acme.north.pk}/", {"head": acme.rep.pk}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "FORBIDDEN")] * 7
    assert call("get", "teams/").status_code == 200


def test_an_administrator_manages_people_over_the_api(acme, api):
    call = api(acme.admin)
    made = call(
        "post", "members/", {"name": "Ann", "email": "ann@acme.example", "roles": ["rep"], "teams": [acme.north.pk]}
    )
    assert made.status_code == 201, made.json()
    ann = made.json()
    assert (ann["state"], ann["teams"], ann["reach"]) == ("invited", [acme.north.pk], "own")
    assert call("post", f"members/{ann['id']}/invite/").status_code == 200
    changed = call("patch", f"members/{ann['id']}/", {"title": "Seller", "teams": [], "version": ann["version"]})
    assert (changed.json()["title"], changed.json()["teams"]) == ("Seller", [])
    assert call("patch", f"members/{ann['id']}/", {"title": "x", "version": ann["version"]}).status_code == 409
    assert call("post", f"members/{ann['id']}/deactivate/").json()["state"] == "left"
    assert call("post", f"members/{ann['id']}/reactivate/").json()["state"] == "invited"
    assert call("patch", f"members/{acme.admin.pk}/", {"roles": ["rep"], "reach": "own"}).json()["code"] == "LAST_ADMIN"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [1],
        {"name": ""},
        {"name": "\x00"},
        {"name": "x", "roles": []},
        {"name": "x", "roles": ["king"]},
        {"name": "x", "teams": [999]},
        {"name": "x", "teams": "x"},
        {"name": "x", "email": "no"},
        {"name": "x", "reach": "moon"},
    ],
)
def test_wrong_members_are_field_errors(acme, api, body):
    assert api(acme.admin)("post", "members/", body).status_code == 400


def test_what_is_not_offered_cannot_be_set(acme, api):
    """Mass assignment (ASVS 15.3.3)."""
    forged = {"is_active": False, "is_system": True, "user": acme.admin.user_id, "tenant": 1, "id": 7, "title": "t"}
    answer = api(acme.admin)("patch", f"members/{acme.rep.pk}/", forged)
    acme.rep.refresh_from_db()
    assert answer.status_code == 200
    assert (acme.rep.is_active, acme.rep.is_system, acme.rep.user_id != acme.admin.user_id) == (True, False, True)
    api(acme.rep)("patch", "me/", {"roles": ["admin"], "reach": "all", "email": "x@y.example", "phone": "2"})
    acme.rep.refresh_from_db()
    assert (acme.rep.roles, acme.rep.reach, acme.rep.phone) == (["rep"], "own", "2")


def test_teams_over_the_api(acme, api):
    call = api(acme.admin)
    made = call("post", "teams/", {"name": "City", "parent": acme.north.pk, "head": acme.rep.pk}).json()
    assert (made["depth"], made["kind"]) == (1, "region")
    assert call("patch", f"teams/{acme.north.pk}/", {"parent": made["id"]}).status_code == 400
    assert call("patch", f"teams/{made['id']}/", {"parent": None, "kind": "industry"}).json()["kind"] == "region"
    assert call("post", "teams/", {"name": "City"}).status_code == 400


def test_a_token_lists_and_revokes_but_makes_no_other(acme, api, client, sign_in):
    call = api(acme.rep)
    assert call("post", "tokens/", {"name": "next"}).json()["code"] == "SESSION_NEEDED"
    (row,) = call("get", "tokens/").json()["results"]
    assert {"digest", "secret"}.isdisjoint(row)
    assert call("post", f"tokens/{row['id']}/revoke/").status_code == 200
    assert call("get", "tokens/").status_code == 401
    sign_in(acme.rep)
    made = client.post("/acme/api/v1/tokens/", {"name": "by hand"}, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("ll_")
    keyed = client.post(
        "/acme/api/v1/tokens/", {"name": "k"}, content_type="application/json", headers={"Idempotency-Key": "k1"}
    )
    assert keyed.json()["code"] == "KEY_NOT_SUPPORTED"
    assert client.get(f"/acme/api/v1/tokens/{made.json()['id']}/").json().keys() == row.keys()


def test_me_tells_who_and_changes_ones_own(acme, api):
    call = api(acme.rep)
    me = call("get", "me/").json()
    assert me["company"] == {
        "slug": "acme", "name": "Acme", "tz": "Asia/Shanghai", "locale": "zh-hans", "base_currency": "CNY",
    }  # fmt: skip
    assert (me["roles"], me["language"]) == (["rep"], "en")
    assert call("patch", "me/", {"name": "R", "language": "zh-hans"}).json()["language"] == "zh-hans"
    assert call("patch", "me/", {"language": "tlh"}).status_code == 400
    assert call("patch", "me/", {"name": "x", "version": 1}).status_code == 409
