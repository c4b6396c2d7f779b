"""What people fill in about companies, members, teams, tokens and themselves."""

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member, Team, User
from crm.core.people.roles import Reach, Role
from crm.core.tenancy.models import Tenant
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField, ScopedMultipleChoiceField
from crm.core.web.rendering import DateInput

from .actions import found_company

CURRENCIES = ["CNY", "USD", "EUR", "HKD", "TWD", "JPY", "KRW", "SGD", "GBP", "AUD", "CAD", "INR", "BRL", "MXN", "CHF"]


class SignupForm(forms.Form):
    """Extra fields of allauth's sign-up: it opens a company for its first admin."""

    company = forms.CharField(label=_("Company name"), max_length=200)
    name = forms.CharField(label=_("Your name"), max_length=100)
    field_order = ["company", "name", "email", "password1", "password2"]

    def signup(self, request, user):
        found_company(name=self.cleaned_data["company"], founder=user, locale=get_language())


class CompanyNameForm(forms.Form):
    company = forms.CharField(label=_("Company name"), max_length=200)


class JoinForm(forms.Form):
    """A new account for the person invited at `email`."""

    name = forms.CharField(label=_("Your name"), max_length=100)
    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters; a sentence is good."),
    )

    def __init__(self, *args, email: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self):
        validate_password(self.cleaned_data["password"], User(email=self.email, name=self.data.get("name", "")))
        return self.cleaned_data["password"]


class CompanyForm(forms.ModelForm):
    tz = forms.ChoiceField(label=_("Time zone"), help_text=_("Days begin and end by it: due dates, pools, periods."))
    locale = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, help_text=_("For mails to people who have not chosen one.")
    )
    base_currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])

    class Meta:
        model = Tenant
        fields = ["name", "tz", "locale", "base_currency"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc", "posix")))
        zones = [zone for zone in zones if zone.split("/")[0] in REGIONS]
        present = {self.instance.tz, "UTC"} - set(zones)
        self.fields["tz"].choices = [(zone, zone) for zone in [*sorted(present), *zones]]
        kept = self.instance.base_currency
        if kept not in CURRENCIES:
            self.fields["base_currency"].choices = [(kept, kept), *self.fields["base_currency"].choices]

    def _post_clean(self):
        """Leave the instance alone: the action validates the locked row."""


REGIONS = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}


class TeamsField(ScopedMultipleChoiceField):
    """Several teams of the company, shown with their place in the tree."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, team):
        return f"{'— ' * team.depth}{team.name}"


class PersonForm(RecordForm):
    """What an administrator says of a member."""

    roles = forms.MultipleChoiceField(label=_("Roles"), choices=Role, widget=forms.CheckboxSelectMultiple)
    reach = forms.ChoiceField(
        label=_("Sees"), required=False, choices=[("", _("Usual for the roles")), *Reach.choices],
        help_text=_("Whose leads, customers and opportunities this person sees."),
    )  # fmt: skip
    teams = TeamsField(Team, label=_("Teams"), required=False)

    class Meta:
        model = Member
        fields = ["name", "email", "phone", "title", "roles", "reach"]
        labels = {"name": _("Full name")}

    def __init__(self, *args, member, **kwargs):
        super().__init__(*args, member=member, **kwargs)
        if self.instance.pk:
            self.initial["teams"] = [seat.team_id for seat in self.instance.memberships.all()]
            self.fields["reach"].choices = Reach.choices
        else:
            self.initial["roles"] = [Role.REP]
        if not self.fields["teams"].queryset.exists():
            del self.fields["teams"]

    @property
    def chosen_teams(self) -> list[Team]:
        return list(self.cleaned_data.get("teams", ()))

    @property
    def values(self) -> dict:
        return {name: value for name, value in super().values.items() if name != "teams"}


class InviteForm(PersonForm):
    """A new member; with an address the invitation is mailed at once."""

    email = forms.EmailField(
        label=_("E-mail"), required=False, help_text=_("The invitation goes there. Leave it empty for a seller who "
        "does not sign in.")
    )  # fmt: skip


class TeamForm(RecordForm):
    parent = ScopedChoiceField(Team, label=_("Parent team"), required=False, empty_label=_("None: top of the tree"))
    head = ScopedChoiceField(
        Member, label=_("Head"), required=False, empty_label=_("Nobody"),
        narrow=lambda rows: rows.filter(is_active=True),
        help_text=_("Sees what the team and the teams below it hold."),
    )  # fmt: skip

    class Meta:
        model = Team
        fields = ["name", "kind", "parent", "head"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["kind"]
        else:
            self.fields["kind"].help_text = _("A team below another takes its kind.")


class SeatForm(MemberForm):
    member = ScopedChoiceField(
        Member, label=_("Add to the team"), empty_label=_("Choose…"), narrow=lambda rows: rows.filter(is_active=True)
    )


class TokenForm(MemberForm):
    name = forms.CharField(label=_("What it is for"), max_length=100)
    expires_on = forms.DateField(
        label=_("Last day"), required=False, widget=DateInput, help_text=_("Empty: until it is revoked.")
    )


class ProfileForm(RecordForm):
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = Member
        fields = ["name", "phone"]
        labels = {"name": _("Full name")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["language"] = self.member.user.language or settings.LANGUAGE_CODE
