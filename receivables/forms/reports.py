"""What ageing, indicators and statements are asked by; pages and the API read the same forms."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.calendars import Period
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member, Team
from crm.core.people.reach import require
from crm.core.web.forms import MemberForm, ScopedChoiceField
from crm.core.web.rendering import DateInput, PickerSelect
from receivables.actions.credit import bounds_of
from receivables.metrics.ageing import UNALLOCATED, UNSCHEDULED, Question

GROUPS = [
    ("account", _("Customer")), ("team", _("Team")), ("owner", _("Owner")), ("entity", _("Legal entity")),
    ("contract", _("Contract")),
]  # fmt: skip
BESIDE = {"unscheduled": UNSCHEDULED, "unallocated": UNALLOCATED}
EARLIEST = date(2000, 1, 1)


class MomentInput(forms.DateTimeInput):
    """The browser's own field for a day and a minute."""

    def __init__(self):
        super().__init__({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class AgeingForm(MemberForm):
    """Day, grouping and narrowing of an ageing report. A field that cannot be read counts as not given."""

    by = forms.ChoiceField(label=_("By"), choices=GROUPS, required=False)
    as_of = forms.DateField(label=_("As of"), widget=DateInput(), required=False)
    legal_entity = ScopedChoiceField(LegalEntity, label=_("Legal entity"), required=False)
    team = ScopedChoiceField(Team, label=_("Team"), required=False)
    owner = ScopedChoiceField(
        Member, narrow=lambda rows: rows.filter(is_system=False), label=_("Owner"), required=False
    )
    account = ScopedChoiceField(Account, label=_("Customer"), required=False, widget=PickerSelect("accounts:options"))
    recorded = forms.DateTimeField(
        label=_("As known at"), widget=MomentInput(), required=False,
        help_text=_("Gives the report as it was then: what was entered later does not count."),
    )  # fmt: skip

    def __init__(self, data, *args, member, **kwargs):
        """Without a day the field shows the one that is meant: today."""
        named = data.get("as_of") or member.tenant.today().isoformat()
        super().__init__({**data.dict(), "as_of": named}, *args, member=member, **kwargs)

    def clean_as_of(self):
        day, today = self.cleaned_data["as_of"], self.member.tenant.today()
        if day is not None and not EARLIEST <= day <= today:
            raise forms.ValidationError(_("Choose a day up to today."))
        return day

    def question(self) -> Question:
        """Forbidden for a role without ageing."""
        require(self.member, "ageing.read")
        self.is_valid()
        given: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value}
        tenant = self.member.tenant
        return Question(
            self.member, given.get("as_of") or tenant.today(), cutoff=self._cutoff(given),
            by=given.get("by", "account"), bounds=bounds_of(tenant), currency=tenant.base_currency,
            accounts=_ids(given.get("account")), entities=_ids(given.get("legal_entity")),
            owners=_owners(given.get("team"), given.get("owner")),
        )  # fmt: skip

    def asked(self, question: Question) -> dict[str, str]:
        """The question as an address says it; the day is always named, so that a link stays true."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        single = {name: str(given[name].pk) for name in ("legal_entity", "team", "owner", "account") if name in given}
        asked = {"by": question.by, "as_of": question.as_of.isoformat(), **single}
        if question.cutoff is not None:
            asked["recorded"] = timezone.localtime(question.cutoff).strftime("%Y-%m-%dT%H:%M")
        return asked

    def _cutoff(self, given):
        """The whole minute that was named; a moment to come means now."""
        moment = given.get("recorded")
        return moment if moment is not None and moment < timezone.now() else None


def _ids(record) -> list[int | None] | None:
    return None if record is None else [record.pk]


def _owners(team: Team | None, owner: Member | None) -> list[int | None] | None:
    if team is None:
        return _ids(owner)
    members = set(team.members().values_list("pk", flat=True))
    return [*sorted(members & {owner.pk} if owner else members)]


class BoundsForm(forms.Form):
    """Where the buckets end, as days between commas."""

    bounds = forms.CharField(
        label=_("Last days of the buckets"), max_length=60, help_text=_("Rising days that begin with 0: 0, 30, 60, 90.")
    )

    def clean_bounds(self) -> list[int]:
        parts = [part.strip() for part in self.cleaned_data["bounds"].replace("，", ",").split(",") if part.strip()]
        if not parts or any(not part.isascii() or not part.isdigit() or len(part) > 4 for part in parts):
            raise forms.ValidationError(_("Enter whole days with commas between them, such as 0, 30, 60, 90."))
        return [int(part) for part in parts]


class SpanForm(MemberForm):
    """First and last day and legal entity of a statement or an indicator; the current month without an answer."""

    start = forms.DateField(label=_("From"), widget=DateInput(), required=False)
    end = forms.DateField(label=_("Until"), widget=DateInput(), required=False)
    legal_entity = ScopedChoiceField(LegalEntity, label=_("Legal entity"), required=False)

    def __init__(self, data, *args, member, **kwargs):
        """Without days the fields show those that are meant: the current month."""
        month = Period.of(member.tenant.today(), "month")
        self.usual = month.start or member.tenant.today(), month.end or member.tenant.today()
        usual = {"start": self.usual[0].isoformat(), "end": self.usual[1].isoformat()}
        given = {name: value for name, value in data.dict().items() if value}
        super().__init__({**usual, **given}, *args, member=member, **kwargs)

    def clean(self):
        given = self.cleaned_data
        start, end = given.get("start") or self.usual[0], given.get("end") or self.usual[1]
        if start > end:
            self.add_error("end", _("The last day comes after the first one."))
            end = start
        return {**given, "start": max(start, EARLIEST), "end": end}
