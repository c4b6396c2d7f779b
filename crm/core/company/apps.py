from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CompanyConfig(AppConfig):
    """Acts on companies, members, teams and tokens; their models are in `people`."""

    name = "crm.core.company"
    label = "company"

    def ready(self):
        from allauth.account import signals

        from . import mails  # noqa: F401  (listens to invitations)
        from .actions import end_tokens_of

        _offer_pages()

        def ended(user, **_rest):
            end_tokens_of(user)

        for signal in (signals.password_changed, signals.password_reset, signals.password_set):
            signal.connect(ended, weak=False, dispatch_uid="end tokens")


def _offer_pages() -> None:
    from crm.core.web.navigation import Entry, Group, register

    admin = frozenset({"admin"})
    group = Group.SETTINGS
    register(Entry("members", _("Members"), "settings:members", "users", roles=admin, order=810, group=group))
    register(Entry("teams", _("Teams"), "settings:teams", "sitemap", roles=admin, order=820, group=group))
    register(Entry("company", _("Company"), "settings:company", "settings", roles=admin, order=890, group=group))
    register(Entry("profile", _("My profile"), "settings:profile", "user", place="account", order=10))
    register(Entry("tokens", _("API tokens"), "settings:tokens", "key", place="account", order=20))
    register(Entry("switch", _("Switch company"), "settings:switch", "building", place="account", order=90))
