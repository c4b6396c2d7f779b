"""A retried POST has one effect and gets the first answer again (domain.md INV-G5, reliability.md M4)."""

import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from crm.core.catalog.models import Product
from crm.core.company import actions as company
from crm.core.tenancy.state import enter
from crm.core.web import idempotency
from crm.core.web.api import _said
from crm.core.web.models import IdempotencyKey
from tests.conftest import make_acme

pytestmark = pytest.mark.django_db
PRODUCTS = "products/"


def count(tenant) -> int:
    return Product.objects.of(tenant).count()


def test_the_same_request_is_answered_again_without_an_effect(acme, api):
    call = api(acme.admin)
    first = call("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k")
    again = call("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Replayed" not in first.headers
    assert again["Replayed"] == "true"
    assert count(acme.tenant) == 1


def test_another_body_or_address_under_the_same_key_is_refused(acme, api):
    call = api(acme.admin)
    call("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k")
    for path, body in (
        (PRODUCTS, {"name": "Valve"}),
        (f"{PRODUCTS}?x=1", {"name": "Pump"}),
        ("teams/", {"name": "Pump"}),
    ):
        answer = call("post", path, body, idempotency_key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "KEY_REUSED")
    assert count(acme.tenant) == 1


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "Taken"}, {}])
def test_a_refusal_is_not_kept_so_that_the_corrected_request_may_use_the_key(acme, api, body):
    call = api(acme.admin)
    call("post", PRODUCTS, {"name": "Taken"})
    assert call("post", PRODUCTS, body, idempotency_key="k").status_code == 400
    assert not IdempotencyKey.objects.of(acme.tenant).exists()
    assert call("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k").status_code == 201


def test_a_forbidden_request_is_not_kept(acme, api):
    assert api(acme.rep)("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k").status_code == 403
    assert not IdempotencyKey.objects.of(acme.tenant).exists()


def test_a_failure_of_the_server_is_not_kept(acme, api, client, monkeypatch):
    from crm.core.catalog import actions

    def fail(**_values):
        raise RuntimeError("broken")

    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(actions, "create_product", fail)
        assert api(acme.admin)("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k").status_code == 500
    assert api(acme.admin)("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k").status_code == 201


def test_keys_belong_to_one_member_of_one_company(acme, globex, api):
    assert api(acme.admin)("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k").status_code == 201
    company.update_member(acme.rep, by=acme.admin, roles=["admin"], reach="all")
    assert api(acme.rep)("post", PRODUCTS, {"name": "Valve"}, idempotency_key="k").status_code == 201
    with enter(globex.tenant):
        foreign = api(globex.admin)("post", PRODUCTS, {"name": "Pump"}, idempotency_key="k")
        assert (foreign.status_code, "Replayed" in foreign.headers) == (201, False)


def test_a_key_that_is_too_long_is_refused_and_not_cut(acme, api):
    call = api(acme.admin)
    assert call("post", PRODUCTS, {"name": "a"}, idempotency_key="x" * 100).status_code == 201
    answer = call("post", PRODUCTS, {"name": "b"}, idempotency_key="x" * 101)
    assert (answer.status_code, answer.json()["code"]) == (400, "KEY_TOO_LONG")


def test_without_a_key_every_request_counts(acme, api):
    call = api(acme.admin)
    assert [call("post", PRODUCTS, {"name": f"p{n}"}).status_code for n in range(2)] == [201, 201]


def test_keys_are_forgotten_after_thirty_days(acme, api):
    call = api(acme.admin)
    call("post", PRODUCTS, {"name": "old"}, idempotency_key="old")
    call("post", PRODUCTS, {"name": "new"}, idempotency_key="new")
    past = timezone.now() - idempotency.KEPT - timedelta(minutes=1)
    IdempotencyKey.objects.of(acme.tenant).filter(key="old").update(created_at=past)
    assert idempotency.forget_keys(acme.tenant) == 1
    assert IdempotencyKey.objects.of(acme.tenant).get().key == "new"


def test_a_form_with_a_file_is_the_same_whatever_its_boundary():
    def said(content: bytes):
        file = SimpleUploadedFile("a.csv", content)
        return _said(RequestFactory().post("/", {"kind": "leads", "file": file}))

    def with_boundary(mark: str):
        body = f'--{mark}\r\nContent-Disposition: form-data; name="kind"\r\n\r\nleads\r\n--{mark}--\r\n'
        return _said(RequestFactory().post("/", body, content_type=f"multipart/form-data; boundary={mark}"))

    assert with_boundary("aaa") == with_boundary("bbb")
    assert said(b"same") == said(b"same")
    assert said(b"one!") != said(b"two!")


# --- races -----------------------------------------------------------------------------------------------------------


def storm(size: int, send) -> list:
    """`send(n)` from that many threads at once, each with a connection of its own."""
    start, answers = threading.Barrier(size), []

    def run(n):
        try:
            start.wait(20)
            answers.append(send(n))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[n]) for n in range(size)]
    [thread.start() for thread in threads]
    [thread.join(90) for thread in threads]
    return answers


def poster(secret: str):
    def post(name: str, key: str | None):
        headers = {"Authorization": f"Token {secret}"} | ({"Idempotency-Key": key} if key else {})
        return Client().post("/acme/api/v1/products/", {"name": name}, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def post(transactional_db):
    with transaction.atomic():
        cast = make_acme()
        with enter(cast.tenant):
            _token, secret = company.create_token(cast.admin, by=cast.admin, name="storm")
    post = poster(secret)
    post.tenant = cast.tenant
    return post


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_twenty_at_once_have_one_effect_and_one_answer(post):
    answers = storm(20, lambda n: post("Pump", "k"))
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.content for answer in answers}) == 1
    assert sum("Replayed" not in answer.headers for answer in answers) == 1
    with enter(post.tenant), transaction.atomic():
        assert count(post.tenant) == 1


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_without_the_key_the_storm_would_do_it_many_times(post):
    """The control: the set-up does race (the names differ, as the same one could not be taken twice)."""
    answers = storm(6, lambda n: post(f"Pump {n}", None))
    assert [answer.status_code for answer in answers] == [201] * 6


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_two_bodies_at_once_under_one_key_have_one_effect(post):
    answers = storm(10, lambda n: post(f"Pump {n % 2}", "k"))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * 5 + [422] * 5
    with enter(post.tenant), transaction.atomic():
        assert count(post.tenant) == 1


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_who_waits_too_long_is_told_to_try_again(post, monkeypatch):
    """The first request still runs when the lock timeout of the second ends: 409, and nothing twice."""
    held, done = threading.Event(), threading.Event()
    from crm.core.catalog import actions

    create = actions.create_product

    def slow(**values):
        held.set()
        done.wait(30)
        return create(**values)

    monkeypatch.setattr(actions, "create_product", slow)
    answers = []

    def first():
        try:
            answers.append(post("Pump", "k"))
        finally:
            connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert held.wait(30)
    second = post("Pump", "k")
    done.set()
    thread.join(30)
    assert (second.status_code, second.json()["code"]) == (409, "STILL_RUNNING")
    assert answers[0].status_code == 201
    with enter(post.tenant), transaction.atomic():
        assert count(post.tenant) == 1
