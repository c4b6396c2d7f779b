from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "crm.core.web"
    label = "web"
