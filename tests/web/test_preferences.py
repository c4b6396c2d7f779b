"""The language switch: for this visit and, signed in, for every device."""

import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db


def test_a_visitor_gets_the_language_and_comes_back(client):
    answer = client.post("/auth/language/", {"language": "en", "next": "/auth/login/"})
    assert (answer.status_code, answer["Location"]) == (302, "/auth/login/")
    assert 'lang="en"' in client.get("/auth/login/").content.decode()
    client.post("/auth/language/", {"language": "zh-hans"})
    assert 'lang="zh-Hans"' in client.get("/auth/login/").content.decode()


def test_a_member_keeps_it(acme, sign_in):
    client = sign_in(acme.rep)
    client.post("/auth/language/", {"language": "zh-hans"})
    acme.rep.user.refresh_from_db()
    assert acme.rep.user.language == "zh-hans"


def test_only_languages_we_have_and_only_our_pages(acme, sign_in):
    client = sign_in(acme.rep)
    answer = client.post("/auth/language/", {"language": "xx", "next": "//elsewhere.example/"})
    assert not answer["Location"].startswith("//")
    acme.rep.user.refresh_from_db()
    assert acme.rep.user.language in dict(settings.LANGUAGES)
    assert client.get("/auth/language/").status_code == 405
