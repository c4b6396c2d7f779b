from django.apps import AppConfig


class PoolsConfig(AppConfig):
    name = "crm.core.pools"
    label = "pools"
