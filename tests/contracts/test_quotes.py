"""Quotes: arithmetic, floors, approval, versions, the answer, the contract, who may."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from contracts import floors
from contracts.actions import prices, quotes
from contracts.lines import line_amount
from contracts.models import Contract, Quote, QuoteLine
from crm.core.approvals import actions as approvals
from crm.core.approvals.models import ApprovalTask
from crm.core.errors import Conflict, Forbidden, Refused
from crm.core.events import outbox
from crm.core.events.models import Event
from crm.core.notifications.models import Notification
from opportunities import actions as opportunities
from tests.conftest import BOTH

from .quoting import line, make_quote, make_sent, make_trade

pytestmark = pytest.mark.django_db(databases=BOTH)


@pytest.fixture
def trade(acme):
    return make_trade(acme)


@pytest.fixture
def draft(acme, trade):
    return lambda *lines, **values: make_quote(acme, trade, *lines, **values)


@pytest.fixture
def sent(acme, trade):
    return lambda *lines, **values: make_sent(acme, trade, *lines, **values)


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "amount"),
    [
        ("3", "33.33", "0", "99.99"), ("1", "0.05", "50", "0.03"), ("0.333", "100.00", "0", "33.30"),
        ("7", "19.99", "12.5", "122.44"), ("1", "10.00", "100", "0.00"), ("2.5", "0.01", "0", "0.03"),
        ("99999999999.999", "1.00", "0", "100000000000.00"),
    ],
)  # fmt: skip
def test_an_amount_is_rounded_half_up_once(quantity, price, discount, amount):
    assert line_amount(D(quantity), D(price), D(discount)) == D(amount)


@given(st.decimals(0, 10**6, places=3), st.decimals(0, 10**6, places=2), st.decimals(0, 100, places=2))
def test_a_rounded_amount_is_within_half_a_cent(quantity, price, discount):
    exact = quantity * price * (100 - discount) / 100
    amount = line_amount(quantity, price, discount)
    assert abs(amount - exact) <= D("0.005") and amount == amount.quantize(D("0.01"))


def test_a_quote_is_the_sum_of_its_lines(draft, trade):
    quote = draft(line(trade, quantity="3", unit_price="33.33"), line(trade, trade.hose, "2", "10.00"))
    assert quote.amount == D("119.99") and quote.list_amount == D("320.00")
    assert quote.discount == D("200.01") / 320
    assert (quote.account, quote.owner, quote.currency) == (trade.account, trade.deal.owner, "CNY")
    assert quote.number == f"BJ-AC-{quote.created_at:%Y}-0001" and quote.revision == 1


def test_numbers_run_on_and_lines_need_goods_and_numbers(draft, trade):
    assert draft().number.endswith("0001") and draft().number.endswith("0002")
    for wrong in (
        {"product": None}, {"quantity": D("-1")}, {"discount": D("100.01")}, {"unit_price": D("-0.01")},
        {"tax_code": None},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            draft(line(trade) | wrong)
    assert draft().number.endswith("0003")


@pytest.mark.parametrize(
    ("unit_price", "discount", "below"),
    [("100.00", "20", False), ("100.00", "20.01", True), ("80.00", "0", False), ("79.99", "0", True),
     ("160.00", "50", False), ("99.99", "20", True)],
)  # fmt: skip
def test_the_floor_is_compared_without_rounding(draft, trade, unit_price, discount, below):
    """99.99 less 20 % is 79.992: below 80.00, though it would round to 79.99 anyway; 80.00 is not below."""
    assert draft(line(trade, unit_price=unit_price, discount=discount)).below_floor is below


def test_small_quantities_cannot_hide_below_the_floor(draft, trade):
    """0.01 × 79.00 rounds to the same cent as 0.01 × 80.00."""
    assert draft(line(trade, quantity="0.010", unit_price="79.00")).below_floor


def test_gifts_and_free_lines_are_given_away(draft, trade):
    gift = draft(line(trade), line(trade, trade.hose, "5", "10.00", is_gift=True))
    assert gift.amount == D("100.00") and gift.below_floor and gift.list_amount == D("150.00")
    free = {"product": None, "description": "Training", "quantity": D(1), "unit_price": D(0), "tax_code": trade.tax}
    assert draft(line(trade), free).below_floor
    assert not draft(line(trade), free | {"unit_price": D("500.00")}).below_floor


def test_what_is_under_the_floor_in_money(draft, trade):
    quote = draft(line(trade, quantity="10", discount="25"))
    found = quotes.checked(quote)
    assert (found.given, found.under, found.below) == (D("250.00"), D("50.00"), (1,))
    assert floors.check([], {}).given == 0


def test_within_the_floors_nobody_has_to_decide(acme, draft, trade):
    quote = quotes.submit_quote(draft(line(trade, discount="20")), by=acme.rep)
    assert quote.status == "approved" and approvals.latest(quote) is None
    assert Event.objects.of(acme.tenant).filter(kind="quote.cleared", subject_id=quote.pk).exists()


def test_below_the_floor_a_person_decides_and_is_told_the_money(acme, draft, trade):
    quote = draft(line(trade, quantity="10", discount="25"))
    with pytest.raises(ValidationError, match="say why"):
        quotes.submit_quote(quote, by=acme.rep)
    quotes.submit_quote(quote, by=acme.rep, grounds="Reference customer")
    assert quote.status == "in_approval" and quote.discount_reason == "Reference customer"
    instance = approvals.pending(quote)
    assert (
        instance.facts["below_floor"] and instance.facts["money"] and instance.summary["reason"] == "Reference customer"
    )
    assert "250.00 CNY" in instance.summary["money"] and "50.00 of it below" in instance.summary["money"]
    with pytest.raises(Refused, match="not edited any more"):
        quotes.update_quote(quote, by=acme.rep, title="Cheaper")
    (task,) = ApprovalTask.objects.of(acme.tenant).filter(instance=instance, status="open")
    assert task.assignee != acme.rep
    approvals.approve(task, by=task.assignee or acme.manager)
    quote.refresh_from_db()
    assert quote.status == "approved"


def test_who_rejects_gives_the_draft_back(acme, draft, trade):
    quote = quotes.submit_quote(draft(line(trade, discount="50")), by=acme.rep, grounds="x")
    (task,) = ApprovalTask.objects.of(acme.tenant).filter(status="open")
    approvals.reject(task, by=task.assignee, comment="Too low")
    quote.refresh_from_db()
    assert quote.status == "draft"
    quotes.update_quote(quote, by=acme.rep, lines=[line(trade)])
    assert quotes.submit_quote(quote, by=acme.rep).status == "approved"


def test_terms_that_are_not_ours_need_approval_too(acme, draft):
    quote = quotes.submit_quote(draft(nonstandard=True), by=acme.rep, grounds="They insist")
    assert quote.status == "in_approval"


def test_the_floor_of_the_day_of_submission_counts(acme, draft, trade):
    quote = draft(line(trade, discount="10"))
    price = trade.listed.prices.get(product=trade.pump)
    prices.update_price(price, by=acme.finance, floor=D("95.00"))
    assert quotes.submit_quote(quote, by=acme.rep, grounds="Promised before").status == "in_approval"


def test_what_cannot_be_submitted_says_what_to_do(acme, draft, trade):
    day = acme.tenant.today()
    with pytest.raises(Refused, match="Add a line"):
        quotes.submit_quote(draft(line(trade, quantity="0")), by=acme.rep)
    quote = draft()
    Quote.objects.of(acme.tenant).filter(pk=quote.pk).update(valid_until=day - timedelta(days=1))
    quote.refresh_from_db()
    with pytest.raises(ValidationError, match="has passed"):
        quotes.submit_quote(quote, by=acme.rep)
    quote = draft()
    prices.update_price_list(
        trade.listed, by=acme.finance, valid_from=day - timedelta(days=9), valid_until=day - timedelta(days=1)
    )
    with pytest.raises(ValidationError, match="not in force"):
        quotes.submit_quote(quote, by=acme.rep)
    prices.update_price_list(trade.listed, by=acme.finance, valid_until=None)
    prices.update_tax_code(trade.tax, by=acme.finance, valid_until=day - timedelta(days=1))
    quote.refresh_from_db()
    with pytest.raises(ValidationError, match="tax rate"):
        quotes.submit_quote(quote, by=acme.rep)


def test_lines_are_replaced_as_a_whole_and_an_older_page_conflicts(acme, draft, trade):
    quote = draft()
    seen = quote.version
    first = QuoteLine.objects.of(acme.tenant).get(quote=quote).pk
    quotes.update_quote(quote, by=acme.rep, expected=seen, lines=[line(trade, description="the same price")])
    assert quote.version > seen and quote.amount == D("100.00")
    assert [row.pk for row in quote.lines.all()] != [first]
    with pytest.raises(Conflict):
        quotes.update_quote(quote, by=acme.rep, expected=seen, title="old page")
    kept = [row.pk for row in quote.lines.all()]
    quotes.update_quote(quote, by=acme.rep, lines=[line(trade, description="the same price")])
    assert [row.pk for row in quote.lines.all()] == kept


def test_a_new_version_supersedes(acme, sent, trade):
    first = sent(line(trade, quantity="2", discount="5"))
    second = quotes.new_version(first, by=acme.rep)
    first.refresh_from_db()
    assert (first.status, second.status) == ("superseded", "draft")
    assert (second.number, second.revision, second.amount) == (first.number, 2, first.amount)
    copied = [(row.product, row.quantity, row.discount) for row in second.lines.all()]
    assert copied == [(trade.pump, D("2.000"), D("5.00"))]
    for act in (quotes.new_version, quotes.send_quote):
        with pytest.raises(Refused):
            act(first, by=acme.rep)
    third = quotes.new_version(second, by=acme.rep)
    assert third.revision == 3


def test_what_is_waiting_or_accepted_gets_no_new_version(acme, draft, sent, trade):
    waiting = quotes.submit_quote(draft(line(trade, discount="50")), by=acme.rep, grounds="x")
    accepted = quotes.accept_quote(sent(), by=acme.rep, name="Ms Wu")
    for quote in (waiting, accepted):
        with pytest.raises(Refused, match="no new version"):
            quotes.new_version(quote, by=acme.rep)


def test_an_expired_quote_is_neither_sent_nor_accepted(acme, draft, sent):
    yesterday = acme.tenant.today() - timedelta(days=1)
    ready, out = quotes.submit_quote(draft(), by=acme.rep), sent()
    for quote in (ready, out):
        Quote.objects.of(acme.tenant).filter(pk=quote.pk).update(valid_until=yesterday)
        quote.refresh_from_db()
    with pytest.raises(Refused, match="new version"):
        quotes.send_quote(ready, by=acme.rep)
    with pytest.raises(Refused, match="new version"):
        quotes.accept_quote(out, by=acme.rep, name="Ms Wu")
    assert quotes.new_version(out, by=acme.rep).valid_until > yesterday


def test_the_day_of_validity_itself_counts(acme, draft):
    quote = draft(valid_until=acme.tenant.today())
    assert quotes.send_quote(quotes.submit_quote(quote, by=acme.rep), by=acme.rep).status == "sent"


def test_the_answer_is_kept_and_final(acme, sent):
    quote = quotes.accept_quote(sent(), by=acme.rep, name="Ms Wu")
    assert quote.accepted_name == "Ms Wu" and quote.accepted_at
    with pytest.raises(Refused):
        quotes.decline_quote(quote, by=acme.rep, grounds="no")
    with pytest.raises(ValidationError):
        quotes.accept_quote(sent(), by=acme.rep, name=" ")
    with pytest.raises(ValidationError):
        quotes.decline_quote(sent(), by=acme.rep, grounds="")


def test_an_accepted_quote_becomes_a_contract_without_retyping(acme, sent, trade):
    quote = sent(
        line(trade, quantity="3", discount="7"), payment_terms="30 days", warranty_terms="One year",
    )  # fmt: skip
    with pytest.raises(Refused, match="not accepted"):
        quotes.to_contract(quote, by=acme.rep)
    quotes.accept_quote(quote, by=acme.rep, name="Ms Wu")
    contract = quotes.to_contract(quote, by=acme.rep)
    same = (
        "account_id",
        "opportunity_id",
        "legal_entity_id",
        "currency",
        "payment_terms",
        "warranty_terms",
        "owner_id",
    )
    assert [getattr(contract, name) for name in same] == [getattr(quote, name) for name in same]
    assert contract.effective_amount == quote.amount == D("279.00") and contract.status == "draft"
    (row,) = contract.lines.all()
    assert (row.product, row.discount, row.tax_code) == (trade.pump, D("7.00"), trade.tax)
    assert quotes.to_contract(quote, by=acme.rep) == contract
    assert Contract.objects.of(acme.tenant).count() == 1
    trade.deal.refresh_from_db()
    assert trade.deal.status == "open"


def test_gifts_stay_free_in_the_contract(acme, draft, trade):
    quote = quotes.submit_quote(
        draft(line(trade), line(trade, trade.hose, "5", "10.00", is_gift=True)), by=acme.rep, grounds="Fair offer"
    )
    quotes.approved(quote, by=acme.manager)
    quotes.accept_quote(quote, by=acme.rep, name="Ms Wu")
    contract = quotes.to_contract(quote, by=acme.rep)
    assert [row.amount for row in contract.lines.all()] == [D("100.00"), D("0.00")]


def test_a_lost_deal_is_not_quoted(acme, trade):
    opportunities.lose(trade.deal, by=acme.rep, reason="price")
    with pytest.raises(Refused, match="Reopen it"):
        make_quote(acme, trade)


def test_columns_that_do_not_fit_are_refused_in_words(acme, draft, trade):
    old = prices.create_price_list(
        by=acme.finance, name="Old", valid_from=acme.tenant.today() - timedelta(days=9),
        valid_until=acme.tenant.today() - timedelta(days=1),
    )  # fmt: skip
    for values in ({"price_list": old}, {"valid_until": acme.tenant.today() - timedelta(days=1)}):
        with pytest.raises(ValidationError):
            draft(**values)


@pytest.mark.parametrize("role", ["peer", "other_rep", "presales", "finance", "legal", "partner", "admin"])
def test_only_who_has_the_deal_or_leads_its_owner_quotes(acme, draft, trade, role):
    member, quote = getattr(acme, role), draft()
    acts = [lambda: make_quote(acme, trade, by=member), lambda: quotes.submit_quote(quote, by=member)]
    acts += [lambda: quotes.update_quote(quote, by=member, title="x"), lambda: quotes.new_version(quote, by=member)]
    acts += [lambda: quotes.send_quote(quote, by=member), lambda: quotes.to_contract(quote, by=member)]
    if role == "admin":
        assert acme.admin.has_role("manager")  # the founder leads everybody
        return
    for act in acts:
        with pytest.raises(Forbidden):
            act()


def test_who_sees_a_quote(acme, draft, trade):
    quote = draft(line(trade, discount="50"))
    sees = lambda member: Quote.objects.visible_to(member).filter(pk=quote.pk).exists()  # noqa: E731
    assert [sees(m) for m in (acme.rep, acme.manager, acme.finance, acme.legal, acme.admin)] == [True] * 5
    assert [sees(m) for m in (acme.peer, acme.other_rep, acme.partner, acme.presales)] == [False] * 4


def test_quotes_follow_their_deal_to_its_new_owner(acme, draft, trade, django_capture_on_commit_callbacks):
    quote = draft()
    opportunities.transfer(trade.deal, acme.peer, by=acme.manager, reason="Leaving")
    outbox.drain_tenant(acme.tenant.pk)
    quote.refresh_from_db()
    assert quote.owner == acme.peer


def test_the_owner_hears_of_the_customers_answer_once(acme, sent):
    from contracts.actions.offers import accept_offer, decline_offer

    accept_offer(sent(), name="Ms Wu")
    decline_offer(sent(), grounds="Too dear")
    quotes.accept_quote(sent(), by=acme.rep, name="By phone")
    outbox.drain_tenant(acme.tenant.pk)
    outbox.drain_tenant(acme.tenant.pk)
    told = Notification.objects.of(acme.tenant).filter(recipient=acme.rep, kind__startswith="quote.")
    assert sorted(notice.kind for notice in told) == ["quote.accepted", "quote.declined"]
