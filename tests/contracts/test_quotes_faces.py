"""Quotes on pages, over REST, on paper and on the customer's public page."""

import io
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from contracts import offers, quote_paper
from contracts.actions import prices, quotes
from contracts.models import Quote
from crm.core import records
from crm.core.catalog.models import Product
from crm.core.events.models import Event
from crm.core.tenancy.state import enter, leave
from crm.core.web import pdf
from opportunities.models import Opportunity
from tests.conftest import BOTH

from .quoting import line, make_quote, make_sent, make_trade

pytestmark = pytest.mark.django_db(databases=BOTH)
CANARY = "canary-internal"


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def trade(acme):
    return make_trade(acme)


def text_of(body: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


def typed(trade, *rows, **values) -> dict:
    """What the editor posts: (product, quantity, price, discount) for each row."""
    data = {"opportunity": trade.deal.pk, "price_list": trade.listed.pk, "row": [], **values}
    for n, (product, quantity, price, discount) in enumerate(rows):
        data["row"].append(n)
        names = {"product": product.pk if product else "", "quantity": quantity, "unit_price": price}
        names |= {"discount": discount, "tax_code": trade.tax.pk}
        data |= {f"line-{n}-{name}": value for name, value in names.items()}
    return data


# --- pages ------------------------------------------------------------------------------------------


def test_from_the_deal_to_a_quote_and_its_page(acme, trade, sign_in):
    client = sign_in(acme.rep)
    panel = client.get(f"/acme/quotes/of/{trade.deal.pk}/").content.decode()
    assert f"/acme/quotes/new/?opportunity={trade.deal.pk}" in panel
    page = client.get(f"/acme/quotes/new/?opportunity={trade.deal.pk}").content.decode()
    assert trade.deal.name in page and trade.listed.name in page
    entity = quotes.default_entity(acme.tenant).pk
    made = client.post("/acme/quotes/new/", typed(trade, (trade.pump, "2", "100.00", "25"), legal_entity=entity))
    quote = Quote.objects.of(acme.tenant).get()
    assert made.url == f"/acme/quotes/{quote.pk}/" and quote.amount == D("150.00") and quote.below_floor
    page = client.get(made.url).content.decode()
    assert "Needs approval" in page and "150.00" in page and "壹佰伍拾元整" in page
    assert f"/acme/quotes/{quote.pk}/" in client.get(f"/acme/quotes/of/{trade.deal.pk}/").content.decode()


def test_the_editor_keeps_what_was_typed_and_says_what_is_wrong(acme, trade, sign_in):
    client, quote = sign_in(acme.rep), make_quote(acme, trade)
    data = typed(trade, (trade.pump, "many", "100.00", "0"), (None, "1", "5", "0"), title="T", valid_until="2031-01-01")
    answer = client.post(f"/acme/quotes/{quote.pk}/edit/", {**data, "version": quote.version})
    page = answer.content.decode()
    assert answer.status_code == 422 and "many" in page and "Choose a product or describe" in page
    fine = typed(trade, (trade.hose, "3", "10.00", "0"), title="Hoses", valid_until="2031-01-01")
    assert client.post(f"/acme/quotes/{quote.pk}/edit/", {**fine, "version": quote.version}).status_code == 302
    quote.refresh_from_db()
    assert (quote.title, quote.amount) == ("Hoses", D("30.00"))
    stale = client.post(f"/acme/quotes/{quote.pk}/edit/", {**fine, "version": 1})
    assert stale.status_code == 409


def test_the_sheet_reckons_while_one_types_and_writes_nothing(acme, trade, sign_in):
    client, hx = sign_in(acme.rep), {"HX-Request": "true"}
    before = Event.objects.of(acme.tenant).count()
    sums = client.post("/acme/quotes/lines/", typed(trade, (trade.pump, "3", "100.00", "25")), headers=hx)
    page = sums.content.decode()
    assert "225.00" in page and "Needs approval" in page and 'hx-swap-oob="true"' in page
    picked = client.post("/acme/quotes/lines/", {**typed(trade, (trade.pump, "1", "", "0")), "pick": "0"}, headers=hx)
    assert 'value="100.00"' in picked.content.decode()
    more = client.post("/acme/quotes/lines/", {**typed(trade, (trade.pump, "1", "9", "0")), "more": "1"}, headers=hx)
    assert 'name="line-1-quantity"' in more.content.decode()
    rows = typed(trade, (trade.pump, "1", "9", "0"), (trade.hose, "1", "9", "0"))
    dropped = client.post("/acme/quotes/lines/", {**rows, "drop": "0"}, headers=hx).content.decode()
    assert 'name="line-0-quantity"' not in dropped and 'name="line-1-quantity"' in dropped
    plain = client.post("/acme/quotes/lines/", {**rows, "more": "1"}).content.decode()
    assert "<html" in plain and 'name="line-2-quantity"' in plain
    assert Event.objects.of(acme.tenant).count() == before and not Quote.objects.of(acme.tenant).exists()


@pytest.mark.parametrize(
    "data", [{"row": ["x", "-1", "9" * 40], "opportunity": "9" * 40}, {"row": "0", "price_list": "x", "pick": "0",
             "line-0-product": "x", "line-0-tax_code": "x"}, {"quote": "9" * 30, "drop": "7"}, {}]
)  # fmt: skip
def test_the_sheet_survives_nonsense(acme, trade, sign_in, data):
    for headers in ({}, {"HX-Request": "true"}):
        assert sign_in(acme.rep).post("/acme/quotes/lines/", data, headers=headers).status_code == 200


def test_the_verbs_on_the_page_lead_to_a_contract(acme, trade, sign_in):
    client, quote = sign_in(acme.rep), make_quote(acme, trade)
    act = lambda verb, **data: client.post(f"/acme/quotes/{quote.pk}/do/{verb}/", data)  # noqa: E731
    for verb in ("ready", "send"):
        assert client.get(f"/acme/quotes/{quote.pk}/do/{verb}/").status_code == 200
        assert act(verb).status_code == 302
    page = client.get(f"/acme/quotes/{quote.pk}/").content.decode()
    quote.refresh_from_db()
    assert offers.path_of(quote, "acme") in page
    assert act("accept", name="").status_code == 422
    assert act("accept", name="Ms Wu").status_code == 302
    assert act("decline", grounds="x").status_code == 409
    assert act("nonsense").status_code == 404
    made = act("to-contract")
    assert made.status_code == 302 and made.url.startswith("/acme/contracts/")
    assert act("to-contract").url == made.url


def test_the_list_and_its_filters(acme, trade, sign_in):
    day = acme.tenant.today()
    first, second = make_sent(acme, trade, valid_until=day), make_quote(acme, trade, title="Hoses only")
    old = make_sent(acme, trade)
    Quote.objects.of(acme.tenant).filter(pk=old.pk).update(valid_until=day - timedelta(days=1))
    client = sign_in(acme.manager)
    shown = lambda query: {q.pk for q in client.get(f"/acme/quotes/{query}").context["page"].rows}  # noqa: E731
    assert shown("") == {first.pk, second.pk, old.pk}
    assert shown("?expiring=soon") == {first.pk} and shown("?expiring=expired") == {old.pk}
    assert shown("?status=draft") == {second.pk} and shown("?q=hoses") == {second.pk}
    assert shown(f"?q={first.number}") == {first.pk} and shown("?q=buyer") == {first.pk, second.pk, old.pk}
    assert shown(f"?opportunity={trade.deal.pk}&owner={acme.rep.pk}") == {first.pk, second.pk, old.pk}
    for sort in ("valid", "-amount", "number"):
        assert client.get(f"/acme/quotes/?sort={sort}").status_code == 200


@pytest.mark.parametrize(
    ("path", "most"), [("/acme/quotes/", 12), ("/acme/quotes/{pk}/", 20), ("/acme/api/v1/quotes/", 12)]
)
def test_pages_ask_the_same_whatever_their_length(acme, trade, sign_in, path, most):
    client, counts = sign_in(acme.rep), []
    for rows in (1, 30):
        goods = [records.create(Product, by=acme.admin, name=f"P{rows}-{n}") for n in range(rows)]
        quote = make_quote(acme, trade, *(line(trade, product) for product in goods))
        for _ in range(rows // 3):
            make_quote(acme, trade)
        client.get(path.format(pk=quote.pk))
        with CaptureQueriesContext(connection) as asked:
            client.get(path.format(pk=quote.pk))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= most, counts


def test_strangers_to_the_deal_see_nothing(acme, trade, sign_in, globex):
    quote = make_sent(acme, trade)
    for member, status in ((acme.peer, 404), (acme.partner, 403), (acme.finance, 200), (acme.manager, 200)):
        client = sign_in(member)
        assert client.get(f"/acme/quotes/{quote.pk}/").status_code == status
        assert client.get(f"/acme/quotes/{quote.pk}/pdf/").status_code in (
            (status, 503) if status == 200 else (status,)
        )
    assert sign_in(acme.finance).post(f"/acme/quotes/{quote.pk}/do/new-version/").status_code == 403
    assert "offers/acme" not in sign_in(acme.finance).get(f"/acme/quotes/{quote.pk}/").content.decode()
    assert sign_in(globex.stranger).get(f"/globex/quotes/{quote.pk}/").status_code == 404


# --- REST -------------------------------------------------------------------------------------------


def test_rest_with_nested_lines(acme, trade, api):
    call = api(acme.rep)
    row = {
        "product": trade.pump.pk,
        "quantity": "2",
        "unit_price": "100.00",
        "discount": "25",
        "tax_code": trade.tax.pk,
    }
    body = {"opportunity": trade.deal.pk, "lines": [row], "payment_terms": "30 days"}
    made = call("post", "quotes/", body, Idempotency_Key="k1")
    quote = made.json()
    assert made.status_code == 201, quote
    assert (quote["amount"], quote["needs_approval"], quote["lines"][0]["amount"]) == ("150.00", True, "150.00")
    assert call("post", "quotes/", body, Idempotency_Key="k1").json()["id"] == quote["id"]
    at = f"quotes/{quote['id']}/"
    kept = call("patch", at, {"title": "New title", "version": quote["version"]}).json()
    assert len(kept["lines"]) == 1 and kept["title"] == "New title"
    assert call("patch", at, {"title": "x", "version": 1}).status_code == 409
    both = call("patch", at, {"lines": [{**row, "discount": "0"}, {**row, "is_gift": True}]}).json()
    assert [each["amount"] for each in both["lines"]] == ["200.00", "0.00"] and both["amount"] == "200.00"
    for wrong in (
        {**row, "quantity": "-1"},
        {**row, "tax_code": 999999},
        {**row, "product": None},
        {"quantity": "1"},
        7,
    ):
        assert call("patch", at, {"lines": [wrong]}).status_code == 400, wrong
    assert call("post", f"{at}submit/", {}).status_code == 400
    assert call("post", f"{at}submit/", {"grounds": "A gift"}).json()["status"] == "in_approval"
    assert call("patch", at, {"lines": []}).status_code == 409


def test_rest_verbs_to_the_contract(acme, trade, api):
    call = api(acme.rep)
    at = f"quotes/{make_quote(acme, trade).pk}/"
    assert call("post", f"{at}submit/", {}).json()["status"] == "approved"
    assert call("post", f"{at}reopen/", {}).json()["status"] == "draft"
    assert call("post", f"{at}submit/", {}).json()["status"] == "approved"
    sent = call("post", f"{at}send/", {}).json()
    assert sent["status"] == "sent" and "/offers/acme/" in sent["link"]
    assert api(acme.finance)("get", at).json()["link"] == ""
    latest = call("post", f"{at}new-version/", {}).json()
    assert (latest["status"], latest["revision"], latest["number"]) == ("draft", 2, sent["number"])
    assert call("get", at).json()["status"] == "superseded"
    at = f"quotes/{latest['id']}/"
    call("post", f"{at}submit/", {})
    assert call("post", f"{at}to-contract/", {}).status_code == 409
    assert call("post", f"{at}accept/", {"name": "Ms Wu"}).json()["accepted_name"] == "Ms Wu"
    first, again = call("post", f"{at}to-contract/", {}), call("post", f"{at}to-contract/", {})
    assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
    assert call("post", f"{at}decline/", {"grounds": "late"}).status_code == 409


def test_rest_takes_no_foreign_rows(acme, trade, api, globex):
    with enter(globex.tenant):
        foreign = records.create(Product, by=globex.admin, name="Foreign")
    row = {"product": foreign.pk, "quantity": "1", "unit_price": "1.00", "tax_code": trade.tax.pk}
    answer = api(acme.rep)("post", "quotes/", {"opportunity": trade.deal.pk, "lines": [row]})
    assert answer.status_code == 400 and "product" in str(answer.json())
    assert api(acme.peer)("post", "quotes/", {"opportunity": trade.deal.pk, "lines": []}).status_code == 400


# --- paper ------------------------------------------------------------------------------------------


needs_pango = pytest.mark.skipif(not pdf.is_available(), reason=f"needs {pdf.LIBRARIES}")


@needs_pango
@pytest.mark.parametrize(("language", "word"), [("en", "Total, tax included"), ("zh-hans", "价税合计")])
def test_the_pdf_says_number_total_and_capitals(acme, trade, sign_in, language, word):
    quote = make_quote(acme, trade, line(trade, quantity="12", discount="5"), payment_terms="30 天内付款")
    answer = sign_in(acme.rep).get(f"/acme/quotes/{quote.pk}/pdf/?language={language}")
    assert answer["Content-Type"] == "application/pdf" and f"{quote.number}-v1.pdf" in answer["Content-Disposition"]
    text = text_of(answer.content)
    for said in (quote.number, "1,140.00", "人民币壹仟壹佰肆拾元整", "30 天内付款", word, "Pump"):
        assert said in text, said


@needs_pango
def test_a_long_quote_breaks_over_pages_and_fetches_nothing(acme, trade, monkeypatch):
    import urllib.request

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", lambda *_, **__: pytest.fail("something was fetched"))
    evil = {"product": None, "description": '<img src="http://127.0.0.1:9/x"><b>bold</b>', "quantity": D(1)}
    rows = [evil | {"unit_price": D("1.00"), "tax_code": trade.tax}, *(line(trade) for _ in range(60))]
    quote = make_quote(acme, trade, *rows)
    body = quote_paper.answer(quote).content
    assert len(PdfReader(io.BytesIO(body)).pages) >= 2 and "<b>bold</b>" in text_of(body)


def test_without_the_libraries_one_sentence_says_what_to_install(acme, trade, sign_in, monkeypatch):
    def missing():
        raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr(pdf, "_weasyprint", missing)
    quote = make_quote(acme, trade)
    answer = sign_in(acme.rep).get(f"/acme/quotes/{quote.pk}/pdf/")
    assert answer.status_code == 503 and "libpango-1.0-0" in answer.content.decode()
    assert not pdf.is_available()


# --- the customer's page ----------------------------------------------------------------------------


@pytest.fixture
def public():
    """A browser of nobody, outside every wall."""
    client = Client()

    def call(method, path, data=None):
        with leave():
            return getattr(client, method)(path, data or {})

    return call


@pytest.fixture
def offered(acme, trade):
    quote = make_sent(acme, trade, line(trade, quantity="2", discount="10"), discount_reason=CANARY)
    Opportunity.objects.of(acme.tenant).filter(pk=trade.deal.pk).update(next_step=CANARY)
    return quote


def test_the_customer_reads_and_accepts_without_signing_in(acme, trade, offered, public):
    path = offers.path_of(offered, "acme")
    answer = public("get", path)
    page = answer.content.decode()
    assert answer.status_code == 200 and "180.00" in page and offered.number in page and "Buyer" in page
    assert answer["Referrer-Policy"] == "same-origin" and "no-store" in answer["Cache-Control"]
    for hidden in (CANARY, "below the floor", '"/acme/', "price list", "100.00 off", "robability"):
        assert hidden not in page, hidden
    assert public("post", f"{path}accept/", {"name": " "}).status_code == 422
    done = public("post", f"{path}accept/", {"name": "Ms Wu"})
    assert done.status_code == 200 and "Ms Wu accepted this quote" in done.content.decode()
    offered.refresh_from_db()
    assert (offered.status, offered.accepted_name) == ("accepted", "Ms Wu")
    event = Event.objects.of(acme.tenant).get(kind="quote.accepted")
    assert event.actor == acme.system
    again = public("post", f"{path}accept/", {"name": "Mr Li"})
    assert again.status_code == 409 and "Ms Wu" in again.content.decode()
    assert public("post", f"{path}decline/", {"grounds": "no"}).status_code == 409


def test_the_customer_declines_with_a_reason(offered, public):
    path = offers.path_of(offered, "acme")
    assert public("post", f"{path}decline/", {"grounds": ""}).status_code == 422
    assert "declined on" in public("post", f"{path}decline/", {"grounds": "Too dear"}).content.decode()
    offered.refresh_from_db()
    assert (offered.status, offered.declined_grounds) == ("declined", "Too dear")


def test_expired_superseded_and_open_say_so(acme, offered, public):
    path = offers.path_of(offered, "acme")
    Quote.objects.of(acme.tenant).filter(pk=offered.pk).update(valid_until=acme.tenant.today() - timedelta(days=1))
    assert "cannot be accepted any more" in public("get", path).content.decode()
    assert public("post", f"{path}accept/", {"name": "Ms Wu"}).status_code == 409
    offered.refresh_from_db()
    quotes.new_version(offered, by=acme.rep)
    page = public("get", path).content.decode()
    assert "newer version" in page and "180.00" not in page
    assert public("get", f"{path}pdf/").status_code == 409


def test_reading_changes_nothing(offered, public):
    path = offers.path_of(offered, "acme")
    for verb in ("accept", "decline"):
        assert public("get", f"{path}{verb}/").status_code == 405
    offered.refresh_from_db()
    assert offered.status == "sent"


def test_no_link_opens_what_it_was_not_made_for(acme, trade, offered, public, globex):
    secret = offers.secret_of(offered)
    drafted = make_quote(acme, trade)
    assert drafted.accept_digest == ""
    wrong = [f"/offers/acme/{secret[:-1]}{'0' if secret[-1] != '0' else '1'}/", f"/offers/globex/{secret}/"]
    wrong += [f"/offers/acme/{offered.accept_digest}/", f"/offers/nobody/{secret}/", f"/offers/acme/{offered.pk}/"]
    for path in wrong:
        assert public("get", path).status_code == 404, path
        assert public("post", f"{path}accept/", {"name": "Eve"}).status_code == 404, path
    offered.refresh_from_db()
    assert offered.status == "sent"


def test_a_closed_company_offers_nothing(acme, offered, public):
    path = offers.path_of(offered, "acme")
    acme.tenant.status = "closed"
    acme.tenant.save()
    assert public("get", path).status_code == 404


def test_guessing_is_slowed_down_and_the_right_link_still_opens(offered, public):
    for _ in range(20):
        assert public("get", f"/offers/acme/{'0' * 64}/").status_code == 404
    slowed = public("get", f"/offers/acme/{'0' * 64}/")
    assert slowed.status_code == 429 and "Wait a minute" in slowed.content.decode()
    assert public("get", offers.path_of(offered, "acme")).status_code == 200


def test_a_cache_that_is_down_stops_nobody(offered, public, monkeypatch):
    def down(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(cache, "add", down)
    path = offers.path_of(offered, "acme")
    assert public("post", f"{path}accept/", {"name": "Ms Wu"}).status_code == 200


@needs_pango
def test_the_customer_gets_the_pdf(offered, public):
    answer = public("get", f"{offers.path_of(offered, 'acme')}pdf/")
    text = text_of(answer.content)
    assert offered.number in text and "180.00" in text and CANARY not in text


def test_prices_change_after_sending_without_touching_the_offer(acme, trade, offered, public):
    prices.update_price(trade.listed.prices.get(product=trade.pump), by=acme.finance, price=D("500"), floor=D("400"))
    assert "180.00" in public("get", offers.path_of(offered, "acme")).content.decode()
