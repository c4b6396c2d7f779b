"""What a customer types on the public page of a quote."""

from django import forms
from django.utils.translation import gettext_lazy as _


class AcceptForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=100, help_text=_("It is kept with the acceptance."))


class DeclineForm(forms.Form):
    grounds = forms.CharField(
        label=_("Why not?"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One sentence helps us to make a better offer."),
    )  # fmt: skip
