"""What people are asked when they decide, pass on, or are away. Forms know the task or request they are about."""

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member
from crm.core.people.roles import Role
from crm.core.web.forms import MemberForm, ScopedChoiceField
from crm.core.web.rendering import DateInput

from . import course


def colleagues(rows):
    """People who can be asked: active, and no partners."""
    return rows.filter(is_active=True, is_system=False).exclude(roles__contains=[Role.PARTNER])


def colleague(label) -> ScopedChoiceField:
    return ScopedChoiceField(Member, narrow=colleagues, label=label)


class AboutForm(MemberForm):
    """`about` is the task or the request; the cleaned data are the keywords of the verb's action."""

    def __init__(self, *args, about, **kwargs):
        super().__init__(*args, **kwargs)
        self.about = about
        self.prepare()

    def prepare(self) -> None:
        """Fit the fields to `about`."""


def comment_field(label, *, required: bool) -> forms.CharField:
    return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), label=label, required=required, max_length=2000)


class ApproveForm(AboutForm):
    comment = comment_field(_("comment"), required=False)


class RejectForm(AboutForm):
    comment = comment_field(_("reason"), required=True)


class ReturnForm(AboutForm):
    to_node = forms.ChoiceField(label=_("back to"), required=False)
    comment = comment_field(_("what to change"), required=True)

    def prepare(self) -> None:
        """The submitter, then the steps before this one, the nearest first."""
        earlier = course.nodes_of(self.about.instance)[: self.about.order]
        submitter = _("%(name)s, who asked") % {"name": self.about.instance.submitter.name}
        choices = [("", submitter), *((node["key"], node["name"]) for node in reversed(earlier))]
        self.fields["to_node"].choices = choices

    def clean_to_node(self) -> str | None:
        return self.cleaned_data["to_node"] or None


class TransferForm(AboutForm):
    to = colleague(_("give it to"))

    def prepare(self) -> None:
        queryset = self.fields["to"].queryset
        self.fields["to"].queryset = queryset.exclude(pk__in=[self.member.pk, *_submitters(self.about)])


class AddForm(AboutForm):
    WHERE = [("before", _("before me")), ("after", _("after me")), ("parallel", _("beside me"))]

    member = colleague(_("who"))
    where = forms.ChoiceField(choices=WHERE, label=_("when"), widget=forms.RadioSelect, initial="before")

    def prepare(self) -> None:
        queryset = self.fields["member"].queryset
        self.fields["member"].queryset = queryset.exclude(pk__in=[self.member.pk, *_submitters(self.about)])


class CopyForm(AboutForm):
    to = colleague(_("send it to"))


class NothingForm(AboutForm):
    """A verb that asks nothing."""


def _submitters(about) -> list[int]:
    return [getattr(about, "instance", about).submitter_id]


class DelegationForm(MemberForm):
    deputy = colleague(_("deputy"))
    start = forms.DateField(label=_("from"), widget=DateInput())
    end = forms.DateField(label=_("until"), widget=DateInput(), help_text=_("The last day, included."))
