"""Numbers, dates and addresses as every template writes them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from crm.core.web.templatetags import crm as tags


def rendered(source: str, **context) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("1234567.5"), "1,234,567.50"),
        (Decimal("-80.00"), "\N{MINUS SIGN}80.00"),
        (0, "0.00"),
    ],
)
def test_money_has_thousands_two_decimals_and_a_true_minus(amount, text):
    assert text in tags.money(amount)


def test_money_names_its_currency_and_says_nothing_of_nothing():
    assert '<span class="unit">CNY</span>' in tags.money(Decimal(1), "CNY")
    assert "\N{EM DASH}" in tags.money(None)


@pytest.mark.parametrize(
    ("language", "amount", "text"),
    [
        ("zh-hans", 8846000, ">884.6万<"),
        ("zh-hans", 320000000, ">3.2亿<"),
        ("zh-hans", 9999, ">9,999<"),
        ("en", 8846000, ">8.8M<"),
        ("en", -12000, ">\N{MINUS SIGN}12K<"),
    ],
)
def test_short_money_keeps_the_full_number_in_its_title(language, amount, text):
    with translation.override(language):
        shown = tags.short_money(amount, "CNY")
    assert text in shown
    assert f'title="{tags.grouped(Decimal(amount), 2)} CNY"' in shown


def test_percent_has_one_decimal():
    assert tags.percent(Decimal(350) / 450) == "77.8%"


def test_a_moment_is_shown_in_the_company_s_zone():
    late = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
    with timezone.override("Asia/Shanghai"):
        assert "2026-03-02" in tags.day(late)
        assert "2026-03-02 01:30" in tags.moment(late)
    assert "2026-03-01" in tags.day(date(2026, 3, 1))


def test_what_people_typed_is_escaped():
    nasty = '<script>"&'
    assert "<script>" not in tags.money(Decimal(1), nasty)
    assert "<script>" not in rendered('{% icon "phone" label=name %}', name=nasty)
    assert "<script>" not in rendered("<c-badge>{{ name }}</c-badge>{{ name|initial }}", name=nasty)


def test_an_unknown_icon_is_noticed():
    with pytest.raises(ValueError, match=r"package\.json"):
        rendered('{% icon "no-such-icon" %}')


def test_a_sorted_column_turns_round_and_starts_at_the_first_page():
    request = RequestFactory().get("/", {"sort": "name", "after": "abc", "q": "x"})
    state = tags.sort_state({"request": request}, "name")
    assert state == {"aria": "ascending", "url": "?sort=-name&q=x"}
    assert tags.sort_state({"request": request}, "amount")["aria"] == "none"


def test_turning_a_page_keeps_the_filter():
    request = RequestFactory().get("/", {"q": "x", "after": "abc"})
    assert tags.turn_page({"request": request}, "after", "def") == "?q=x&after=def"
    assert tags.turn_page({"request": request}, "after", "") == "?q=x"


def test_a_bar_is_as_wide_as_its_share_and_centred():
    assert (tags.share(25, 100), tags.centred(25, 100)) == ("25.0", "37.5")
    assert tags.share(None, 100) == "0"
    assert tags.largest([{"amount": 3}, {"amount": None}, {"amount": 9}], "amount") == 9


@pytest.mark.parametrize(("name", "mark"), [("陈静", "静"), ("华腾重工集团", "华"), ("Ana Souza", "AS"), ("", "")])
def test_initials(name, mark):
    assert tags.initial(name) == mark


def test_a_company_s_addresses_carry_its_slug():
    assert tags.company_slug({"company": SimpleNamespace(slug="acme")}) == "acme"


def test_distance_names_the_largest_unit_alone():
    now = timezone.now()
    with translation.override("en"):
        assert tags.distance(now - timedelta(days=3, hours=5)) == "3\N{NO-BREAK SPACE}days ago"
        assert tags.distance(now + timedelta(hours=2, minutes=5)) == "in 2\N{NO-BREAK SPACE}hours"
        assert tags.distance(now) == "just now"
    with translation.override("zh-hans"):
        assert tags.distance(now - timedelta(days=3, hours=5)) == "3\N{NO-BREAK SPACE}天前"


class Narrow(forms.Form):
    q = forms.CharField(label="search", required=False)
    status = forms.ChoiceField(label="status", choices=[("", "---------"), ("new", "New")], required=False)
    open = forms.NullBooleanField(label="open", required=False)
    name = forms.CharField(label="name", required=False)
    sort = forms.CharField(label="sort", required=False)


def test_a_filter_bar_names_its_selects_and_keeps_the_rest_back():
    request = RequestFactory().get("/", {"q": "x", "status": "new", "name": ""})
    parts = tags.filter_parts({"request": request}, Narrow(), "q", "sort view")
    assert [field.name for field in parts["inline"]] == ["status", "open"]
    assert [field.name for field in parts["more"]] == ["name"]
    assert parts["used"] == 1
    assert ">Status</option>" in tags.filter_field(Narrow()["status"])
    assert ">Open</option>" in tags.filter_field(Narrow()["open"])
