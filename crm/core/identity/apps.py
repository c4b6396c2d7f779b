from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "crm.core.identity"
    label = "identity"
