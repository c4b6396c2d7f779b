"""/styleguide/: every component with samples, one place to review looks (local and test only)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from crm.core.web.navigation import Link

STAGES = (
    ("Clue", 42, 3180000, "0.05"),
    ("Need", 31, 2650000, "0.20"),
    ("Proposal", 19, 2104000, "0.50"),
    ("Contract", 8, 912000, "0.80"),
)


CHANNELS = (("call", _("Call")), ("visit", _("Visit")))


class SampleForm(forms.Form):
    """One field of each kind, with help, required marks and errors."""

    company = forms.CharField(label=_("Company"), max_length=80, help_text=_("As it stands in the business register."))
    phone = forms.CharField(label=_("Phone"), required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    email = forms.EmailField(label=_("Email"))
    amount = forms.DecimalField(label=_("Amount"), required=False, decimal_places=2)
    close_date = forms.DateField(label=_("Close date"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    source = forms.ChoiceField(label=_("Source"), choices=[("web", _("Website")), ("fair", _("Trade fair"))])
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea)
    urgent = forms.BooleanField(label=_("Urgent"), required=False)
    channel = forms.ChoiceField(
        label=_("Channel"),
        choices=[("call", _("Call")), ("visit", _("Visit"))],
        widget=forms.RadioSelect,
        required=False,
    )


class SampleFilter(forms.Form):
    owner = forms.ChoiceField(label=_("Owner"), choices=[("", _("Everyone")), ("me", _("Me"))], required=False)
    status = forms.ChoiceField(label=_("Status"), choices=[("", _("Any status")), ("new", _("New"))], required=False)


def styleguide(request: HttpRequest) -> HttpResponse:
    """The page in the language of `?language=` (zh-hans or en), else the visitor's own."""
    language = request.GET.get("language")
    with translation.override(language if language in ("zh-hans", "en") else translation.get_language()):
        return render(request, "styleguide/index.html", samples())


def samples() -> dict[str, Any]:
    bound = SampleForm({"company": "", "email": "li.lei", "source": "web"})
    bound.is_valid()
    return {
        **frame(),
        "form": bound,
        "filter_form": SampleFilter(),
        "funnel": funnel(),
        "funnel_total": {"count": 100, "amount": Decimal("8846000"), "weighted": Decimal("2470600"), "url": "#"},
        "stages": stepper(),
        "stage_choices": [(i, name) for i, (name, *_rest) in enumerate(STAGES)],
        "choices": [("web", _("Website")), ("fair", _("Trade fair")), ("ref", _("Referral"))],
        "changes": [(_("Amount"), "80,000.00", "96,000.00"), (_("Close date"), "", "2026-12-18")],
        "step_names": [_("Upload"), _("Map columns"), _("Check"), _("Import")],
        "trend": [3, 5, 4, 6, 9, 8, 11, 12],
        "page_of_rows": SimpleNamespace(next="abc", is_first=False),
        "now": timezone.now(),
        "earlier": timezone.now() - timedelta(hours=3),
        "last_week": date.today() - timedelta(days=7),
        "rows": rows(),
        "columns": columns(),
    }


def frame() -> dict[str, Any]:
    """A made-up member and menus, so that sidebar and bottom bar show without a company."""
    company = SimpleNamespace(slug="styleguide", name="华腾重工")
    places = {
        "sidebar": [("today", _("Today"), "sun", 4), ("leads", _("Leads"), "user-search", 0),
                    ("accounts", _("Customers"), "building", 0), ("deals", _("Opportunities"), "target-arrow", 0),
                    ("visits", _("Visits"), "map-pin", 0), ("funnel", _("Funnel"), "chart-funnel", 0)],
        "bottom": [("today", _("Today"), "sun", 0), ("accounts", _("Customers"), "building", 0),
                   ("deals", _("Opportunities"), "target-arrow", 0), ("funnel", _("Funnel"), "chart-funnel", 0)],
        "create": [("visit", _("Log a visit"), "map-pin", 0), ("lead", _("New lead"), "user-plus", 0)],
        "top": [("bell", _("Notifications"), "bell", 3)],
        "search": [("search", _("Search"), "search", 0)],
        "account": [("me", _("My settings"), "settings", 0)],
    }  # fmt: skip
    user = SimpleNamespace(email="li.na@example.com")
    return {
        "member": SimpleNamespace(name="李娜", user=user, tenant=company, roles=["rep"]),
        "company": company,
        "navigation": {
            place: [Link(k, str(label), icon, "", f"#{k}", n, k == "deals") for k, label, icon, n in found]
            for place, found in places.items()
        },
    }


def funnel() -> list[dict[str, Any]]:
    conversions, days = ("0.738", "0.613", "0.421", None), (6, 11, 19, None)
    return [
        {
            "name": name, "url": "#", "count": count, "amount": Decimal(amount), "probability": Decimal(probability),
            "weighted": Decimal(amount) * Decimal(probability), "conversion": conversion, "median_days": median,
            "without_amount": 2 if name == "Clue" else 0,
        }
        for (name, count, amount, probability), conversion, median in zip(STAGES, conversions, days, strict=True)
    ]  # fmt: skip


def stepper() -> list[dict[str, Any]]:
    states = ("done", "done", "current", "ahead")
    return [
        {"pk": i, "name": name, "state": state, "note": "6 d" if state != "ahead" else ""}
        for i, ((name, *_rest), state) in enumerate(zip(STAGES, states, strict=True))
    ]


def rows() -> list[SimpleNamespace]:
    names = (
        "苏州精工机械有限公司",
        "Nordwind Pumps GmbH",
        "广东恒达新材料股份有限公司",
        "Harbour Steel Trading Co., Ltd.",
    )
    owners = ("王伟", "Ana Souza", "陈静", "")
    return [
        SimpleNamespace(pk=i, name=name, owner=owner, amount=Decimal(86500) * (i + 1) - 200000, due=date.today())
        for i, (name, owner) in enumerate(zip(names, owners, strict=True), 1)
    ]


def columns() -> list[dict[str, Any]]:
    nexts = ("overdue", "today", "planned", "none")
    return [
        {
            "pk": i, "name": name, "count": count, "amount": Decimal(amount), "probability": Decimal(probability),
            "weighted": Decimal(amount) * Decimal(probability), "next": nexts[i], "rot": ("", "soon", "", "late")[i],
        }
        for i, (name, count, amount, probability) in enumerate(STAGES)
    ]  # fmt: skip
