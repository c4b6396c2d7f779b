"""Every address of a company against people who have no business there (reliability.md T1, T2, A4)."""

import json
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client

from contracts import offers
from crm.core.company import actions as company
from crm.core.people.roles import Role
from crm.core.tenancy.state import enter, leave
from tests.conftest import BOTH, join, make_globex

from .addresses import Address, company_addresses, url
from .world import FOREIGN_ID, build, everything_of, start_ids_at

pytestmark = pytest.mark.django_db(databases=BOTH)
CANARY = "Gx7canary"
# Ids of another company where a page or the API asks which record is meant.
ASKED_FOR = (
    "account", "batch", "contact", "contract", "deal", "invoice", "key", "legal_entity", "line", "lines", "member",
    "opportunity", "order", "owner", "pk", "pool", "price_list", "product", "quote", "receipt", "receivable",
    "statement", "subject", "tax_code", "team", "template", "to",
)  # fmt: skip
FOREIGN = dict.fromkeys(ASKED_FOR, FOREIGN_ID)
UNSAFE = ("post", "put", "patch", "delete")
# Who holds every role meets every line of code; the roles by themselves are walked at night.
EVERY_ROLE = sorted(set(Role.values) - {Role.PARTNER})
READERS = [EVERY_ROLE, *(pytest.param([role], marks=pytest.mark.nightly) for role in Role.values)]


@pytest.fixture
def two_companies(acme):
    """Acme with rows, and Globex whose ids begin where Acme's never come."""
    mine = build(acme, "Acme")
    with leave():
        start_ids_at(FOREIGN_ID)
        globex = make_globex()
    with enter(globex.tenant):
        theirs = build(globex, CANARY)
    yield acme, mine, globex, theirs
    start_ids_at(1_000_000)


def client_of(member) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(member.user)
    return client


def ask(client: Client, method: str, path: str, address: Address, **values):
    if method not in UNSAFE:
        return getattr(client, method)(path, values)
    body = json.dumps(values) if address.is_api else urlencode(values)
    kind = "application/json" if address.is_api else "application/x-www-form-urlencoded"
    return client.generic(method.upper(), path, data=body, content_type=kind)


def body_of(response) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace") + str(dict(response.headers))


def test_a_member_of_another_company_finds_nothing(two_companies):
    acme, mine, globex, _ = two_companies
    client, found = client_of(globex.stranger), []
    with leave():
        for address in company_addresses():
            for method in ("get", "head", "options", *UNSAFE) if address.is_api else ("get", "post"):
                response = ask(client, method, url(address, tenant="acme"), address)
                if response.status_code not in (404, 405) or "Acme" in body_of(response):
                    found.append((method, address.route, response.status_code))
    assert not found, found


def test_nobody_unknown_gets_in(two_companies):
    found = []
    with leave():
        for address in company_addresses():
            for method in ("get", "post"):
                response = ask(Client(), method, url(address, tenant="acme"), address)
                wanted = 401 if address.is_api else 302
                if response.status_code != wanted or CANARY in body_of(response):
                    found.append((method, address.route, response.status_code))
    assert not found, found


def test_a_token_opens_its_own_company_only(two_companies):
    acme, _, globex, _ = two_companies
    with enter(globex.tenant):
        _, secret = company.create_token(globex.admin, by=globex.admin, name="t")
    with leave():
        for address in (one for one in company_addresses() if one.is_api):
            response = Client().get(url(address, tenant="acme"), headers={"Authorization": f"Token {secret}"})
            assert response.status_code == 401, address.route


def test_the_link_of_a_quote_opens_its_own_company_only(two_companies):
    """Addresses without a session: the secret of Globex's quote finds nothing at Acme's, whatever is asked."""
    _, mine, _, theirs = two_companies
    link, client = offers.path_of(theirs.sent, "globex"), Client()
    elsewhere = [link.replace("/globex/", "/acme/"), offers.path_of(mine.sent, "globex")]
    with leave():
        assert CANARY in body_of(client.get(link))
        answers = [
            client.generic(method, path + part)
            for path in elsewhere
            for part, method in (("", "GET"), ("pdf/", "GET"), ("accept/", "POST"), ("decline/", "POST"))
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert not [answer for answer in answers if CANARY in body_of(answer)]


@pytest.mark.parametrize("roles", READERS, ids="+".join)
def test_ids_of_another_company_do_not_exist(two_companies, roles):
    acme, _, globex, _ = two_companies
    client, found = client_of(join(acme.admin, "Reader", *roles)), []
    with enter(globex.tenant):
        before = everything_of(globex.tenant.pk)
    with leave():
        for address in company_addresses():
            for method in {*address.methods, "get", "post", "patch", "delete"} if address.is_api else ("get", "post"):
                response = ask(client, method, url(address), address, **({} if address.takes_id else FOREIGN))
                right = response.status_code in (404, 405, 403) if address.takes_id else response.status_code < 500
                if not right or CANARY in body_of(response):
                    found.append((method, address.route, response.status_code))
    assert not found, "\n".join(map(str, found))
    with enter(globex.tenant):
        assert everything_of(globex.tenant.pk) == before


def test_every_id_tried_is_a_row_of_the_other_company(two_companies):
    """Its own people find something at each of these addresses: what others do not find is there."""
    _, _, globex, _ = two_companies
    with enter(globex.tenant):
        company.update_member(globex.admin, by=globex.admin, roles=EVERY_ROLE, reach="all")
    client = client_of(globex.admin)
    with leave():
        hollow = [one.route for one in company_addresses() if one.takes_id and not _is_found(client, one)]
    assert not hollow, hollow


def _is_found(client, address) -> bool:
    """By reading, or else by an empty form or body, whose effects are taken back."""
    for method in ("get", *(set(address.methods) - {"get", "delete"})):
        with transaction.atomic():
            status = ask(client, method, url(address, tenant="globex"), address).status_code
            transaction.set_rollback(True)
        if status not in (404, 405):
            return True
    return False


def test_unsafe_requests_need_a_csrf_token(two_companies):
    acme, *_ = two_companies
    client = Client(enforce_csrf_checks=True)
    client.force_login(acme.admin.user)
    with leave():
        for address in company_addresses():
            response = ask(client, "post", url(address), address)
            # 415: the token is looked for in the body, and this address takes files only.
            refused = (403, 404, 405, 415) if address.takes_id else (403, 405, 415)
            assert response.status_code in refused, (address.route, response.status_code)


def test_reading_changes_nothing(two_companies):
    acme, *_ = two_companies
    client = client_of(acme.admin)
    with leave():
        client.get("/acme/")
    before = everything_of(acme.tenant.pk)
    with leave():
        for address in company_addresses():
            if not address.takes_id:
                client.get(url(address))
    assert everything_of(acme.tenant.pk) == before
