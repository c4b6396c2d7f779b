from django.apps import AppConfig


class PoolsConfig(AppConfig):
    name = "crm.core.pools"
    label = "pools"

    def ready(self):
        from crm.core.company import holdings

        from .actions import open_first_pool

        holdings.on_founding.append(open_first_pool)
