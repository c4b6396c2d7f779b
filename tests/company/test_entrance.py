"""The way in: sign-up, the start address, several companies, invitations."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.utils import timezone

from crm.core.company import actions as company
from crm.core.errors import Refused
from crm.core.events import outbox
from crm.core.events.models import Event
from crm.core.people.models import Invitation, Member, Seat, User
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.state import enter, leave
from tests.conftest import PASSWORD, make_acme

pytestmark = pytest.mark.django_db

SIGN_UP = {
    "company": "南京钢铁", "name": "王伟", "email": "wang@steel.example", "password1": "a long sentence here",
    "password2": "a long sentence here",
}  # fmt: skip


@pytest.fixture
def outside(acme):
    """Acme exists; the test itself stands outside its wall, as requests do."""
    with leave():
        yield acme


def invited(cast, email="ann@acme.example", **values) -> tuple[Member, str]:
    with enter(cast.tenant):
        return company.invite_member(by=cast.admin, name="Ann", email=email, **values)


def link(cast, secret: str) -> str:
    return company.link_path(cast.tenant, secret)


def test_a_sign_up_opens_a_company_and_lands_in_it(client, db):
    answer = client.post("/auth/signup/", SIGN_UP, follow=True)
    assert answer.redirect_chain[-1][0] == "/nanjinggangtie/today/"
    assert answer.status_code == 200
    assert "南京钢铁" in answer.content.decode()
    tenant = Tenant.objects.get(slug="nanjinggangtie")
    with enter(tenant):
        admin = Member.objects.of(tenant).get(user__email=SIGN_UP["email"])
    assert (admin.name, admin.roles, admin.reach) == ("王伟", ["manager", "admin"], "all")


@pytest.mark.parametrize(
    "wrong", [{"company": " "}, {"name": ""}, {"password2": "other"}, {"email": "x"}, {"company": "x" * 201}]
)
def test_a_sign_up_with_something_wrong_opens_nothing(client, db, wrong):
    before = (User.objects.count(), Tenant.objects.count())
    answer = client.post("/auth/signup/", {**SIGN_UP, **wrong})
    assert answer.status_code == 200
    assert "error" in answer.content.decode()
    assert (User.objects.count(), Tenant.objects.count()) == before


def test_a_second_sign_up_with_the_same_address_is_told(client, outside):
    answer = client.post("/auth/signup/", {**SIGN_UP, "email": outside.rep.user.email.upper()})
    assert User.objects.filter(email__iexact=outside.rep.user.email).count() == 1
    assert Tenant.objects.count() == 1
    assert answer.status_code in (200, 302)


def test_the_start_address_leads_strangers_to_the_sign_in(client, db):
    assert client.get("/")["Location"] == "/auth/login/"


def test_the_start_address_leads_to_the_only_or_the_last_company(client, outside, globex):
    client.force_login(outside.rep.user)
    assert client.get("/")["Location"] == "/acme/"
    with enter(globex.tenant):
        company.add_member(by=globex.admin, name="Rep", user=outside.rep.user)
    assert client.get("/")["Location"] == "/auth/companies/"
    page = client.get("/auth/companies/").content.decode()
    assert "Globex" in page
    assert "Acme" in page
    client.get("/globex/today/")
    assert client.get("/")["Location"] == "/globex/"
    with enter(globex.tenant):
        globex.tenant.status = Tenant.Status.CLOSED
        globex.tenant.save()
    assert client.get("/")["Location"] == "/acme/"
    assert "Globex" not in client.get("/auth/companies/").content.decode()


def test_the_list_of_companies_names_ones_own_only(client, outside, globex):
    client.force_login(outside.rep.user)
    assert "Globex" not in client.get("/auth/companies/").content.decode()


def test_somebody_without_a_company_can_open_one(client, db):
    user = User.objects.create_user("lone@x.example", PASSWORD, name="Lone", language="en")
    client.force_login(user)
    assert "You belong to no company yet" in client.get("/", follow=True).content.decode()
    assert client.post("/auth/companies/new/", {"company": ""}).status_code == 422
    assert client.post("/auth/companies/new/", {"company": "Lone Works"})["Location"] == "/lone-works/"
    assert client.get("/auth/companies/new/").status_code == 405


def test_a_new_person_joins_by_the_link_and_is_signed_in(client, outside):
    member, secret = invited(outside, roles=["rep"], teams=[outside.north])
    page = client.get(link(outside, secret))
    assert page.status_code == 200
    assert "Acme" in page.content.decode()
    weak = client.post(link(outside, secret), {"name": "Ann", "password": "123"})
    assert weak.status_code == 422
    answer = client.post(link(outside, secret), {"name": "Ann Lee", "password": "a long sentence here"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/acme/today/"
    with enter(outside.tenant):
        member = Member.objects.of(outside.tenant).get(pk=member.pk)
        kinds = list(
            Event.objects.of(outside.tenant).filter(subject_id=member.pk).order_by("id").values_list("kind", flat=True)
        )
    assert (member.name, member.user.email) == ("Ann Lee", "ann@acme.example")
    assert kinds[-2:] == ["member.joined", "member.updated"]
    assert client.login(email="ann@acme.example", password="a long sentence here")


def test_an_account_signs_in_first_and_then_accepts(client, outside, globex):
    _member, secret = invited(outside, email=globex.stranger.user.email)
    page = client.get(link(outside, secret)).content.decode()
    assert "/auth/login/?next=/auth/join/acme/" in page
    assert client.post(link(outside, secret), {"name": "x", "password": "a long sentence here"}).status_code == 200
    assert not Seat.objects.filter(user=globex.stranger.user, tenant=outside.tenant).exists()
    client.post(
        f"/auth/login/?next={link(outside, secret)}", {"login": globex.stranger.user.email, "password": PASSWORD}
    )
    assert "You are signed in as" in client.get(link(outside, secret)).content.decode()
    assert client.post(link(outside, secret))["Location"] == "/acme/"
    assert client.get("/acme/today/").status_code == 200
    assert client.get("/globex/today/").status_code == 200


def test_a_link_to_another_address_warns_before_it_is_accepted(client, outside, globex):
    _member, secret = invited(outside)
    client.force_login(globex.stranger.user)
    assert "The invitation was sent to ann@acme.example" in client.get(link(outside, secret)).content.decode()


def ended(client, path) -> bool:
    answer = client.get(path, headers={"accept-language": "en"})
    posted = client.post(path, {"name": "Ann", "password": "a long sentence here"}, headers={"accept-language": "en"})
    return all(a.status_code == 409 and "This invitation has ended" in a.content.decode() for a in (answer, posted))


def test_a_link_works_once(client, outside):
    _member, secret = invited(outside)
    client.post(link(outside, secret), {"name": "Ann", "password": "a long sentence here"})
    client.logout()
    assert ended(client, link(outside, secret))


def test_links_that_ended_say_so(client, outside):
    member, old = invited(outside)
    with enter(outside.tenant):
        new = company.invite(member, by=outside.admin)
    assert ended(client, link(outside, old))
    with enter(outside.tenant):
        Invitation.objects.of(outside.tenant).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ended(client, link(outside, new))
    assert ended(client, link(outside, "0" * 64))
    assert ended(client, "/auth/join/nowhere/abc/")
    assert Seat.objects.filter(tenant=outside.tenant).count() == 9


def test_a_link_opens_no_other_company(client, outside, globex):
    _member, secret = invited(outside)
    assert ended(client, company.link_path(globex.tenant, secret))


def test_a_closed_company_takes_nobody(client, outside):
    _member, secret = invited(outside)
    Tenant.objects.filter(pk=outside.tenant.pk).update(status=Tenant.Status.CLOSED)
    assert ended(client, link(outside, secret))


def test_who_belongs_already_or_belonged_is_told(client, outside):
    _member, secret = invited(outside, email="second@acme.example")
    client.force_login(outside.rep.user)
    assert "You belong to this company already" in client.post(link(outside, secret)).content.decode()
    with enter(outside.tenant):
        company.deactivate(outside.rep, by=outside.admin)
    client.force_login(outside.rep.user)
    assert "Ask an administrator to reactivate you" in client.post(link(outside, secret)).content.decode()


def test_the_invitation_is_mailed_from_the_outbox_in_the_companys_language(outside):
    with enter(outside.tenant):
        company.update_company(outside.tenant, by=outside.admin, locale="en", name="Acme\r\nBcc: x@y.example")
    member, secret = invited(outside)
    assert mail.outbox == []
    outbox.drain_tenant(outside.tenant.pk)
    (sent,) = mail.outbox
    assert sent.recipients() == [member.email]
    assert link(outside, secret) in sent.body
    assert "invites you to Leadline" in sent.subject


def test_a_link_that_ended_before_the_mail_went_out_is_not_mailed(outside):
    member, _secret = invited(outside)
    with enter(outside.tenant):
        company.invite(member, by=outside.admin)
    outbox.drain_tenant(outside.tenant.pk)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("state", ["joined", "no address", "left"])
def test_an_invitation_without_sense_is_refused(acme, state):
    member = acme.rep if state == "joined" else company.add_member(by=acme.admin, name="Ann")
    if state == "left":
        member = company.add_member(by=acme.admin, name="Bob", email="bob@acme.example")
        company.deactivate(member, by=acme.admin)
    with pytest.raises((Refused, ValidationError)):
        company.invite(member, by=acme.admin)


@pytest.mark.django_db(transaction=True)
def test_two_who_accept_at_once_get_one_seat():
    with transaction.atomic():
        cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        member, secret = company.invite_member(by=cast.admin, name="Ann", email="ann@acme.example")
    users = [User.objects.create_user(f"u{n}@x.example", PASSWORD, name=f"U{n}") for n in range(4)]
    start, results = threading.Barrier(5), []

    def take(act):
        try:
            with enter(cast.tenant), transaction.atomic():
                invitation = company.open_invitation(cast.tenant, secret)
                start.wait(10)
                act(invitation)
                results.append("seated")
        except Refused as refused:
            results.append(refused.code)
        finally:
            connections.close_all()

    acts = [lambda i, u=u: company.accept(i, user=u) for u in users]
    acts.append(lambda i: company.accept_as_new_user(i, name="New", password="a long sentence here"))
    threads = [threading.Thread(target=take, args=[act]) for act in acts]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert sorted(results) == sorted(["seated", *["INVITATION_ENDED"] * 4])
    assert Seat.objects.filter(tenant=cast.tenant).count() == 10
    with enter(cast.tenant), transaction.atomic():
        assert Event.objects.of(cast.tenant).filter(kind="member.joined").count() == 1
        assert Member.objects.of(cast.tenant).get(pk=member.pk).user_id


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_dismiss_each_other():
    with transaction.atomic():
        cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        company.update_member(cast.rep, by=cast.admin, roles=["admin"], reach="all")
    start, results = threading.Barrier(2), []

    def dismiss(member, by):
        try:
            with enter(cast.tenant), transaction.atomic():
                start.wait(10)
                company.update_member(member, by=by, roles=["manager"])
                results.append("done")
        except Refused as refused:
            results.append(refused.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=dismiss, args=pair) for pair in ((cast.rep, cast.admin), (cast.admin, cast.rep))]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert sorted(results) == ["LAST_ADMIN", "done"]
