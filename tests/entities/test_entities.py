"""Legal entities: the one a company starts with, the default, credit codes, who may, pages and API."""

import pytest
from django.core.exceptions import ValidationError

from crm.core.entities import actions
from crm.core.entities.models import LegalEntity
from crm.core.errors import Forbidden, Refused
from crm.core.tenancy.state import enter
from tests.conftest import BOTH

pytestmark = pytest.mark.django_db(databases=BOTH)

CODE = "91110000600037341L"


def defaults(acme):
    return list(LegalEntity.objects.of(acme.tenant).filter(is_default=True))


def test_a_company_starts_with_itself(acme):
    (entity,) = defaults(acme)
    assert (entity.name, entity.code, entity.taxpayer) == ("Acme", "AC", "general")


@pytest.mark.parametrize(
    ("name", "code"), [("恒润科技", "HRKJ"), ("Nova Tools", "NT"), ("Acme", "AC"), ("!!!", "01"), ("上海 ABC", "SHA")]
)
def test_the_code_of_a_name(name, code):
    assert actions.initials(name) == code


def test_the_default_moves_and_there_is_always_one(acme):
    (first,) = defaults(acme)
    second = actions.create_entity(by=acme.admin, name="Acme East", code="ae", is_default=True)
    assert second.code == "AE" and defaults(acme) == [second]
    with pytest.raises(ValidationError, match="Choose another default first"):
        actions.update_entity(second, by=acme.admin, is_default=False)
    with pytest.raises(ValidationError, match="default stays active"):
        actions.update_entity(second, by=acme.admin, is_active=False)
    actions.update_entity(first, by=acme.admin, is_default=True)
    assert defaults(acme) == [first]
    actions.update_entity(LegalEntity.objects.of(acme.tenant).get(code="AE"), by=acme.admin, is_active=False)
    assert actions.default_entity(acme.tenant) == first


def test_without_any_entity_the_sentence_says_whom_to_ask(acme):
    LegalEntity.objects.of(acme.tenant).update(is_active=False)
    with pytest.raises(Refused, match="Ask an administrator"):
        actions.default_entity(acme.tenant)


def test_credit_codes_and_codes_are_checked(acme):
    entity = actions.create_entity(by=acme.admin, name="E", code="E1", uscc="９１１１００００６００037341l")
    assert entity.uscc == CODE
    for values in ({"uscc": CODE[:-1] + "N"}, {"code": "长"}, {"code": "A-1"}, {"code": ""}, {"code": "A" * 9}):
        with pytest.raises(ValidationError):
            actions.update_entity(entity, by=acme.admin, **values)
    with pytest.raises(ValidationError, match="Another legal entity uses this code"):
        actions.create_entity(by=acme.admin, name="F", code="e1")


@pytest.mark.parametrize("role", ["rep", "manager", "finance", "legal", "presales", "partner"])
def test_only_administrators_keep_them(acme, role, sign_in):
    with pytest.raises(Forbidden):
        actions.create_entity(by=getattr(acme, role), name="X", code="X")
    assert sign_in(getattr(acme, role)).get("/acme/settings/entities/").status_code == 403


def test_the_pages(acme, sign_in):
    client = sign_in(acme.admin)
    assert b"Acme" in client.get("/acme/settings/entities/").content
    wrong = client.post("/acme/settings/entities/new/", {"name": "East", "code": "E!", "taxpayer": "general"})
    assert wrong.status_code == 422 and "capital letters and digits" in wrong.content.decode()
    made = client.post(
        "/acme/settings/entities/new/",
        {"name": "East", "code": "EA", "taxpayer": "small_scale", "uscc": CODE, "is_active": "on"},
    )
    assert made.status_code == 302
    east = LegalEntity.objects.of(acme.tenant).get(code="EA")
    stale = client.post(
        f"/acme/settings/entities/{east.pk}/",
        {"name": "East", "code": "EA", "taxpayer": "general", "is_active": "on", "version": 99},
    )
    assert stale.status_code == 409
    assert client.get(f"/acme/settings/entities/{east.pk}/").status_code == 200


def test_the_api(acme, api, globex):
    call = api(acme.admin)
    made = call("post", "legal-entities/", {"name": "West", "code": "WE"}, Idempotency_Key="once")
    again = call("post", "legal-entities/", {"name": "West", "code": "WE"}, Idempotency_Key="once")
    assert made.status_code == 201 and again.json() == made.json() and again["Replayed"] == "true"
    pk = made.json()["id"]
    assert call("patch", f"legal-entities/{pk}/", {"uscc": "1"}).status_code == 400
    assert call("patch", f"legal-entities/{pk}/", {"phone": "021-1", "version": 1}).json()["version"] == 2
    assert call("patch", f"legal-entities/{pk}/", {"phone": "021-2", "version": 1}).status_code == 409
    assert api(acme.rep)("post", "legal-entities/", {"name": "No", "code": "NO"}).status_code == 403
    names = {row["name"] for row in api(acme.rep)("get", "legal-entities/").json()["results"]}
    assert names == {"Acme", "West"}
    with enter(globex.tenant):
        stranger = api(globex.stranger)
    assert stranger("get", f"legal-entities/{pk}/").status_code == 404
