"""Forms that come before a company is known."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .actions import found_company


class SignupForm(forms.Form):
    """Extra fields of allauth's sign-up: it opens a company for its first admin."""

    company = forms.CharField(label=_("Company name"), max_length=200)
    name = forms.CharField(label=_("Your name"), max_length=100)
    field_order = ["company", "name", "email", "password1", "password2"]

    def signup(self, request, user):
        found_company(name=self.cleaned_data["company"].strip(), founder=user)
