from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "crm.core.events"
    label = "events"
