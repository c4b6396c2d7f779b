"""What allauth asks of us: where people go, and that a sign-up founds a company."""

from allauth.account.adapter import DefaultAccountAdapter

from crm.core.people.models import User


class AccountAdapter(DefaultAccountAdapter):
    def save_user(self, request, user: User, form, commit=True):
        user = super().save_user(request, user, form, commit=False)
        user.name = form.cleaned_data.get("name", "")
        user.language = getattr(request, "LANGUAGE_CODE", "")
        if commit:
            user.save()
        return user
