"""Menus by role: what is registered is shown to those it is for, and the page one is on is marked."""

from types import SimpleNamespace

import pytest
from django.urls import NoReverseMatch, path

from crm.core.web import navigation
from crm.core.web.navigation import Entry, Group

urlpatterns = [
    path("<slug:tenant>/leads/", lambda request: None, name="leads"),
    path("<slug:tenant>/leads/pool/", lambda request: None, name="pool"),
]


def member(*roles: str):
    return SimpleNamespace(roles=list(roles), tenant=SimpleNamespace(slug="acme"))


@pytest.fixture(autouse=True)
def menu(monkeypatch, settings):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(navigation, "_entries", {})
    navigation.register(Entry("pool", "Pool", "pool", "ripple", order=2, count=lambda who: len(who.roles)))
    navigation.register(Entry("leads", "Leads", "leads", "user-search", roles=frozenset({"rep"}), order=1))


def test_order_role_and_count():
    assert [link.key for link in navigation.links("sidebar", member("rep"), "/")] == ["leads", "pool"]
    (only,) = navigation.links("sidebar", member("finance", "legal"), "/")
    assert (only.key, only.url, only.count) == ("pool", "/acme/leads/pool/", 2)


def test_the_nearest_page_is_the_current_one():
    links = navigation.links("sidebar", member("rep"), "/acme/leads/pool/7/")
    assert [link.current for link in links] == [False, True]


def test_each_group_is_one_block_and_the_own_one_comes_first():
    navigation.register(Entry("invoices", "Invoices", "leads", "x", order=3, group=Group.MONEY))
    navigation.register(Entry("deals", "Deals", "leads", "x", order=4, group=Group.SALES))
    navigation.register(Entry("desk", "Desk", "leads", "x", order=5, group=Group.MONEY))
    keys = lambda *roles: [entry.key for entry in navigation.entries("sidebar", frozenset(roles))]  # noqa: E731
    assert keys("finance") == ["pool", "invoices", "desk", "deals"]
    assert keys("manager") == ["pool", "deals", "invoices", "desk"]


def test_a_rare_group_is_folded_until_one_of_its_pages_is_open():
    navigation.register(Entry("pool", "Pool", "pool", "x", group=Group.SETTINGS))
    folds = lambda path: {link.key: link.fold for link in navigation.links("sidebar", member("rep"), path)}  # noqa: E731
    assert folds("/acme/leads/") == {"leads": "", "pool": "closed"}
    assert folds("/acme/leads/pool/") == {"leads": "", "pool": "open"}


def test_nobody_sees_no_menu():
    assert navigation.links("sidebar", None, "/") == []


def test_an_entry_without_a_page_is_a_mistake():
    navigation.register(Entry("gone", "Gone", "no-such-page", "x"))
    with pytest.raises(NoReverseMatch):
        navigation.links("sidebar", member("rep"), "/")
