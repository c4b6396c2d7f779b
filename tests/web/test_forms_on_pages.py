"""Every field is labelled, its help and error are announced, and pages come whole or in part."""

from types import SimpleNamespace

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory

from crm.core.web import context
from crm.core.web.failures import csrf_failure
from crm.core.web.rendering import DateInput, PickerSelect


class Sample(forms.Form):
    name = forms.CharField(label="Name", help_text="As registered.")
    amount = forms.DecimalField(label="Amount", required=False)
    due = forms.DateField(label="Due", required=False, widget=DateInput())
    agreed = forms.BooleanField(label="Agreed", required=False)


def test_label_help_and_error_belong_to_the_input():
    html = str(Sample({"name": ""}))
    assert '<label for="id_name">Name<span class="required"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext">As registered.' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html


def test_errors_are_summed_up_with_links():
    assert '<a href="#id_name">Name</a>' in str(Sample({"name": ""}))
    assert "error-summary" not in str(Sample())


def test_the_phone_shows_the_keyboard_that_fits():
    html = str(Sample({"name": "x", "due": "2026-03-01"}))
    assert 'inputmode="decimal"' in html
    assert 'type="date" name="due" value="2026-03-01"' in html


def test_a_picker_offers_only_what_is_chosen():
    rows = SimpleNamespace(filter=lambda pk__in: [SimpleNamespace(pk=7, __str__=str)] if pk__in else [])
    widget = PickerSelect("accounts:options")
    widget.choices, widget.url = SimpleNamespace(field=SimpleNamespace(queryset=rows)), "/acme/accounts/options/"
    chosen = widget.render("account", 7, {"id": "id_account"})
    assert 'data-picker="/acme/accounts/options/"' in chosen
    assert chosen.count("<option") == 2 and 'value="7" selected' in chosen
    assert widget.render("account", "7 or 1=1", {}).count("<option") == 1


def request(htmx=None, **cookies):
    made = RequestFactory().get("/styleguide/")
    made.htmx, made.user, made.member, made.tenant = htmx or False, AnonymousUser(), None, None
    made.COOKIES.update(cookies)
    return made


class Htmx(SimpleNamespace):
    def __init__(self, boosted=False, history_restore_request=False):
        super().__init__(boosted=boosted, history_restore_request=history_restore_request)


@pytest.mark.parametrize(
    ("htmx", "base"),
    [
        (None, "page.html"),
        (Htmx(), "fragment.html"),
        (Htmx(boosted=True), "page.html"),
        (Htmx(history_restore_request=True), "page.html"),
    ],
)
def test_htmx_gets_a_fragment_unless_it_wants_a_page(htmx, base):
    assert context.page(request(htmx))["base_template"] == base


def test_cookies_choose_only_known_looks():
    assert context.page(request(theme="dark"))["theme"] == "dark"
    assert context.page(request(theme="'><script>"))["theme"] == "auto"


def test_the_title_is_the_heading_unless_the_page_names_another():
    html = render_to_string("404.html", request=request())
    assert html.count("There is nothing here") == 2 or "这里什么也没有" in html


def test_a_refusal_is_a_page_or_a_toast():
    page = render_to_string("refused.html", {"message": "No <b>"}, request=request())
    toast = render_to_string("refused.html", {"message": "No <b>"}, request=request(Htmx()))
    assert "<html" in page and "<h1>" in page
    assert "<html" not in toast and 'data-toast="error"' in toast
    assert "No &lt;b&gt;" in page and "No &lt;b&gt;" in toast


def test_a_stale_form_is_told_how_to_go_on():
    answer = csrf_failure(request(Htmx()))
    assert answer.status_code == 403
    assert answer["HX-Retarget"] == "#messages"
