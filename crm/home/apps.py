from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HomeConfig(AppConfig):
    name = "crm.home"
    label = "home"

    def ready(self):
        from crm.core.web.navigation import Entry, Group, register

        register(Entry("today", _("Today"), "home:today", "checklist", order=10))
        register(Entry("today", _("Today"), "home:today", "checklist", place="bottom", order=10))
        finance = frozenset({"finance"})
        register(Entry("finance", _("Finance"), "home:finance", "home", roles=finance, order=11))
        register(Entry("finance", _("Finance"), "home:finance", "home", roles=finance, place="bottom", order=11))
        register(
            Entry("figures", _("Orders and money"), "home:board", "chart-bar", order=70, group=Group.MONEY,
                  roles=frozenset({"manager", "finance"}))
        )  # fmt: skip
