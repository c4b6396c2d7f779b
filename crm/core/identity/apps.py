from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "crm.core.identity"
    label = "identity"

    def ready(self):
        from crm.core import records

        from .index import index, watch

        records.watchers.append(watch)
        records.bulk_watchers.append(index)
