"""Drafts of contracts, the questions of their verbs, the clause checklist, and what legal keeps."""

from django import forms
from django.forms import formset_factory
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from contracts.actions.contracts import TERMS
from contracts.models import Clause, ClauseTemplate, Contract, ContractTemplate
from crm.core.activities.models import Attachment
from crm.core.entities.models import LegalEntity
from crm.core.people.models import Member
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.numbers import is_whole
from crm.core.web.rendering import DateInput, PickerSelect
from opportunities.models import Opportunity

from .lines import line_forms

SHORT = forms.Textarea(attrs={"rows": 2})


class ContractForm(RecordForm):
    """A draft and its lines, so that a view sees one form."""

    class Meta:
        model = Contract
        fields = ["title", "kind", "opportunity", "start_date", "end_date", *TERMS, "nonstandard"]
        widgets = {"start_date": DateInput(), "end_date": DateInput(), **dict.fromkeys(TERMS, SHORT)}
        help_texts = {"nonstandard": _("Legal decides too when the terms differ.")}

    def __init__(self, data=None, *args, member, **kwargs):
        super().__init__(data, *args, member=member, **kwargs)
        self.lines = line_forms(data, member, self.instance if self.instance.pk else None)
        deals = Opportunity.objects.visible_to(member).filter(account_id=self._account())
        self.fields["opportunity"].queryset = deals.order_by("-pk")

    def _account(self) -> int | None:
        """The customer whose deals are offered."""
        given = self.data.get("account") or self.initial.get("account") or self.instance.account_id
        return int(given) if is_whole(given) else None

    def is_valid(self):
        fine = super().is_valid()
        if self.is_bound and not self.lines.is_valid():
            self.add_error(None, _("Correct the lines below."))
            return False
        return fine

    @property
    def values(self):
        return {**super().values, "lines": self.lines.rows()}


class NewContractForm(ContractForm):
    account = ScopedChoiceField(Account, label=_("Customer"), widget=PickerSelect("accounts:options"))
    legal_entity = ScopedChoiceField(
        LegalEntity, label=_("Legal entity"), empty_label=None, narrow=lambda rows: rows.filter(is_active=True)
    )
    template = ScopedChoiceField(
        ContractTemplate, label=_("Template"), required=False, empty_label=_("None"),
        narrow=lambda rows: rows.filter(is_active=True),
        help_text=_("It fills the terms that you leave empty and proposes a collection plan."),
    )  # fmt: skip
    field_order = ["account", "title", "template", "kind", "legal_entity", "opportunity", "start_date", "end_date"]

    def __init__(self, data=None, *args, member, **kwargs):
        super().__init__(data, *args, member=member, **kwargs)
        default = LegalEntity.objects.of(member.tenant_id).filter(is_default=True).first()
        self.initial = {"legal_entity": default and default.pk, **self.initial}


class ContractVerbForm(MemberForm):
    """The answers that a verb asks for; `values` go to its action."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, files=None, *, subject, member):
        super().__init__(data, files, member=member, initial={"version": subject.version})
        self.subject = subject

    @property
    def expected(self) -> int | None:
        return self.cleaned_data["version"]

    @property
    def values(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class GroundsForm(ContractVerbForm):
    grounds = forms.CharField(
        label=_("Note for the approvers"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class WhyForm(ContractVerbForm):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class HandToForm(WhyForm):
    to = ScopedChoiceField(
        Member, label=_("New owner"), narrow=lambda rows: rows.filter(is_active=True, is_system=False)
    )


class SignForm(ContractVerbForm):
    sign_date = forms.DateField(label=_("Signed on"), widget=DateInput())
    upload = forms.FileField(label=_("Signed file"), required=False)
    file = forms.ModelChoiceField(
        Attachment._base_manager.none(),
        label=_("Or one of the contract's files"),
        required=False,
        empty_label=_("None"),
    )
    on_paper = forms.CharField(
        label=_("Or where the paper is kept"),
        max_length=300,
        required=False,
        help_text=_("Such as: cabinet 3, folder 12"),
    )

    def __init__(self, *args, subject, member, **kwargs):
        super().__init__(*args, subject=subject, member=member, **kwargs)
        self.initial["sign_date"] = member.tenant.today()
        files = Attachment.objects.visible_to(member).filter(
            links__subject_type=subject._meta.label_lower, links__subject_id=subject.pk
        )
        self.fields["file"].queryset = files


class ClauseForm(forms.Form):
    status = forms.ChoiceField(choices=Clause, label=_("Standing"))
    note = forms.CharField(label=_("How it differs"), max_length=300, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label


def clause_forms(data, contract: Contract):
    """One row for each clause of the checklist."""
    initial = [{"status": item["status"], "note": item["note"]} for item in contract.clauses]
    return formset_factory(ClauseForm, extra=0)(data, prefix="clauses", initial=initial)


class ClauseTemplateForm(RecordForm):
    kinds = forms.MultipleChoiceField(
        label=_("Contract kinds"), choices=Contract.Kind, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every contract."),
    )  # fmt: skip

    class Meta:
        model = ClauseTemplate
        fields = ["name", "text", "kinds", "is_active"]
        widgets = {"text": forms.Textarea(attrs={"rows": 4})}


class ContractTemplateForm(RecordForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=Contract.Kind)
    percents = forms.CharField(
        label=_("Collection plan in percent"), required=False, max_length=100,
        help_text=_("Such as 30/30/30/10: on signing, after a batch, after acceptance, at the end of the warranty. "
                    "Finance sees it as a draft when the contract comes into force."),
    )  # fmt: skip

    class Meta:
        model = ContractTemplate
        fields = ["name", "kind", "percents", *TERMS, "nonstandard", "is_active"]
        widgets = dict.fromkeys(TERMS, SHORT)
        exclude = ["plan"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        lines = self.instance.plan.get("lines", []) if self.instance.pk else []
        self.initial["percents"] = "/".join(str(line.get("percent", "")) for line in lines)

    @property
    def values(self):
        values = super().values
        return {**values, "percents": values["percents"]}
