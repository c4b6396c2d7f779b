"""What people type about deals; each verb has its own small form."""

from decimal import Decimal

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core.people.models import Member
from crm.core.people.reach import owners_covered
from crm.core.people.roles import Role
from crm.core.web.forms import MemberForm, RecordForm, ScopedChoiceField
from crm.core.web.rendering import DateInput, PickerSelect

from .models import LostReason, Opportunity, Pipeline


class OpportunityForm(RecordForm):
    class Meta:
        model = Opportunity
        fields = ["name", "amount", "close_date", "product", "next_step", "source"]
        widgets = {"close_date": DateInput()}
        help_texts = {
            "amount": _("Tax included. Leave it empty while it is not known."),
            "close_date": _("The day you expect the decision."),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        product = self.fields["product"]
        product.queryset = product.queryset.filter(Q(is_active=True) | Q(pk=self.instance.product_id))
        product.empty_label = _("None yet")


class NewOpportunityForm(OpportunityForm):
    """A new deal; customer and name are enough. Who may open deals for others chooses the owner."""

    account = ScopedChoiceField(Account, label=_("Customer"), widget=PickerSelect("accounts:options"))
    pipeline = ScopedChoiceField(
        Pipeline,
        label=_("Pipeline"),
        required=False,
        empty_label=None,
        narrow=lambda rows: rows.filter(is_current=True),
    )
    owner = ScopedChoiceField(
        Member, label=_("Owner"), required=False, empty_label=None,
        narrow=lambda rows: rows.filter(is_active=True, is_system=False),
    )  # fmt: skip
    field_order = ["account", "name", "amount", "close_date", "product", "pipeline", "owner", "next_step", "source"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        covered = owners_covered(self.member, "opportunity.create")
        if covered is not None:
            self.fields["owner"].queryset = self.fields["owner"].queryset.filter(pk__in=covered)
        if covered is not None and len(covered) <= 1:
            del self.fields["owner"]
        pipelines = list(self.fields["pipeline"].queryset[:2])
        if len(pipelines) < 2:
            del self.fields["pipeline"]
        self.initial = {"owner": self.member.pk, "pipeline": self._default(), **self.initial}

    def _default(self):
        return Pipeline.objects.of(self.member.tenant_id).filter(is_default=True).first()


class VerbForm(MemberForm):
    """The answers that a verb asks for; `values` go to its action."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def expected(self) -> int | None:
        return self.cleaned_data["version"]

    @property
    def values(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}

    @classmethod
    def start(cls, deal: Opportunity) -> dict:
        """What the form shows at first."""
        return {"version": deal.version}


class WinForm(VerbForm):
    amount = forms.DecimalField(
        label=_("Agreed amount"), max_digits=18, decimal_places=2, min_value=Decimal(0), required=False,
        help_text=_("Tax included, as it was agreed."),
    )  # fmt: skip

    @classmethod
    def start(cls, deal):
        return {**super().start(deal), "amount": deal.amount}


class LoseForm(VerbForm):
    reason = forms.ChoiceField(label=_("Why was it lost?"), choices=LostReason, widget=forms.RadioSelect)
    detail = forms.CharField(
        label=_("Details"), max_length=300, required=False, help_text=_("Who won, at what price, what was missing?")
    )


class ReasonForm(VerbForm):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class BackForm(ReasonForm):
    """Back to an earlier stage of a strict pipeline; `stage` is its key."""

    stage = forms.CharField(max_length=40, widget=forms.HiddenInput)

    @classmethod
    def start(cls, deal):
        earlier = deal.pipeline.stages.filter(order__lt=deal.stage.order).order_by("order").last()
        return {**super().start(deal), "stage": earlier.key if earlier else ""}


class OverrideForm(VerbForm):
    percent = forms.DecimalField(
        label=_("Your estimate, in percent"), min_value=Decimal("0.01"), max_value=Decimal("99.99"), decimal_places=2,
        help_text=_("It holds until the deal moves to another stage."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))

    @classmethod
    def start(cls, deal):
        return {**super().start(deal), "percent": deal.probability.scaleb(2).normalize().__format__("f")}

    @property
    def values(self):
        return {"probability": self.cleaned_data["percent"] / 100, "reason": self.cleaned_data["reason"]}


class TransferForm(VerbForm):
    to = ScopedChoiceField(
        Member, label=_("New owner"),
        narrow=lambda rows: rows.filter(is_active=True, roles__overlap=[Role.REP, Role.MANAGER]),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class MoveForm(VerbForm):
    """Where a card was dropped, by the key of the stage: deals of two versions share a column."""

    stage = forms.CharField(max_length=40)
    reason = forms.CharField(max_length=300, required=False)
