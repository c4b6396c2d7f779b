from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "crm.core.catalog"
    label = "catalog"

    def ready(self):
        from crm.core.web import navigation

        navigation.register(
            navigation.Entry(
                "products",
                _("Products"),
                "catalog:list",
                "package",
                roles=frozenset({"admin"}),
                order=840,
                group=navigation.Group.SETTINGS,
            )
        )
