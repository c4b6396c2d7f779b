"""The translation tool finds what the product says and refuses what would break it."""

import gettext
import json

import pytest

from tools import messages

PYTHON = b"""
from django.utils.translation import gettext_lazy as _, ngettext, pgettext
TITLE = _("Leads")
LONG = _("Two "
         "parts")
def said(n, name):
    return ngettext("%(n)s lead", "%(n)s leads", n), pgettext("verb", "Lead"), _(name)
"""
TEMPLATE = """{% load i18n %}
<h1>{% translate "Pool" %}</h1> {% translate "Open" context "door" %}
{% blocktranslate count n=n trimmed %}
  One of {{ name }}
{% plural %}
  {{ n }} of {{ name }} (it's all)
{% endblocktranslate %}
<c-button :label="_('Claim')" /> {{ x|default:_("None yet") }} {% translate "50% done" %}
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "leads").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "leads" / "models.py").write_bytes(PYTHON)
    (tmp_path / "templates" / "page.html").write_text(TEMPLATE)
    return tmp_path


def add(tree, translations, replace=False):
    path = tree / "new.json"
    path.write_text(json.dumps(translations), "utf-8")
    return messages.command_add(path, replace, tree, tree / "locale")


def test_code_and_templates_are_read(tree):
    found = messages.extract(tree)
    assert {m.text for m in found.values()} == {
        "Leads", "Two parts", "%(n)s lead", "Lead", "Pool", "Open", "One of %(name)s", "Claim", "None yet", "50%% done",
    }  # fmt: skip
    assert found["%(n)s lead"].plural == "%(n)s leads"
    assert found["One of %(name)s"].plural == "%(n)s of %(name)s (it's all)"
    assert found["door\x04Open"].context == "door"


def test_missing_translations_are_listed_ready_to_fill(tree, capsys):
    add(tree, {"Leads": "线索"})
    capsys.readouterr()
    assert messages.command_check(False, tree, tree / "locale") == 1
    listed = json.loads(capsys.readouterr().out)
    assert "Leads" not in listed and listed["Pool"] == ""
    add(
        tree,
        {key: "文 " + " ".join(messages.placeholders(m.plural or m.text)) for key, m in messages.extract(tree).items()},
    )
    assert messages.command_check(False, tree, tree / "locale") == 0


def test_a_lost_placeholder_fails_the_check(tree, capsys):
    complete = {
        key: " ".join(messages.placeholders(m.plural or m.text)) or "文" for key, m in messages.extract(tree).items()
    }
    add(tree, complete | {"%(n)s lead": "线索"})
    assert messages.command_check(False, tree, tree / "locale") == 1
    assert "placeholders differ" in capsys.readouterr().err


def test_an_existing_translation_is_kept_unless_replaced(tree):
    add(tree, {"Leads": "线索"})
    add(tree, {"Leads": "商机"})
    po = messages.catalogue_path(tree / "locale")
    assert messages.load(po)["Leads"][1] == "线索"
    add(tree, {"Leads": "商机"}, replace=True)
    assert messages.load(po)["Leads"][1] == "商机"


def test_fix_drops_what_the_code_no_longer_says(tree):
    add(tree, {"Leads": "线索", "Gone": "没了"})
    messages.command_check(True, tree, tree / "locale")
    assert set(messages.load(messages.catalogue_path(tree / "locale"))) == {"Leads"}


def test_compiled_catalogue_answers_singular_plural_and_context(tree):
    add(tree, {"Leads": "线索", "%(n)s lead": ["%(n)s 条线索"], "door\x04Open": "开门"})
    messages.command_compile(tree / "locale")
    with messages.catalogue_path(tree / "locale").with_suffix(".mo").open("rb") as handle:
        catalog = gettext.GNUTranslations(handle)
    assert catalog.gettext("Leads") == "线索"
    assert catalog.ngettext("%(n)s lead", "%(n)s leads", 5) == "%(n)s 条线索"
    assert catalog.pgettext("door", "Open") == "开门"
