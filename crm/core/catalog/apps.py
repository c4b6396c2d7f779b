from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "crm.core.catalog"
    label = "catalog"
