from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EntitiesConfig(AppConfig):
    name = "crm.core.entities"
    label = "entities"

    def ready(self):
        from crm.core.company import holdings
        from crm.core.web.navigation import Entry, Group, register

        from .actions import open_first_entity

        holdings.on_founding.append(open_first_entity)
        register(
            Entry(
                "entities", _("Legal entities"), "entities:list", "building-factory-2", roles=frozenset({"admin"}),
                order=835, group=Group.SETTINGS,
            )
        )  # fmt: skip
