from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HomeConfig(AppConfig):
    name = "crm.home"
    label = "home"

    def ready(self):
        from crm.core.web.navigation import Entry, register

        register(Entry("today", _("Today"), "home:today", "checklist", order=10))
        register(Entry("today", _("Today"), "home:today", "checklist", place="bottom", order=10))
