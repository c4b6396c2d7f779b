"""Forms of pools."""

from zoneinfo import available_timezones

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member, Team
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField

from .models import Pool

RULES = (
    "no_followup_days", "no_first_contact_days", "no_deal_days", "remind_days", "review_after_returns", "tz",
)  # fmt: skip


def zones() -> list[tuple[str, str | Promise]]:
    return [("", _("As the company")), *((name, name) for name in sorted(available_timezones()))]


class PoolForm(RecordForm):
    tz = forms.ChoiceField(choices=zones, required=False, label=_("time zone"))

    class Meta:
        model = Pool
        fields = [
            "name", "everyone", "mask_contacts", "is_default", "is_active", "daily_claim_limit", "cool_off_days",
            "holding_limit", "count_dealt", *RULES,
        ]  # fmt: skip


class RulesForm(RecordForm):
    """The rules of the clock alone, for a dry run before they are saved."""

    class Meta:
        model = Pool
        fields = RULES


class SeatForm(MemberForm):
    member = ScopedChoiceField(
        Member, narrow=lambda rows: rows.filter(is_active=True, is_system=False), required=False, label=_("Person")
    )
    team = ScopedChoiceField(Team, required=False, label=_("or team, with the teams below it"))
    is_admin = forms.BooleanField(required=False, label=_("Administers the pool"))
