from django.apps import AppConfig


class EntitiesConfig(AppConfig):
    name = "crm.core.entities"
    label = "entities"
