"""Forms of leads; each passes what was typed to one action."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.people.models import Member
from crm.core.people.reach import may, owners_covered
from crm.core.pools.models import Pool
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.rendering import DateInput, PickerSelect

from .models import Lead


class LeadForm(RecordForm):
    """A lead as it is typed. A new one may go into a pool; `decided` says that a lookalike is no duplicate."""

    pool = ScopedChoiceField(
        Pool, narrow=lambda rows: rows.filter(is_active=True), required=False, label=_("Put into"),
        empty_label=_("My own leads"),
    )  # fmt: skip
    decided = forms.BooleanField(required=False, label=_("It is another firm: create the lead anyway"))

    class Meta:
        model = Lead
        fields = [
            "name", "contact_name", "title", "phone", "email", "wechat", "source", "region", "industry", "needs",
            "website", "uscc", "size_band", "campaign",
        ]  # fmt: skip
        widgets = {
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
            "needs": forms.Textarea(attrs={"rows": 3}),
        }

    # What most leads are typed with; the rest is behind “More”.
    FIRST = ("name", "contact_name", "title", "phone", "email", "source", "needs", "pool")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk or not may(self.member, "pool.read"):
            del self.fields["pool"]
        if self.instance.pk:
            del self.fields["decided"]
        elif "pool" in self.fields and not may(self.member, "lead.follow_up"):
            self.fields["pool"].empty_label = _("The default pool")

    @property
    def first_fields(self):
        return [self[name] for name in self.FIRST if name in self.fields]

    @property
    def more_fields(self):
        return [self[name] for name in self.fields if name not in (*self.FIRST, "decided", "version")]


class NothingForm(MemberForm):
    """For acts that need no words."""


class ReasonForm(MemberForm):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class NoteForm(MemberForm):
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class HandForm(MemberForm):
    """Whom to give a lead to."""

    to = ScopedChoiceField(Member, label=_("To"))
    reason = forms.CharField(label=_("Note"), required=False, max_length=500)
    override = forms.BooleanField(required=False, label=_("Also above the holding limit (administrators of the pool)"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = hands(self.member)


def hands(member):
    """Sales people whom the member may give leads to."""
    rows = Member.objects.of(member.tenant_id).filter(is_active=True, is_system=False)
    rows = rows.filter(roles__overlap=["rep", "manager"])
    covered = owners_covered(member, "lead.assign")
    return rows if covered is None else rows.filter(pk__in=covered)


class MoveForm(MemberForm):
    pool = ScopedChoiceField(Pool, narrow=lambda rows: rows.filter(is_active=True), label=_("Pool"))


class ProtectForm(MemberForm):
    until = forms.DateField(required=False, label=_("Protected until"), widget=DateInput)
    locked = forms.BooleanField(required=False, label=_("Never goes back by the clock"))


class ConvertForm(MemberForm):
    """Customer, contact and deal on one page. An existing customer is chosen, or a new one is made."""

    account = ScopedChoiceField(
        Account, required=False, label=_("Existing customer"),
        widget=PickerSelect("accounts:options"), help_text=_("Leave this empty to create a new customer."),
    )  # fmt: skip
    account_name = forms.CharField(label=_("Company name"), max_length=200, required=False)
    uscc = forms.CharField(label=_("Credit code"), max_length=40, required=False)
    region = forms.CharField(label=_("Region"), max_length=100, required=False)
    industry = forms.CharField(label=_("Industry"), max_length=100, required=False)
    contact_name = forms.CharField(label=_("Contact"), max_length=100, required=False)
    title = forms.CharField(label=_("Job title"), max_length=100, required=False)
    phone = forms.CharField(
        label=_("Phone"), max_length=100, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    email = forms.EmailField(label=_("E-mail"), required=False)
    wechat = forms.CharField(label=_("WeChat"), max_length=100, required=False)
    with_opportunity = forms.BooleanField(label=_("Open a deal"), required=False)
    opportunity_name = forms.CharField(label=_("Name of the deal"), max_length=200, required=False)
    amount = forms.DecimalField(
        label=_("Amount"), max_digits=18, decimal_places=2, min_value=0, required=False,
        help_text=_("Tax included; may stay empty."),
    )  # fmt: skip
    close_date = forms.DateField(label=_("Expected close"), required=False, widget=DateInput)

    def __init__(self, *args, lead: Lead, **kwargs):
        super().__init__(*args, **kwargs)
        self.lead = lead
        for name, value in self._suggested(lead).items():
            self.fields[name].initial = value

    @staticmethod
    def _suggested(lead: Lead) -> dict:
        same = ("uscc", "region", "industry", "contact_name", "title", "phone", "email", "wechat")
        suggested = {name: getattr(lead, name) for name in same}
        return {**suggested, "account_name": lead.name, "opportunity_name": lead.name, "with_opportunity": True}

    def clean(self):
        data = super().clean()
        if not data.get("account") and not data.get("account_name"):
            self.add_error("account_name", _("Enter the name of the new customer, or choose an existing one."))
        if data.get("with_opportunity") and not data.get("opportunity_name"):
            self.add_error("opportunity_name", _("Enter a name for the deal."))
        return data

    @property
    def values(self) -> dict:
        """Keywords of `actions.convert`."""
        data = self.cleaned_data
        contact = {name: data[name] for name in ("title", "phone", "email", "wechat")}
        deal = {"name": data["opportunity_name"], "amount": data["amount"], "close_date": data["close_date"]}
        return {
            "account": data["account"],
            "account_values": {"name": data["account_name"], **{n: data[n] for n in ("uscc", "region", "industry")}},
            "contact_values": {"name": data["contact_name"], **contact},
            "opportunity_values": deal if data["with_opportunity"] else None,
        }
