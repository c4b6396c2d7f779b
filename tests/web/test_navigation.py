"""Menus by role: what is registered is shown to those it is for, and the page one is on is marked."""

from types import SimpleNamespace

import pytest
from django.urls import NoReverseMatch, path

from crm.core.web import navigation
from crm.core.web.navigation import Entry

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


def test_nobody_sees_no_menu():
    assert navigation.links("sidebar", None, "/") == []


def test_an_entry_without_a_page_is_a_mistake():
    navigation.register(Entry("gone", "Gone", "no-such-page", "x"))
    with pytest.raises(NoReverseMatch):
        navigation.links("sidebar", member("rep"), "/")
