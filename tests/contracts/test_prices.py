"""Tax codes and price lists: dates, defaults, floors, who may, pages and API."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError

from contracts.actions import prices
from contracts.models import Price, PriceList, TaxCode
from crm.core import records
from crm.core.catalog.models import Product
from crm.core.entities.models import LegalEntity
from crm.core.errors import Forbidden
from crm.core.events.models import Event
from tests.conftest import BOTH

pytestmark = pytest.mark.django_db(databases=BOTH)


@pytest.fixture
def listed(acme):
    return PriceList.objects.of(acme.tenant).get(is_default=True)


@pytest.fixture
def pump(acme):
    return records.create(Product, by=acme.admin, name="Pump", list_price=D("120.00"))


def codes(acme, name):
    return list(TaxCode.objects.of(acme.tenant).filter(code=name).order_by("valid_from"))


def test_a_company_starts_with_the_rates_of_the_law_and_a_price_list(acme, listed):
    rates = {row.code: row.rate for row in TaxCode.objects.of(acme.tenant)}
    assert rates == {
        "V13": D("0.13"), "V9": D("0.09"), "V6": D("0.06"), "L5": D("0.05"), "L3": D("0.03"), "L1": D("0.01"),
        "Z0": 0, "EX": 0, "NT": 0,
    }  # fmt: skip
    assert codes(acme, "L1")[0].valid_until == date(2027, 12, 31)
    assert prices.current_list(acme.tenant, acme.tenant.today()) == listed


def test_a_new_rate_takes_over_from_its_first_day(acme):
    new = prices.create_tax_code(
        by=acme.finance, code="v13", name="VAT 12 %", rate=D("0.12"), valid_from=date(2030, 1, 1)
    )
    old, kept = codes(acme, "V13")
    assert (old.valid_until, kept) == (date(2029, 12, 31), new)
    in_force = lambda day: prices.tax_codes_on(acme.tenant, day).get(code="V13").rate  # noqa: E731
    assert (in_force(date(2029, 12, 31)), in_force(date(2030, 1, 1))) == (D("0.13"), D("0.12"))


def test_two_rows_of_a_code_never_cover_one_day(acme):
    with pytest.raises(ValidationError, match="covers these days"):
        prices.create_tax_code(by=acme.finance, code="V13", name="x", rate=D("0.1"), valid_from=date(2018, 1, 1))
    with pytest.raises(ValidationError, match="covers these days"):
        prices.create_tax_code(by=acme.finance, code="V13", name="x", rate=D("0.1"), valid_from=date(2019, 4, 1))
    before = {"valid_from": date(2018, 5, 1), "valid_until": date(2019, 3, 31)}
    prices.create_tax_code(by=acme.finance, code="V13", name="VAT 16 %", rate=D("0.16"), **before)
    with pytest.raises(ValidationError, match="covers these days"):
        prices.update_tax_code(codes(acme, "V13")[0], by=acme.finance, valid_until=date(2019, 4, 1))


def test_a_rate_is_never_edited(acme):
    with pytest.raises(ValidationError, match="add a new row"):
        prices.update_tax_code(codes(acme, "V6")[0], by=acme.finance, rate=D("0.07"))


def test_the_usual_rate_follows_the_taxpayer(acme):
    entity = LegalEntity.objects.of(acme.tenant).get(is_default=True)
    assert prices.usual_tax_code(entity, acme.tenant.today()).code == "V13"
    entity.taxpayer = "small_scale"
    assert prices.usual_tax_code(entity, acme.tenant.today()).code == "L3"


def test_floors_lie_below_prices_and_a_product_has_one_price(acme, listed, pump):
    price = prices.add_price(listed, by=acme.finance, product=pump, price=D("100"), floor=D("80"))
    with pytest.raises(ValidationError, match="floor is above"):
        prices.update_price(price, by=acme.finance, floor=D("100.01"))
    with pytest.raises(ValidationError, match="has a price in the list"):
        prices.add_price(listed, by=acme.finance, product=pump, price=D("1"), floor=D("1"))
    prices.remove_price(price, by=acme.finance)
    told = Event.objects.of(acme.tenant).get(kind="pricelist.price_removed")
    assert told.data == {"product": pump.pk, "price": "100.00", "floor": "80.00"}


def test_a_list_may_start_with_anothers_prices_and_one_is_the_default(acme, listed, pump):
    prices.add_price(listed, by=acme.finance, product=pump, price=D("100"), floor=D("80"))
    day = acme.tenant.today()
    new = prices.create_price_list(by=acme.finance, name="2031", valid_from=day, is_default=True, copy_of=listed)
    assert [(row.product, row.floor) for row in new.prices.all()] == [(pump, D("80"))]
    assert prices.current_list(acme.tenant, day) == new
    with pytest.raises(ValidationError, match="another default"):
        prices.update_price_list(new, by=acme.finance, is_default=False)
    prices.update_price_list(new, by=acme.finance, valid_until=day)
    assert prices.current_list(acme.tenant, day + timedelta(days=1)) is None
    with pytest.raises(ValidationError, match="ends before"):
        prices.update_price_list(new, by=acme.finance, valid_until=day - timedelta(days=1))


@pytest.mark.parametrize("role", ["rep", "manager", "presales", "legal", "partner"])
def test_only_finance_and_administrators_keep_prices(acme, listed, pump, role):
    member = getattr(acme, role)
    for act in (
        lambda: prices.add_price(listed, by=member, product=pump, price=D(1), floor=D(1)),
        lambda: prices.create_price_list(by=member, name="x", valid_from=date(2030, 1, 1)),
        lambda: prices.create_tax_code(by=member, code="X", name="x", rate=D(0), valid_from=date(2030, 1, 1)),
    ):
        with pytest.raises(Forbidden):
            act()


def test_a_partner_sees_no_floors(acme, listed, sign_in, api):
    assert sign_in(acme.partner).get(f"/acme/prices/{listed.pk}/").status_code == 403
    assert api(acme.partner)("get", "prices/").status_code == 403


def test_the_pages(acme, listed, pump, sign_in):
    client = sign_in(acme.finance)
    base = f"/acme/prices/{listed.pk}/"
    wrong = client.post(f"{base}new/", {"product": pump.pk, "price": "10", "floor": "11"})
    assert wrong.status_code == 422 and "floor is above" in wrong.content.decode()
    assert client.post(f"{base}new/", {"product": pump.pk, "price": "10", "floor": "9"}).status_code == 302
    assert "10.00" in client.get(base).content.decode()
    price = Price.objects.of(acme.tenant).get()
    at = f"/acme/prices/of/{price.pk}/"
    assert client.get(at).status_code == 200
    assert client.post(at, {"price": "12", "floor": "9", "version": price.version}).status_code == 302
    price.refresh_from_db()
    assert price.price == D("12.00")
    assert client.post(f"/acme/prices/of/{price.pk}/remove/").status_code == 302
    data = {"code": "V13", "name": "VAT 12", "percent": "12", "valid_from": "2030-01-01"}
    assert client.post("/acme/settings/tax-codes/new/", data).status_code == 302
    assert codes(acme, "V13")[1].rate == D("0.12")
    assert "2029-12-31" in client.get("/acme/settings/tax-codes/").content.decode()
    assert client.get("/acme/prices/").status_code == 200


def test_the_list_asks_the_same_whatever_its_length(acme, listed, sign_in, django_assert_max_num_queries):
    client = sign_in(acme.finance)
    for n in range(30):
        product = records.create(Product, by=acme.admin, name=f"P{n}")
        prices.add_price(listed, by=acme.finance, product=product, price=D("2"), floor=D("1"))
    client.get(f"/acme/prices/{listed.pk}/")
    with django_assert_max_num_queries(12):
        client.get(f"/acme/prices/{listed.pk}/")


def test_the_api(acme, listed, pump, api):
    call = api(acme.finance)
    made = call("post", "prices/", {"price_list": listed.pk, "product": pump.pk, "price": "10.00", "floor": "9.00"})
    assert made.status_code == 201, made.content
    pk = made.json()["id"]
    assert call("patch", f"prices/{pk}/", {"floor": "11.00"}).status_code == 400
    assert call("patch", f"prices/{pk}/", {"floor": "8.00"}).json()["floor"] == "8.00"
    assert call("get", f"prices/?price_list={listed.pk}&q=pum").json()["results"][0]["id"] == pk
    found = api(acme.rep)("get", "tax-codes/?on=2028-01-01").json()["results"]
    assert "L1" not in {row["code"] for row in found} and len(found) == 8
    assert (
        call("post", "tax-codes/", {"code": "V13", "name": "x", "rate": "2", "valid_from": "2030-01-01"}).status_code
        == 400
    )
