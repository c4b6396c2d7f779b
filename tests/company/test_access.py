"""Access ends and changes by the very next request, for sessions and tokens alike (reliability.md A8, ASVS 7.4.2)."""

import pytest
from django.test import Client

from crm.core.company import actions as company
from crm.core.people.models import Member, Seat
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter, leave
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "another long sentence"


@pytest.fixture
def rep(acme):
    """The rep's two browsers and a program with a token, all of which work now."""
    with enter(acme.tenant):
        _token, secret = company.create_token(acme.rep, by=acme.rep, name="program")
    with leave():
        browsers = [Client(), Client()]
        for browser in browsers:
            assert browser.login(email=acme.rep.user.email, password=PASSWORD)
        access = Access(browsers, secret, acme.tenant.slug)
        assert access.all == [200, 200, 200, 200]
        yield access


class Access:
    def __init__(self, browsers, secret, slug):
        self.browsers, self.secret, self.slug = browsers, secret, slug

    def page(self, browser=0) -> int:
        return self.browsers[browser].get(f"/{self.slug}/today/").status_code

    def session_api(self, browser=0) -> int:
        return self.browsers[browser].get(f"/{self.slug}/api/v1/me/").status_code

    def token_api(self) -> int:
        headers = {"Authorization": f"Token {self.secret}"}
        return Client().get(f"/{self.slug}/api/v1/me/", headers=headers).status_code

    @property
    def all(self) -> list[int]:
        return [self.page(), self.page(1), self.session_api(), self.token_api()]


def test_deactivation_ends_sessions_and_tokens_at_once(acme, rep):
    with enter(acme.tenant):
        company.deactivate(acme.rep, by=acme.admin)
    assert rep.all == [302, 302, 401, 401]
    assert rep.browsers[0].get("/acme/today/")["Location"].startswith("/auth/login/")
    assert Client().login(email=acme.rep.user.email, password=PASSWORD)
    assert not Seat.objects.filter(user=acme.rep.user).exists()


def test_deactivation_by_the_page_of_another_browser(acme, rep):
    admin = Client()
    admin.force_login(acme.admin.user)
    assert admin.post(f"/acme/settings/members/{acme.rep.pk}/deactivate/").status_code == 302
    assert rep.all == [302, 302, 401, 401]


def test_who_works_for_a_second_company_goes_on_there(acme, globex, rep):
    with enter(globex.tenant):
        company.add_member(by=globex.admin, name="Rep", user=acme.rep.user)
    with enter(acme.tenant):
        company.deactivate(acme.rep, by=acme.admin)
    assert rep.all == [404, 404, 404, 401]
    assert rep.browsers[0].get("/globex/today/").status_code == 200


def test_reactivation_opens_the_pages_again_and_no_token(acme, rep):
    with enter(acme.tenant):
        company.deactivate(acme.rep, by=acme.admin)
        company.reactivate(acme.rep, by=acme.admin)
    rep.browsers[0].login(email=acme.rep.user.email, password=PASSWORD)
    assert (rep.page(), rep.token_api()) == (200, 401)


def test_a_changed_password_ends_the_other_sessions_and_the_tokens(acme, rep):
    answer = rep.browsers[0].post(
        "/auth/password/change/", {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    )
    assert answer.status_code == 302
    assert (rep.page(1), rep.session_api(1), rep.token_api()) == (302, 401, 401)
    assert rep.browsers[1].login(email=acme.rep.user.email, password=NEW_PASSWORD)
    assert rep.page(1) == 200


def test_a_reset_password_ends_everything(acme, rep, mailoutbox):
    stranger = Client()
    stranger.post("/auth/password/reset/", {"email": acme.rep.user.email})
    path = next(word for word in mailoutbox[-1].body.split() if "/auth/password/reset/key/" in word)
    path = "/" + path.split("/", 3)[3]
    form = stranger.get(path, follow=True)
    done = stranger.post(form.redirect_chain[-1][0], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert done.status_code == 302
    assert rep.all == [302, 302, 401, 401]


def test_tokens_of_every_company_end_with_the_password(acme, globex, rep):
    with enter(globex.tenant):
        seat = company.add_member(by=globex.admin, name="Rep", user=acme.rep.user)
        _token, secret = company.create_token(seat, by=seat, name="there")
    company.end_tokens_of(acme.rep.user)
    there = Access(rep.browsers, secret, "globex")
    assert (rep.token_api(), there.token_api(), there.page()) == (401, 401, 200)


def test_a_closed_account_ends_sessions_and_tokens(acme, rep):
    acme.rep.user.is_active = False
    acme.rep.user.save()
    assert rep.all == [302, 302, 401, 401]


def test_a_changed_role_counts_from_the_next_request(acme, rep):
    browser = rep.browsers[0]
    headers = {"Authorization": f"Token {rep.secret}"}
    assert browser.get("/acme/settings/members/").status_code == 403
    with enter(acme.tenant):
        company.update_member(acme.rep, by=acme.admin, roles=["admin"], reach="all")
    assert browser.get("/acme/settings/members/").status_code == 200
    assert "email" in Client().get("/acme/api/v1/members/", headers=headers).json()["results"][0]
    with enter(acme.tenant):
        company.update_member(acme.rep, by=acme.admin, roles=["rep"], reach="own")
    assert browser.get("/acme/settings/members/").status_code == 403
    assert "email" not in Client().get("/acme/api/v1/members/", headers=headers).json()["results"][0]


def test_a_closed_company_is_gone_at_once(acme, rep):
    Tenant.objects.filter(pk=acme.tenant.pk).update(status=Tenant.Status.CLOSED)
    assert rep.all == [404, 404, 404, 401]


def test_an_expired_token_ends_by_itself(acme, rep):
    with enter(acme.tenant):
        acme.rep.tokens.update(expires_at="2020-01-01T00:00Z")
    assert rep.token_api() == 401


def test_signing_in_gives_a_new_session_key(acme):
    """Fixation: a key that somebody planted before is worth nothing afterwards."""
    client = Client()
    client.get("/auth/login/")
    client.session.save()
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    client.post("/auth/login/", {"login": acme.rep.user.email, "password": PASSWORD})
    assert client.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert thief.get("/acme/today/").status_code == 302


def test_a_token_of_another_company_opens_nothing(acme, globex, rep):
    rep.slug = "globex"
    assert (rep.token_api(), rep.page(), rep.session_api()) == (401, 404, 404)


@pytest.mark.parametrize("path", ["/%00/", "/nowhere/", "/ACME/", "/acme%2F/", "/" + "a" * 200 + "/", "/acme/nothing/"])
def test_addresses_that_lead_nowhere_are_404(rep, path):
    assert rep.browsers[0].get(path).status_code == 404


@pytest.mark.parametrize("header", ["Token ", "Token x", "Bearer \u00e9", "Basic YTpi", "token", "Token " + "x" * 5000])
def test_credentials_that_are_none_are_401(acme, header):
    with leave():
        answer = Client().get("/acme/api/v1/me/", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")


def test_a_session_without_its_csrf_token_changes_nothing(acme, rep):
    browser = Client(enforce_csrf_checks=True)
    with leave():
        browser.login(email=acme.rep.user.email, password=PASSWORD)
        answer = browser.patch("/acme/api/v1/me/", {"name": "forged"}, content_type="application/json")
        page = browser.post("/acme/me/", {"name": "forged", "phone": "", "language": "en"})
    assert (answer.status_code, page.status_code) == (403, 403)
    with enter(acme.tenant):
        assert Member.objects.of(acme.tenant).get(pk=acme.rep.pk).name == "Rep"


def test_pages_of_a_company_are_not_kept_by_caches(rep):
    assert "no-store" in rep.browsers[0].get("/acme/today/")["Cache-Control"]
    assert "no-store" in rep.browsers[0].get("/auth/companies/")["Cache-Control"]
