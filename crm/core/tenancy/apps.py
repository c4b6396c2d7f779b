from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "crm.core.tenancy"
    label = "tenancy"

    def ready(self):
        from . import checks  # noqa: F401
