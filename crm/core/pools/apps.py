from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PoolsConfig(AppConfig):
    name = "crm.core.pools"
    label = "pools"

    def ready(self):
        from crm.core.company import holdings
        from crm.core.web.navigation import Entry, Group, register

        from .actions import open_first_pool

        holdings.on_founding.append(open_first_pool)
        admin = frozenset({"admin"})
        register(Entry("pools", _("Pools"), "pools:list", "ripple", roles=admin, order=825, group=Group.SETTINGS))
