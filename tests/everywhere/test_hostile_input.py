"""Input that nobody types: mass assignment (A1), broken queries and bodies (A10). Never a 500, nothing smuggled in.

A commit deals the broken inputs out: every address gets some of them, every one of them goes to some addresses.
`make nightly` sends everything everywhere.
"""

import json
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import resolve

from crm.core.company import actions as company
from crm.core.people.models import Member
from crm.core.tenancy.state import leave
from crm.core.web.api import RecordViewSet
from tests.conftest import BOTH, join

from .addresses import company_addresses, url
from .test_strangers import EVERY_ROLE
from .world import build

pytestmark = pytest.mark.django_db(databases=BOTH)

QUERIES = [
    "ordering=password", "ordering=-tenant__slug", "order=__", "page_size=1000000", "page_size=-1", "page_size=NaN",
    "cursor=garbage", "cursor=%00", "after=garbage", "after=WzFd", "after=WyJ4Il0", "q=%00", "q=%25%27%22;--",
    "q=" + "x" * 5000,
    "owner=99999999999999999999999", "owner=abc", "account=-1", "pool=1e9", "stage=%F0%9F%92%A3", "status=nothing",
    "period=2026-13", "period=99999", "team=0x1", "product=NaN", "created_after=notadate",
    "view=../../etc", "min=Infinity", "account=%C2%B2&pk=%C2%B2&lines-TOTAL_FORMS=%C2%B2", "currency=%00",
    "account=" + "9" * 5000, "lines-TOTAL_FORMS=" + "9" * 5000, "line=%C2%B2", "month=9999-99", "as_of=0000-00-00",
    "by=nothing", "bucket=%C2%B2", "box=nothing", "line=99999999999999999999",
]  # fmt: skip
BODIES = [
    "", "[]", "null", "17", '"text"', "{", '{"name": null}', '{"name": ["a"]}', '{"name": {"$ne": 1}}',
    '{"name": "a\\u0000b"}', '{"name": "' + "x" * 100_000 + '"}', '{"account": 99999999999999999999999}',
    '{"amount": "NaN"}', '{"amount": 1e400}', '{"amount": "-1"}', '{"version": "x"}', '{"roles": "admin"}',
    '{"name": "\\ud800"}', '{"occurred_at": "9999-99-99"}', '{"due_at": "0000-00-00T00:00Z"}',
]  # fmt: skip
# The row of the world behind each resource of the API.
ROWS = {
    "accounts": "account", "activities": "visit", "allocations": "used", "approval-flows": "flow",
    "approval-tasks": "decision", "approvals": "instance", "attachments": "file", "bank-accounts": "bank",
    "bank-lines": "line", "batches": "batch", "change-orders": "change", "contacts": "contact",
    "contracts": "drafted", "credit-classes": "credit_class", "delegations": "deputy", "dunning-notices": "reminder",
    "dunning-policies": "policy", "handovers": "contract", "imports": "sheet", "invoice-requests": "request",
    "invoices": "invoice", "leads": "lead", "legal-entities": "entity", "members": "invited",
    "notifications": "notice", "opportunities": "deal", "orders": "order", "periods": "month",
    "pipelines": "pipeline", "plans": "draft_plan", "pools": "pool", "price-lists": "price_list", "prices": "price",
    "products": "product", "promises": "promise", "provision-rates": "matrix", "provision-runs": "provision",
    "quotes": "quote", "receipts": "receipt", "receivables": "receivable", "refunds": "refund",
    "reminders": "second", "renewals": "contract", "statements": "statement", "statements-of-account": "account",
    "tasks": "task", "tax-codes": "tax", "teams": "team", "tokens": "token", "write-offs": "loss",
}  # fmt: skip
UNTOLD = ("version", "updated_at")
# An edit of a flow makes its next version, which is the current one from then on.
FOLLOWS = [("approval-flows", "is_current")]


@pytest.fixture
def world(acme):
    world = build(acme, "Acme")
    world.flow, world.pipeline = world.instance.flow, world.deal.pipeline
    return world


@pytest.fixture
def everybody(acme):
    """Who holds every role gets behind every permission."""
    return join(acme.admin, "Everybody", *EVERY_ROLE, reach="all")


def with_token(member) -> Client:
    _, secret = company.create_token(member, by=member, name="t")
    return Client(headers={"Authorization": f"Token {secret}"})


HANDS = 5
ALL_OR_DEALT = pytest.mark.parametrize("hands", [HANDS, pytest.param(1, marks=pytest.mark.nightly)])


@ALL_OR_DEALT
def test_no_query_string_breaks_a_list(everybody, world, hands):
    page, broken = Client(), []
    page.force_login(everybody.user)
    lists = [
        one for one in company_addresses() if not one.takes_id and "get" in one.methods and "schema" not in one.route
    ]
    with leave():
        for number, address in enumerate(lists):
            for query in QUERIES[number % hands :: hands]:
                status = page.get(f"{url(address)}?{query}").status_code
                if status >= 500:
                    broken.append((address.route, query[:60], status))
    assert not broken, broken


@ALL_OR_DEALT
def test_no_body_breaks_the_api(everybody, world, hands):
    api, broken = with_token(everybody), []
    takers = [one for one in company_addresses() if one.is_api and {"post", "patch"} & set(one.methods)]
    with leave():
        for number, address in enumerate(takers):
            path = url(address, pk=_pk(address, world), verb="")
            for body in BODIES[number % hands :: hands]:
                for method in ("post", "patch"):
                    status = api.generic(method.upper(), path, data=body, content_type="application/json").status_code
                    if status >= 500:
                        broken.append((method, address.route, body[:60], status))
    assert not broken, broken


def _segment(address) -> str:
    return address.route.split("api/v1/")[1].split("/")[0]


def _pk(address, world) -> int:
    return getattr(world, ROWS[_segment(address)]).pk if address.takes_id else 0


def _writable() -> list[str]:
    """Resources whose view says what a PATCH does."""
    details = [one for one in company_addresses() if one.name.endswith("-detail") and "patch" in one.methods]
    views = {_segment(one): resolve(url(one)).func.cls for one in details}
    inherited = (None, getattr(RecordViewSet, "perform_update", None))
    return [segment for segment, view in views.items() if getattr(view, "perform_update", None) not in inherited]


def test_a_patch_changes_only_what_its_serializer_declares(acme, world, everybody):
    """Every column of the model, and the usual suspects, in one body."""
    smuggled, written = [], _writable()
    api = with_token(everybody)
    for segment in written:
        record = getattr(world, ROWS[segment])
        path = f"/acme/api/v1/{segment}/{record.pk}/"
        view = resolve(path).func.cls
        writable = {f for f, field in _serializer(view, everybody).get_fields().items() if not field.read_only}
        columns = [f for f in record._meta.concrete_fields if f.name not in {*writable, *UNTOLD}]
        body = {f.name: acme.other_rep.pk if f.is_relation else _hostile(f) for f in columns}
        body |= {"tenant": 1, "tenant_id": 1, "owner": acme.other_rep.pk, "approved": True, "amount_paid": "1.00"}
        body = {key: value for key, value in body.items() if key not in writable and key != "version"}
        before = {f.name: f.value_from_object(_again(record)) for f in columns}
        with leave():
            api.patch(path, json.dumps(body), content_type="application/json")
        after = {f.name: f.value_from_object(_again(record)) for f in columns}
        smuggled += [(segment, key) for key in before if before[key] != after[key]]
    assert smuggled == FOLLOWS, smuggled
    assert len(written) > 20


def _serializer(view, member):
    """The serializer of a PATCH by `member`."""
    request = SimpleNamespace(_request=SimpleNamespace(member=member))
    return view(action="partial_update", request=request, format_kwarg=None).get_serializer_class()()


def _again(record):
    return type(record)._base_manager.get(pk=record.pk)


def _hostile(field):
    kind = field.get_internal_type()
    if "Integer" in kind or kind in ("BigAutoField", "DecimalField"):
        return 99
    if kind == "BooleanField":
        return True
    if "Date" in kind:
        return "2031-01-01T00:00:00Z" if kind == "DateTimeField" else "2031-01-01"
    return field.choices[-1][0] if field.choices else "smuggled"


def test_nobody_gives_himself_a_role(acme):
    """A member's own page and API cannot raise rights."""
    client = Client()
    client.force_login(acme.rep.user)
    with leave():
        client.post("/acme/settings/profile/", {"name": "Rep", "roles": "admin", "reach": "all"})
        client.patch("/acme/api/v1/me/", json.dumps({"roles": ["admin"]}), content_type="application/json")
    rep = Member.objects.of(acme.tenant).get(pk=acme.rep.pk)
    assert (rep.roles, rep.reach) == (["rep"], "own")
